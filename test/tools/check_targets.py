#!/usr/bin/env python3
"""check_targets.py MARIMBA MODULE INPUTS FOLDER: runs a module for every target
that `marimba compile --list-targets` names and compares the results with the
reference's."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "e2e"))
import compare

marimba, module, inputs, folder = sys.argv[1:]


def run(*command):
    return subprocess.run([marimba, *command], check=True, capture_output=True, text=True).stdout


def output(target):
    return os.path.join(folder, f"{target}.safetensors")


targets = [line.split()[0] for line in run("compile", "--list-targets").splitlines()]
if len(targets) < 2 or "reference" not in targets:
    sys.exit(f"check_targets.py: the targets are {targets}")
code = set()
for target in targets:
    run("execute", module, f"--inputs={inputs}", f"--target={target}", "--threads=1", "-o", output(target))
    code.add(run("compile", module, f"--target={target}", "--emit=asm"))
if len(code) != len(targets):
    sys.exit("check_targets.py: two targets make the same code: they are two names of one")
failures = 0
expected = compare.load(output("reference"))
for target in targets:
    found = compare.load(output(target))
    for name in expected:
        difference = max(abs(a - b) for a, b in zip(expected[name].values, found[name].values, strict=True))
        if not difference <= 1e-5:
            print(f"{target}: {name} is {difference} away from the reference")
            failures += 1
sys.exit(1 if failures or not expected else 0)
