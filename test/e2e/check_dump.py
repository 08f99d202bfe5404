#!/usr/bin/env python3
"""Compiles with --dump-ir and checks the files: numbered from 00-import.mlir
without a gap, one per stage, each parsed again by marimba-opt.

  check_dump.py MARIMBA MARIMBA-OPT INPUT WORK [WORD...]

Each WORD must occur in every file (a name that must not get lost)."""

import os
import shutil
import subprocess
import sys


def main():
    marimba, marimba_opt, source, work, *words = sys.argv[1:]
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    dump = os.path.join(work, "dump")
    command = [marimba, "compile", source, f"--dump-ir={dump}", "--emit=obj"]
    subprocess.run(command + ["-o", os.path.join(work, "out.o")], check=True)
    listing = [marimba, "compile", "--list-stages"]
    stages = subprocess.run(listing, stdout=subprocess.PIPE, check=True).stdout
    stages = [line.split()[0] for line in stages.decode().splitlines()]
    expected = [f"{i:02}-{stage}.mlir" for i, stage in enumerate(stages)]
    failures = 0

    def fail(message):
        nonlocal failures
        failures += 1
        print("FAIL", message)

    found = sorted(os.listdir(dump))
    if found != expected or not found:
        fail(f"files {found}, expected {expected}")
    for name in found:
        path = os.path.join(dump, name)
        again = subprocess.run([marimba_opt, path, "-o", os.devnull], check=False)
        if again.returncode:
            fail(f"marimba-opt does not read {name}")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for word in words:
            if word not in text:
                fail(f"{name} does not hold '{word}'")
    print(f"{len(found)} files, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
