#!/usr/bin/env python3
"""Of each model, the session after some ids is the same file from its package and from
`marimba run`: weights in several files, in blocks, quantised.

  check_package_kinds.py MARIMBA LIBRARY WORK MODEL...
"""

import os
import subprocess
import sys

import checker
import marimba_library

IDS = [1, 5, 9, 3, 7]


class Checker(checker.Checker):
    def __init__(self, marimba, library, work, *models):
        super().__init__(work)
        self.marimba, self.models = marimba, models
        self.library = marimba_library.Library(library)

    def run(self, what, *arguments):
        done = subprocess.run([self.marimba, *arguments], capture_output=True, text=True, timeout=300)
        return self.expect(what, done.returncode == 0, done.stderr)

    def case_same_session(self):
        ids = ",".join(map(str, IDS))
        for model in self.models:
            name = os.path.basename(model)
            package, ours, theirs = (self.path(name + end) for end in (".marimba", ".ours", ".theirs"))
            if not self.run(f"compiles {name}", "compile", model, "--emit=package", "-o", package):
                continue
            session = self.library.open(package).session()
            session.append(IDS)
            session.save(ours)
            self.run(f"runs {name}", "run", model, "--threads=1", "--ids", ids, "--max-tokens", "0",
                     "--save-state", theirs)
            with open(ours, "rb") as one, open(theirs, "rb") as other:
                self.expect(f"{name}: the same session", one.read() == other.read())


if __name__ == "__main__":
    sys.exit(checker.run_cases(Checker))
