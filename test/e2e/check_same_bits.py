#!/usr/bin/env python3
"""A sequence has the same logits, bit for bit, alone and in company: beside other
rows, read in pieces that end where pieces end, saved and loaded, by other threads.

  check_same_bits.py MARIMBA WORK MODEL [FLAG...]

The flags go to every run: --matmul=..., --dtype=bf16, --kv=int8, --isa=...
"""

import json
import os
import shutil
import subprocess
import sys

import compare

CHUNK = 32
# Prompts: one token, few rows, a whole piece, pieces and a token, and more.
LENGTHS = [1, 2, 5, 17, 32, 33, 64, 70, 600, 257]
# Other rows of a call; each length of a prompt is beside longer and shorter ones.
COMPANY = {2: [40], 5: [1, 1030, 33, 3], 16: [2, 1, 64, 65, 7, 257, 1, 16, 32, 31, 90, 5, 12, 1, 300]}
# The same prompt so often in a call, and its place among LENGTHS.
COPIES, COPIED = 8, 6
GREEDY = 4
# Where one session is saved and another goes on: ends of pieces.
CUTS = [32, 64, 256]


class Checker:
    def __init__(self, marimba, work, model, flags):
        self.marimba, self.work, self.model, self.flags = marimba, work, model, flags
        self.report = compare.Report()
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(work)
        with open(os.path.join(model, "config.json"), encoding="utf-8") as file:
            self.vocabulary = json.load(file)["vocab_size"]

    def ids(self, count, seed):
        """As good as random, and the same everywhere."""
        value, ids = seed * 7919 + 1, []
        for _ in range(count):
            value = (value * 1103515245 + 12345) % 2**31
            ids.append((value >> 8) % self.vocabulary)
        return ids

    def logits(self, cases, threads=2):
        """Of every case the bytes of all that was computed, by name."""
        batch, out = (os.path.join(self.work, name) for name in ("cases.json", "out.safetensors"))
        with open(batch, "w", encoding="utf-8") as file:
            json.dump([{"name": str(i), **case} for i, case in enumerate(cases)], file)
        command = [self.marimba, "logits", self.model, f"--chunk={CHUNK}", f"--threads={threads}"]
        command += [*self.flags, "--batch", batch, "-o", out]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            print("FAIL", " ".join(command), "exit code", done.returncode)
            sys.exit(1)
        found = compare.load(out)
        return [
            {
                name.partition(".")[2]: tensor.values
                for name, tensor in found.items()
                if name.partition(".")[0] == str(i)
            }
            for i in range(len(cases))
        ]

    def same(self, what, expected, actual):
        """Reports tensors whose bytes differ, how many values and how much."""
        notes = [f"{name} missing" for name in expected.keys() ^ actual.keys()]
        for name in sorted(expected.keys() & actual.keys()):
            a, b = expected[name], actual[name]
            if len(a) != len(b):
                notes.append(f"{name}: {len(b)} values, expected {len(a)}")
            elif a.tobytes() != b.tobytes():
                apart = [abs(x - y) for x, y in zip(a, b)]
                notes.append(f"{name}: {sum(d > 0 for d in apart)} of {len(a)} differ, by {max(apart):.1e}")
        self.report.row(what, f"{len(expected)} tensors", not notes, "; ".join(notes))

    def run(self):
        """Two processes with two threads and one with one: each compiles."""
        prompts = [self.ids(length, length) for length in LENGTHS]
        alone = [{"ids": ids, "greedy": GREEDY, "state": True} for ids in prompts]
        cases = list(alone)
        for lengths in COMPANY.values():
            beside = [self.ids(length, 1000 + i) for i, length in enumerate(lengths)]
            cases += [{**case, "beside": beside} for case in alone]
        cases.append({**alone[COPIED], "beside": [prompts[COPIED]] * (COPIES - 1)})
        long = prompts[-1]
        sizes = [2 * CHUNK, CHUNK, len(long) - 3 * CHUNK]
        cases.append({**alone[-1], "split": sizes})
        states = [os.path.join(self.work, f"{cut}.state") for cut in CUTS]
        cases += [{"ids": long[:cut], "save_state": state} for cut, state in zip(CUTS, states)]
        found = self.logits(cases)
        expected = found[: len(alone)]
        at = iter(found[len(alone) :])
        for rows in COMPANY:
            for length, own in zip(LENGTHS, expected):
                self.same(f"{length} tokens, one row of {rows}", own, next(at))
        self.same(f"{LENGTHS[COPIED]} tokens, {COPIES} times in a call", expected[COPIED], next(at))
        self.same(f"{len(long)} tokens in calls of {sizes}", expected[-1], next(at))
        for length, own, other in zip(LENGTHS, expected, self.logits(alone, threads=1)):
            self.same(f"{length} tokens, one thread", own, other)
        self.loaded(long, states, expected[-1])
        return self.report.exit_code()

    def loaded(self, ids, states, whole):
        """Goes on where another process saved, beside other rows."""
        beside = [self.ids(length, 2000 + i) for i, length in enumerate(COMPANY[5])]
        found = self.logits(
            [
                {"ids": ids[cut:], "load_state": state, "greedy": GREEDY, "beside": beside}
                for cut, state in zip(CUTS, states)
            ]
        )
        for cut, actual in zip(CUTS, found):
            expected = {
                "logits": whole["logits"][cut * self.vocabulary :],
                "greedy_logits": whole["greedy_logits"],
                "tokens": whole["tokens"],
            }
            self.same(f"saved after {cut} tokens, loaded beside others", expected, actual)


def main():
    marimba, work, model, *flags = sys.argv[1:]
    return Checker(marimba, work, model, flags).run()


if __name__ == "__main__":
    sys.exit(main())
