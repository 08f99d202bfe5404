#!/usr/bin/env python3
"""Checks a trained model of examples/ against its golden.safetensors and the
numbers of its NOTICE.md.

  check_stories.py MARIMBA MODEL WORK PART...

Parts:
  logits       the 256 tokens of the golden
  greedy       64 greedy tokens: by ids and from the prompt's text
  perplexity FILE EXPECTED        `marimba eval --text`, within 0.005
  recall FILE TOKENS LOW HIGH     `marimba eval --recall` on the lines of about
               TOKENS tokens: between LOW and HIGH of them right
"""

import json
import os
import subprocess
import sys

import compare

# float32 on both sides, with the sums in another order.
LOGITS_TOLERANCE = 1e-4
PERPLEXITY_TOLERANCE = 0.005


class Checker:
    def __init__(self, marimba, model, work):
        self.marimba, self.model, self.work = marimba, model, work
        self.golden_path = os.path.join(model, "golden.safetensors")
        self.report = compare.Report()
        os.makedirs(work, exist_ok=True)

    def run(self, command, *arguments):
        line = [self.marimba, command, self.model, "--dtype=f32", *arguments]
        done = subprocess.run(
            line,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )
        if done.returncode != 0:
            print("FAIL", " ".join(line), "exit code", done.returncode)
            sys.exit(1)
        return done.stdout

    def run_logits(self, ids, *arguments):
        out = os.path.join(self.work, "out.safetensors")
        self.run("logits", "--ids", ",".join(map(str, ids)), "-o", out, *arguments)
        return compare.load(out)

    def logits(self):
        golden = compare.load(self.golden_path)
        expected = golden["logits"]
        actual = self.run_logits(golden["input_ids"].values)["logits"]
        actual = actual.reshape(*actual.shape[1:])
        self.report.compare("logits, 256 tokens", expected, actual, LOGITS_TOLERANCE)

    def greedy(self):
        golden = compare.load(self.golden_path)
        expected = golden["greedy_ids"].values
        count = str(len(expected))
        out = self.run_logits(golden["prompt_ids"].values, "--greedy", count)
        self.report.equal("greedy, from ids", expected, out["tokens"].values)
        header, _ = compare.read_header(self.golden_path)
        prompt = header["__metadata__"]["prompt"]
        flags = ["--prompt", prompt, "--max-tokens", count, "--temperature", "0"]
        answer = json.loads(self.run("run", *flags, "--json", "--quiet"))
        self.report.equal("greedy, from text", expected, answer["tokens"])

    def perplexity(self, path, expected):
        answer = json.loads(self.run("eval", "--text", path, "--json"))
        found, expected = answer["perplexity"], float(expected)
        good = abs(found - expected) <= PERPLEXITY_TOLERANCE
        name = os.path.basename(path)
        self.report.row(
            f"perplexity of {name}",
            f"{found:.4f}",
            good,
            f"({expected} +- {PERPLEXITY_TOLERANCE})",
        )

    def recall(self, path, tokens, low, high):
        with open(path, encoding="utf-8") as file:
            lines = [
                line
                for line in file
                if json.loads(line)["context_tokens_about"] == int(tokens)
            ]
        subset = os.path.join(self.work, f"recall-{tokens}.jsonl")
        with open(subset, "w", encoding="utf-8") as file:
            file.writelines(lines)
        answer = json.loads(self.run("eval", "--recall", subset, "--json"))
        good = answer["cases"] == len(lines)
        good = good and int(low) <= answer["right"] <= int(high)
        self.report.row(
            f"recall at {tokens} tokens",
            f"{answer['right']} of {answer['cases']}",
            good,
            f"({low} to {high} of {len(lines)})",
        )


ARGUMENTS = {"logits": 0, "greedy": 0, "perplexity": 2, "recall": 4}


def main():
    marimba, model, work, *parts = sys.argv[1:]
    checker = Checker(marimba, model, work)
    while parts:
        part, *parts = parts
        count = ARGUMENTS[part]
        getattr(checker, part)(*parts[:count])
        parts = parts[count:]
    return checker.report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
