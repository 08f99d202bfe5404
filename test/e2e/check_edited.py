#!/usr/bin/env python3
"""A conversation whose last question was changed: its state and what follows are,
byte for byte, those of one where only the new question was asked; and so they are
where it was saved and another process goes on.

  check_edited.py MARIMBA WORK GOLDEN [FLAG...]

The golden gets the tokenizer of a Chain, with as many tokens as it has. The flags
go to every run.
"""

import json
import os
import shutil
import subprocess
import sys

import compare
from tiny_models import Chain

FIRST, WRONG, RIGHT, NEXT = "Where is the hat?", "Who lost it?" * 5, "Who has the red hat now?", "And why?"
TOKENS = 5
IDS = "17,5,60,9"


class Checker:
    def __init__(self, marimba, work, golden, flags):
        self.marimba, self.work = marimba, work
        # Pieces end in the middle of questions; a snapshot at the end of each.
        self.flags = ["--chunk=16", *flags]
        self.report = compare.Report()
        shutil.rmtree(work, ignore_errors=True)
        self.model = self.path("model")
        shutil.copytree(golden, self.model)
        with open(os.path.join(golden, "config.json"), encoding="utf-8") as file:
            size = json.load(file)["vocab_size"]
        plain = len(Chain().ids)
        chain = Chain(extra=[f"<{i}>" for i in range(plain, size)])
        with open(os.path.join(self.model, "tokenizer.json"), "w", encoding="utf-8") as file:
            json.dump(chain.tokenizer(), file)

    def path(self, name):
        return os.path.join(self.work, name)

    def run(self, command, *arguments, text=""):
        command = [self.marimba, command, self.model, *arguments, *self.flags]
        done = subprocess.run(command, input=text, capture_output=True, encoding="utf-8", check=False)
        if done.returncode != 0:
            print("FAIL", " ".join(command), "exit code", done.returncode, done.stderr)
            sys.exit(1)
        return done.stdout

    def chat(self, *lines):
        """The answers to the questions among the lines."""
        flags = ["--json", "--quiet", "--checkpoint", "16", "--max-tokens", str(TOKENS)]
        out = self.run("chat", *flags, text="".join(line + "\n" for line in lines))
        return [json.loads(line) for line in out.splitlines()]

    def follows(self, state):
        """All that a saved session holds and computes next, as bytes."""
        out = self.path("out.safetensors")
        self.run("logits", "--load-state", state, "--ids", IDS, "--greedy=4", "--state", "-o", out)
        return {name: tensor.values.tobytes() for name, tensor in compare.load(out).items()}

    def check(self):
        edited, asked = self.path("edited.state"), self.path("asked.state")
        one = self.chat(FIRST, WRONG, f"/edit {RIGHT}", f"/save {edited}", NEXT)
        other = self.chat(FIRST, RIGHT, f"/save {asked}", NEXT)
        reused = one[2]["reused_tokens"]
        self.report.row("tokens reused after /edit", reused, reused > len(FIRST))
        texts = [[answer["answer"] for answer in answers] for answers in (one, other)]
        self.report.equal("answers after /edit", texts[1][1:], texts[0][2:])
        loaded = self.chat(f"/load {edited}", NEXT)
        self.report.equal("the answer after /load", texts[1][2:], [loaded[0]["answer"]])
        expected, found = self.follows(asked), self.follows(edited)
        different = [name for name in expected if expected[name] != found.get(name)]
        self.report.equal(f"other bytes in {len(expected)} tensors", [], different)
        return self.report.exit_code()


def main():
    marimba, work, golden, *flags = sys.argv[1:]
    return Checker(marimba, work, golden, flags).check()


if __name__ == "__main__":
    sys.exit(main())
