"""What the checkers of whole programs share. A case is a method `case_...`."""

import os
import re
import shutil
import sys


class Checker:
    """Counts what is not as expected; files go to the folder `work`, which is
    new. With `loud` each comparison is printed, not only those that fail."""

    loud = False

    def __init__(self, work):
        self.work = work
        self.failures = 0
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(work)

    def expect(self, what, good, found=""):
        if self.loud:
            print("ok  " if good else "FAIL", what, "" if good else f"| {found!r}")
        elif not good:
            print("FAIL", what, "|", found)
        self.failures += not good
        return good

    def equal(self, what, expected, found):
        return self.expect(what, expected == found, f"expected {expected!r}, found {found!r}")

    def path(self, name):
        return os.path.join(self.work, name)

    def refused(self, message, *arguments, **options):
        """What `run` starts fails with this one message, a regular expression,
        and leaves the work folder as it is."""
        before = sorted(os.listdir(self.work))
        done = self.run(*arguments, **options)
        self.equal(f"{arguments}: exit code", 1, done.returncode)
        self.expect(f"{arguments}: message", re.fullmatch(f"error: {message}\n", done.stderr), done.stderr)
        self.equal(f"{arguments}: stdout", "", done.stdout)
        self.equal(f"{arguments}: nothing is left", before, sorted(os.listdir(self.work)))


def run_cases(checker_class):
    """Makes a checker of the command line and runs its cases in their order;
    the exit code."""
    checker = checker_class(*sys.argv[1:])
    for name, case in vars(checker_class).items():
        if name.startswith("case_"):
            case(checker)
    print(f"{checker.failures} failures")
    return 1 if checker.failures else 0
