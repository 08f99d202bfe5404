#!/usr/bin/env python3
"""check_pass_names.py MARIMBA MODULE WORK: --mlir-print-ir-after knows each pass
that a compilation runs, on every target, by its name."""

import os
import re
import subprocess
import sys

ROUTES = ([], ["--reference"], ["--matmul=loops", "--vector-bits=128"])


def run(marimba, module, work, *options):
    command = [marimba, "compile", module, "-o", os.path.join(work, "out.o"), *options]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{command} ended with {done.returncode}: {done.stderr}")
    return done.stderr


def main():
    marimba, module, work = sys.argv[1:]
    for route in ROUTES:
        said = run(marimba, module, work, "--mlir-print-ir-after-all", *route)
        names = set(re.findall(r"^// -----// IR Dump After \w+ \(([^){]+)", said, re.M))
        if len(names) < 20:
            sys.exit(f"only these passes ran: {sorted(names)}")
        # Pipelines and adaptors have no names of their own.
        run(marimba, module, work, *(f"--mlir-print-ir-after={name}" for name in sorted(names)), *route)


if __name__ == "__main__":
    main()
