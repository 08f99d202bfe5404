#!/usr/bin/env python3
"""`marimba quantize --calibrate` and `marimba eval --compare` on a trained model.

  check_calibrate.py MARIMBA MODEL WORK

MODEL is stories-jamba: its sample is what is calibrated with, the beginning of a
text that it has not seen is what is compared on.
"""

import json
import os
import re
import shutil
import subprocess
import sys

import checker

TOKENS = 700  # of the sample
BYTES = 4000  # of the text: three windows of 256 tokens and some


class Checker(checker.Checker):
    def __init__(self, marimba, model, work):
        super().__init__(work)
        self.marimba, self.model = marimba, model

    def run(self, *arguments):
        return subprocess.run(
            [self.marimba, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )

    def answer(self, *arguments):
        done = self.run(*arguments, "--json")
        if done.returncode != 0:
            print("FAIL", arguments, done.stderr)
            sys.exit(1)
        return json.loads(done.stdout)

    def quantize(self, name, *flags):
        return self.answer("quantize", self.model, "-o", self.path(name), "--weights=int4", "--group=128", *flags)

    def refused(self, message, *flags):
        done = self.run("quantize", self.model, "-o", self.path("none"), "--weights=int4", *flags)
        good = done.returncode == 1 and re.fullmatch(f"error: {message}\n", done.stderr)
        self.expect(f"{flags}", good and not os.path.exists(self.path("none")), done.stderr)

    def check(self):
        sample = os.path.join(self.model, "sample.txt")
        calibrate = ["--calibrate", sample, "--calibrate-tokens", str(TOKENS)]
        plain = self.quantize("search")
        gptq = self.quantize("gptq", *calibrate)
        weighed = self.quantize("weighed", *calibrate, "--calibrate-memory=0")
        # All but embedding and head, which are one tensor.
        count = plain["matrices"] - 1
        found = [(r["calibration_tokens"], r["calibrated"], r["weighed"]) for r in (plain, gptq, weighed)]
        self.expect("what was calibrated", found == [(0, 0, 0), (TOKENS, count, 0), (TOKENS, 0, count)], found)
        self.expect("the same bytes", len({r["bytes_after"] for r in (plain, gptq, weighed)}) == 1)
        with open(self.path("gptq/config.json"), encoding="utf-8") as file:
            self.expect("the method", json.load(file)["quantization_config"]["method"] == "gptq")

        # Of the text itself: so few tokens say little of others (docs).
        with open(sample, encoding="utf-8") as file:
            text = file.read(BYTES)
        with open(self.path("text"), "w", encoding="utf-8") as file:
            file.write(text)
        asked = ["eval", self.model, "--text", self.path("text"), "--window", "256", "--dtype=f32"]
        names = ["search", "weighed", "gptq"]
        table = self.answer(*asked, *(flag for name in names for flag in ("--compare", self.path(name))))
        alone = self.answer(*asked)
        base, *others = table["models"]
        self.expect("the model against itself", (base["top1_agreement"], base["kl_divergence"]) == (1, 0), base)
        self.expect("as without --compare", abs(base["loss"] - alone["loss"]) < 1e-9 and table["tokens"] == alone["tokens"], (base, alone))
        divergence = [row["kl_divergence"] for row in others]
        self.expect("GPTQ fits the text", divergence[0] > divergence[2] > 0, divergence)
        for row in others:
            self.expect("a row", 0.8 < row["top1_agreement"] < 1 and 0.5 < row["bytes_per_weight"] < 1 and row["decoded_per_second"] > 0, row)

        done = self.run(*asked, "--compare", self.path("gptq"))
        rows = done.stdout.splitlines()
        shown = f"{others[2]['perplexity']:.4f}"
        self.expect("a table", len(rows) == 4 and re.match(rf"gptq .* {shown} .* nats ", rows[3]), done.stdout)
        self.expect("another vocabulary", self.other_vocabulary(asked))

        with open(self.path("short"), "w", encoding="utf-8") as file:
            file.write("Once upon a time.")
        self.refused(r".*/short: has \d+ tokens to calibrate with, expected at least 256", "--calibrate", self.path("short"))
        self.refused(".*/nothing: cannot be read: No such file or directory", "--calibrate", self.path("nothing"))
        self.refused("--calibrate-tokens: expected --calibrate with it", "--calibrate-tokens=5")
        self.refused("--calibrate: expected --method=search with it", "--calibrate", sample, "--method=nearest")
        self.refused("--calibrate-tokens: expected 1 to .*, found 0; see marimba --help", "--calibrate", sample, "--calibrate-tokens=0")

    def other_vocabulary(self, asked):
        """A tokenizer that cuts the text otherwise is no model to compare."""
        other = self.path("other")
        shutil.copytree(self.path("search"), other)
        path = os.path.join(other, "tokenizer.json")
        with open(path, encoding="utf-8") as file:
            tokenizer = json.load(file)
        tokenizer["model"]["merges"] = tokenizer["model"]["merges"][:50]
        with open(path, "w", encoding="utf-8") as file:
            json.dump(tokenizer, file)
        done = self.run(*asked, "--compare", other)
        return done.returncode == 1 and re.fullmatch(
            "error: .*/other: its tokenizer cuts .*/text into other tokens than that of .*, expected the same\n", done.stderr
        )


def main():
    checker = Checker(*sys.argv[1:])
    checker.check()
    print(f"{checker.failures} failures")
    return 1 if checker.failures else 0


if __name__ == "__main__":
    sys.exit(main())
