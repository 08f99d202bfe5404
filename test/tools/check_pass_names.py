#!/usr/bin/env python3
"""check_pass_names.py MARIMBA MODULE: --mlir-print-ir-after knows each pass
that a compilation runs, on every target, by its name."""

import os
import re
import subprocess
import sys

ROUTES = ([], ["--reference"])


def compile_module(marimba, module, *options):
    command = [marimba, "compile", module, "-o", os.devnull, *options]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def main():
    marimba, module = sys.argv[1:]
    names = set()
    for route in ROUTES:
        done = compile_module(marimba, module, "--mlir-print-ir-after-all", *route)
        if done.returncode != 0:
            sys.exit(f"exit code {done.returncode}: {done.stderr[-1000:]}")
        # Pipelines and adaptors have no names of their own.
        names |= set(re.findall(r"^// -----// IR Dump After \w+ \(([^){]+)", done.stderr, re.M))
    if len(names) < 30:
        sys.exit(f"only these passes ran: {sorted(names)}")
    # Options are read before the module, which there is none of.
    options = [f"--mlir-print-ir-after={name}" for name in sorted(names)]
    said = compile_module(marimba, "no-such-module", *options).stderr
    if "no-such-module" not in said:
        sys.exit(f"a pass has no name: {said}")


if __name__ == "__main__":
    main()
