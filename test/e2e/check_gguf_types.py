#!/usr/bin/env python3
"""Runs a GGUF file whose matrices have all block types (make_wide_gguf.py), and a
directory of the same numbers in f32, and compares their logits.

  check_gguf_types.py MARIMBA GOLDEN WORK [TYPE ...] [-- flags of marimba]

The file's matrices have the TYPEs, or all, in turn.
"""

import os
import subprocess
import sys

import compare
from check_gguf import LENGTH, TO_DIRECTORY, logits
from make_wide_gguf import VOCABULARY

SCRIPTS = os.path.dirname(os.path.abspath(__file__))
# What 8 bits of activations lose, of the largest logit.
TO_DIRECTORY_INT8 = 0.03


def main():
    argv, flags = compare.split_flags(sys.argv[1:])
    marimba, golden, work, *kinds = argv
    os.makedirs(work, exist_ok=True)
    directory, file = os.path.join(work, "wide"), os.path.join(work, "wide.gguf")
    script = os.path.join(SCRIPTS, "make_wide_gguf.py")
    subprocess.run([sys.executable, script, golden, directory, file, *kinds], check=True)
    ids = [(i * i + 3 * i) % VOCABULARY for i in range(LENGTH)]
    out = os.path.join(work, "out.safetensors")
    found = logits(marimba, file, ids, out, flags)
    expected = logits(marimba, directory, ids, out, flags)
    tolerance = TO_DIRECTORY
    if "--activations=f32" not in flags:
        tolerance = TO_DIRECTORY_INT8 * max(map(abs, expected.values))
    report = compare.Report()
    report.compare(" ".join(["all types", *flags]), expected, found, tolerance)
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
