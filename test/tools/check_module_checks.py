#!/usr/bin/env python3
"""What `marimba execute` says of tensors that do not fit together: a message with
the place, names and numbers, on both routes, and no output.

  check_module_checks.py MARIMBA WORK
"""

import os
import subprocess
import sys

from checker import Checker, run_cases
from module_check_upstream import CASES

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "e2e"))
import compare
from op_entry import module_text

SECONDS = 120


class Checks(Checker):
    def __init__(self, marimba, work):
        super().__init__(work)
        self.marimba = marimba
        with open(self.path("cases.mlir"), "w", encoding="utf-8") as file:
            file.write(module_text([case.entry for case in CASES]))

    def execute(self, case, changes, route):
        tensors = {**case.entry.inputs, **changes}
        inputs, output = self.path("in.safetensors"), self.path("out.safetensors")
        compare.save(inputs, tensors)
        if os.path.exists(output):
            os.remove(output)
        command = [self.marimba, "execute", self.path("cases.mlir"), *route]
        command += ["--entry", case.entry.name, "--threads", "2"]
        command += ["--inputs", inputs, "-o", output]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS, check=False
        ), os.path.exists(output)

    def both_routes(self, case):
        for route in ([], ["--reference"]):
            name = " ".join([case.entry.name, *route])
            done, written = self.execute(case, {}, route)
            self.expect(name, done.returncode == 0 and written, done.stderr)
            for changes, wanted in case.bad:
                done, written = self.execute(case, changes, route)
                good = (
                    done.returncode == 1
                    and not written
                    and done.stderr.startswith("error: ")
                    and done.stderr.count("\n") == 1
                    and all(text in done.stderr for text in ("cases.mlir:", *wanted))
                )
                found = (changes, done.returncode, done.stderr, wanted)
                self.expect(name, good, found)

    def case_all(self):
        for case in CASES:
            self.both_routes(case)


if __name__ == "__main__":
    sys.exit(run_cases(Checks))
