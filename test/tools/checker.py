"""What the checkers of whole programs share. A case is a method `case_...`."""

import os
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

    def path(self, name):
        return os.path.join(self.work, name)


def run_cases(checker_class):
    """Makes a checker of the command line and runs its cases in their order;
    the exit code."""
    checker = checker_class(*sys.argv[1:])
    for name, case in vars(checker_class).items():
        if name.startswith("case_"):
            case(checker)
    print(f"{checker.failures} failures")
    return 1 if checker.failures else 0
