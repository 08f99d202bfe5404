#!/usr/bin/env python3
"""Saved sessions: saved by one process, taken up by another, compared byte for
byte with a session that was not interrupted and was fed in the same pieces.

  check_state.py MARIMBA WORK PART...

Parts:
  splits GOLDEN              every split of the 257 tokens of a golden
  recall MODEL FILE TOKENS   the first line of about TOKENS tokens: read and
                             saved, asked from there; and split in the middle
                             and before the last token
"""

import json
import os
import shutil
import subprocess
import sys

import compare

TOLERANCE = 1e-5
# A trained model's logits are larger; sums in another order, as in
# check_stories.py.
STORIES_TOLERANCE = 1e-4
QUESTION = " What was the secret word of the day? It was"


class Checker:
    def __init__(self, marimba, work):
        self.marimba, self.work = marimba, work
        self.report = compare.Report()
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(work)

    def path(self, name):
        return os.path.join(self.work, name)

    def run(self, *arguments):
        done = subprocess.run(
            [self.marimba, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )
        if done.returncode != 0:
            print("FAIL", " ".join(arguments), "exit code", done.returncode)
            sys.exit(1)
        return done.stdout

    def logits(self, model, name, cases):
        """The logits of every case, in order."""
        batch, out = self.path(name + ".json"), self.path(name + ".safetensors")
        for index, case in enumerate(cases):
            case["name"] = str(index)
        with open(batch, "w", encoding="utf-8") as file:
            json.dump(cases, file)
        self.run("logits", model, "--dtype=f32", "--batch", batch, "-o", out)
        found = compare.load(out)
        os.remove(out)
        return [found[f"{index}.logits"] for index in range(len(cases))]

    def compare_splits(self, what, model, ids, splits, tolerance):
        """Saves after every split in one process, goes on in another."""
        states = [self.path(f"{split}.state") for split in splits]
        first = self.logits(
            model,
            "save",
            [
                {"ids": ids[:split], "save_state": state}
                for split, state in zip(splits, states)
            ],
        )
        second = self.logits(
            model,
            "load",
            [
                {"ids": ids[split:], "load_state": state}
                for split, state in zip(splits, states)
            ],
        )
        whole, *expected = self.logits(
            model,
            "whole",
            [{"ids": ids}]
            + [{"ids": ids, "split": [s, len(ids) - s]} for s in splits],
        )
        size = whole.shape[2]
        last = compare.Tensor([size], whole.values[-size:])
        different, worst = [], 0.0
        for split, begin, rest, wanted in zip(splits, first, second, expected):
            found = begin.values.tobytes() + rest.values.tobytes()
            if found != wanted.values.tobytes():
                different.append(split)
            end = compare.Tensor([size], rest.values[-size:])
            worst = max(worst, compare.difference(last, end))
        self.report.equal(f"{what}: splits with other bytes", [], different)
        self.report.row(
            f"{what}: to the whole, fed at once",
            f"{worst:.3e}",
            worst <= tolerance,
            f"(<= {tolerance:g})",
        )

    def splits(self, golden):
        tensors = compare.load(os.path.join(golden, "golden.safetensors"))
        with open(os.path.join(golden, "golden.json"), encoding="utf-8") as file:
            # As check_golden.py: kernels for few rows may sum otherwise.
            distance = json.load(file)["diff_f32"]["257"]
        ids = list(tensors["p257.input_ids"].values)
        self.compare_splits(
            f"{os.path.basename(golden)}, {len(ids)} tokens",
            golden,
            ids,
            range(1, len(ids)),
            max(TOLERANCE, 2 * distance),
        )

    def recall(self, model, path, tokens):
        with open(path, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        line = next(l for l in lines if l["context_tokens_about"] == int(tokens))
        book, state = self.path("book.txt"), self.path("book.state")
        with open(book, "w", encoding="utf-8", newline="") as file:
            file.write(line["text"].removesuffix(QUESTION))
        flags = ["--dtype=f32", "--quiet"]
        out = self.run("run", model, "--prompt-file", book, "--save-state", state, *flags)
        self.report.equal("read and saved: nothing on stdout", "", out)
        ask = ["--load-state", state, "--prompt", QUESTION, "--max-tokens", "4"]
        for attempt in ("once", "again"):
            answer = json.loads(self.run("run", model, *ask, "--json", *flags))
            good = answer["text"].startswith(line["answer"])
            label = f"{tokens} tokens read, asked {attempt}"
            self.report.row(label, answer["text"].strip(), good)
        timing = answer["timing"]
        seconds = timing["restore_seconds"] + timing["prefill_seconds"]
        print(f"     restored and asked in {seconds:.3f} s")
        ids = json.loads(self.run("inspect", state, "--json"))["tokens"]
        self.report.equal(
            "tokens that it holds", [timing["restored_tokens"]], [len(ids)]
        )
        name = f"{os.path.basename(model)}, {len(ids)} tokens"
        splits = [len(ids) // 2 + 1, len(ids) - 1]
        self.compare_splits(name, model, ids, splits, STORIES_TOLERANCE)


ARGUMENTS = {"splits": 1, "recall": 3}


def main():
    marimba, work, *parts = sys.argv[1:]
    checker = Checker(marimba, work)
    while parts:
        part, *parts = parts
        count = ARGUMENTS[part]
        getattr(checker, part)(*parts[:count])
        parts = parts[count:]
    return checker.report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
