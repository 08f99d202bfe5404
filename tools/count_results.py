#!/usr/bin/env python3
"""count_results.py FILE [FAILURES]: counts the tests in a results file of lit (lit -o FILE).

Prints one line, `N passed, M failed`, and exits with 1 if anything failed or
nothing ran. Unsupported, skipped and expected failures count as neither;
unexpected passes, unresolved tests and timeouts count as failed, and so do as many
FAILURES beside those of tests."""

import json
import sys

PASSED = {"PASS", "FLAKYPASS"}
NEITHER = {"UNSUPPORTED", "SKIPPED", "EXCLUDED", "XFAIL"}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        tests = json.load(file)["tests"]
    passed = sum(test["code"] in PASSED for test in tests)
    failed = sum(test["code"] not in PASSED | NEITHER for test in tests)
    failed += int(sys.argv[2]) if len(sys.argv) > 2 else 0
    if passed + failed == 0:
        print("check.sh: no test ran", file=sys.stderr)
        failed = 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
