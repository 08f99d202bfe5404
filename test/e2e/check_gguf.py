#!/usr/bin/env python3
"""Runs golden models as GGUF files (make_gguf.py) and compares their logits with
those of the directories, and of transformers in float64.

  check_gguf.py MARIMBA GOLDENS WORK GOLDEN[:TYPE] ... [-- flags of marimba]

A file of TYPE (F32 where none is given) is compared with a directory of the
numbers that the type leaves; that of F32 with the golden's numbers, too.
"""

import json
import os
import subprocess
import sys

import compare
from check_golden import ILL_CONDITIONED

SCRIPTS = os.path.dirname(os.path.abspath(__file__))
TO_DIRECTORY = 1e-5
TO_GOLDEN = 1e-4  # as check_golden.py has it
LENGTH = 64
# Whose projections are in other pieces in the file, or their value heads in
# another order: what is fused, and sums, then differ, and there are two float32
# results (check_golden.py), but on the reference route.
REORDERED = ("qwen3_next", "qwen3_5_text", "qwen3_5_moe_text")


def logits(marimba, model, ids, out, flags):
    command = [marimba, "logits", model, "--ids", ",".join(map(str, ids))]
    command += ["-o", out, "--dtype=f32", *flags]
    subprocess.run(command, stdin=subprocess.DEVNULL, check=True)
    return compare.load(out)["logits"]


def check(report, marimba, golden, work, kind, flags):
    name = os.path.basename(golden)
    file = os.path.join(work, f"{name}-{kind}.gguf")
    directory = os.path.join(work, f"{name}-{kind}")
    script = os.path.join(SCRIPTS, "make_gguf.py")
    command = [sys.executable, script, golden, file, "--type", kind]
    if kind != "F32":
        command += ["--directory", directory]
    subprocess.run(command, check=True)
    numbers = compare.load(os.path.join(golden, "golden.safetensors"))
    ids = numbers[f"p{LENGTH}.input_ids"].values
    out = os.path.join(work, "out.safetensors")
    found = logits(marimba, file, ids, out, flags)
    source = golden if kind == "F32" else directory
    expected = logits(marimba, source, ids, out, flags)
    tolerance = TO_DIRECTORY
    skipped = ()
    if name in REORDERED and "--reference" not in flags:
        with open(os.path.join(golden, "golden.json"), encoding="utf-8") as facts:
            theirs = json.load(facts)["diff_f32"][str(LENGTH)]
        tolerance = max(tolerance, 2 * theirs)
        skipped = ILL_CONDITIONED.get(name, ())
    begin = 0
    for token in (*skipped, LENGTH):
        pair = [x.take(1, begin, token) for x in (expected, found)]
        label = f"{name} {kind} to its directory"
        label += f", tokens from {begin}" if begin else ""
        report.compare(label, *pair, tolerance)
        begin = token + 1
    if kind == "F32":
        expected = numbers[f"p{LENGTH}.logits"]
        report.compare(f"{name} {kind} to the golden", expected, found, TO_GOLDEN)
    else:
        # Not by the golden's own numbers, or nothing was tested.
        full = logits(marimba, golden, ids, out, flags)
        lost = compare.difference(full, found)
        good = lost > 10 * TO_DIRECTORY
        report.row(f"{name} {kind} is no F32", f"{lost:.3e}", good)


def main():
    argv, flags = compare.split_flags(sys.argv[1:])
    marimba, goldens, work, *models = argv
    os.makedirs(work, exist_ok=True)
    report = compare.Report()
    for model in models:
        name, _, kind = model.partition(":")
        golden = os.path.join(goldens, name)
        check(report, marimba, golden, work, kind or "F32", flags)
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
