#!/usr/bin/env python3
"""Runs `marimba logits` on a golden model and compares everything it computes
with what transformers computed in float64 (../shared/goldens/README.md; the
layout of the files is described in README.md beside this script).

  check_golden.py MARIMBA GOLDEN WORK [--only PART,...] [-- flags of marimba]

MARIMBA is the program, GOLDEN a folder with a model and golden.safetensors,
WORK a folder for what marimba writes. Parts: whole, hub, state, greedy, split,
pad. Exits with 1 where anything is beyond its tolerance.
"""

import argparse
import json
import os
import subprocess
import sys

import compare

LENGTHS = (1, 7, 64, 257)
TOLERANCE = 1e-4  # to the float64 golden
SPLIT_TOLERANCE = 1e-5  # of a prompt in pieces to the same prompt as a whole
# All of 64 tokens: borders at 1, before the end, primes, odd sizes, every token.
SPLITS = (
    [1, 63],
    [63, 1],
    [2, 3, 5, 7, 11, 13, 23],
    [30, 1, 1, 32],
    [1] * 64,
)


class Checker:
    def __init__(self, args):
        self.args = args
        self.golden = compare.load(os.path.join(args.golden, "golden.safetensors"))
        with open(os.path.join(args.golden, "golden.json"), encoding="utf-8") as file:
            self.facts = json.load(file)
        self.report = compare.Report()
        os.makedirs(args.work, exist_ok=True)

    def logits(self, ids, *flags):
        """The tensors that `marimba logits` writes for these ids."""
        out = os.path.join(self.args.work, "out.safetensors")
        if os.path.exists(out):
            os.remove(out)
        command = [self.args.marimba, "logits", self.args.golden]
        command += ["--ids", ",".join(map(str, ids)), "-o", out]
        command += [*flags, *self.args.flags]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            print("FAIL", " ".join(command), "exit code", done.returncode)
            sys.exit(1)
        return compare.load(out)

    def ids(self, length):
        return self.golden[f"p{length}.input_ids"].values

    def part_whole(self, config=None):
        flags = ["--config-file", config] if config else []
        for length in LENGTHS:
            out = self.logits(self.ids(length), *flags)
            expected = self.golden[f"p{length}.logits"]
            name = f"{config or 'config.json'} logits, {length} tokens"
            self.report.compare(name, expected, out["logits"], TOLERANCE)

    def part_hub(self):
        self.part_whole("config.hub.json")

    def part_state(self):
        """Hidden states and caches, as a whole and after a split."""
        for flags in ([], ["--split", "1,20,1,42"]):
            out = self.logits(self.ids(64), "--hidden", "--state", *flags)
            label = "state" if not flags else "state after a split"
            self.report.compare(
                f"{label}: hidden", self.golden["p64.hidden"], out["hidden"], TOLERANCE
            )
            for name, expected in self.golden.items():
                if not name.startswith("p64.cache."):
                    continue
                _, _, layer, kind = name.split(".")
                actual = out.get(f"layers.{layer}.{kind}")
                if actual is None:
                    self.report.row(f"{label}: {name}", "-", False, "missing")
                    continue
                if kind == "conv":
                    # Ours holds the W-1 inputs that the next token needs.
                    width = expected.shape[2]
                    expected = expected.take(2, 1, width).swap_last()
                elif kind == "ssm":
                    expected = expected.swap_last()
                else:
                    # Ours has room for more tokens than there are.
                    tokens = expected.shape[2]
                    if actual.shape[2] > tokens:
                        actual = actual.take(2, 0, tokens)
                self.report.compare(f"{label}: {name}", expected, actual, TOLERANCE)

    def part_greedy(self):
        prompt = self.golden["greedy.prompt"].values
        tokens = self.golden["greedy.tokens"]
        count = len(tokens.values)
        out = self.logits(prompt, "--greedy", str(count))
        self.report.equal("greedy tokens", tokens.values, out["tokens"].values)
        self.report.compare(
            "greedy logits",
            self.golden["greedy.logits"],
            out["greedy_logits"],
            TOLERANCE,
        )

    def part_split(self):
        whole = self.logits(self.ids(64))["logits"]
        for split in SPLITS:
            text = ",".join(map(str, split))
            pieces = self.logits(self.ids(64), "--split", text)["logits"]
            label = "token by token" if len(split) == 64 else f"split {text}"
            self.report.compare(label, whole, pieces, SPLIT_TOLERANCE)

    def part_pad(self):
        """Every row of the padded batch by itself, without its padding."""
        if not self.facts["pad_supported"]:
            return
        ids, mask = self.golden["pad.input_ids"], self.golden["pad.attention_mask"]
        greedy = self.golden["pad.greedy"]
        length = ids.shape[1]
        for row in range(ids.shape[0]):
            real = [
                i for i in range(length) if mask.values[row * length + i]
            ]  # padding is on the left
            begin = real[0]
            prompt = ids.rows(row, row + 1).values[begin:]
            expected = self.golden["pad.logits"].rows(row, row + 1)
            count = greedy.shape[1]
            out = self.logits(prompt, "--greedy", str(count))
            name = f"row {row} of the padded batch, {len(real)} tokens"
            self.report.compare(
                name, expected.take(1, begin, length), out["logits"], TOLERANCE
            )
            if self.facts.get("pad_greedy_equals_single"):
                self.report.equal(
                    f"row {row} of the padded batch, greedy",
                    greedy.rows(row, row + 1).values,
                    out["tokens"].values,
                )


PARTS = {
    name[len("part_") :]: getattr(Checker, name)
    for name in vars(Checker)
    if name.startswith("part_")
}


def main():
    argv = sys.argv[1:]
    flags = []
    if "--" in argv:
        at = argv.index("--")
        argv, flags = argv[:at], argv[at + 1 :]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("marimba")
    parser.add_argument("golden")
    parser.add_argument("work")
    parser.add_argument("--only", default=",".join(PARTS))
    args = parser.parse_args(argv)
    args.flags = flags
    checker = Checker(args)
    for part in args.only.split(","):
        PARTS[part](checker)
    return checker.report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
