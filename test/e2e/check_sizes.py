#!/usr/bin/env python3
"""Runs every op of size_ops.py with each letter of its shapes at 0 and at 1
and compares with the reference route.

  check_sizes.py MARIMBA WORK [--large] [--only PREFIX,...] [-- FLAGS [-- FLAGS ...]]

Each group of flags is a route. What is left open in the types of an op (`?`) is
tried both ways: known when the code is made, and known when it runs. A case
that the verifier refuses has to be refused with its message. Sums of nothing
have known results, whatever the reference says. With --large it is the sizes of
size_ops.LARGE instead. Standard library only.
"""

import argparse
import os
import subprocess
import sys

import compare
import op_entry
import size_cases
import size_ops

TOLERANCE = 1e-5


def cases_of(op):
    """All sizes of an op, each with the letters that are open in its types."""
    usual, maybe = op.open.split(), op.maybe.split()
    for letter in op.to_try():
        for size in (0, 1):
            yield size_cases.Case(op, letter, size, usual, "")
            if letter in usual:
                others = [other for other in usual if other != letter]
                yield size_cases.Case(op, letter, size, others, ".static")
            if letter in maybe:
                yield size_cases.Case(op, letter, size, usual + [letter], ".open")


def call(args, name, entries, flags):
    """Runs a module of these entries; its tensors, or None and what it said."""
    base = os.path.join(args.work, name)
    shared = op_entry.Shared(entries)
    with open(base + ".mlir", "w", encoding="utf-8") as file:
        file.write(shared.text())
    compare.save(base + ".in.safetensors", shared.inputs())
    out = base + ".out.safetensors"
    if os.path.exists(out):
        os.remove(out)
    command = [args.marimba, "execute", base + ".mlir", "--all", "--no-cache"]
    command += ["--inputs", base + ".in.safetensors", "-o", out, *flags]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        return None, f"exit code {done.returncode}: {done.stderr.strip()}"
    return shared.results(compare.load(out)), ""


def close(expected, actual):
    scale = max((abs(v) for v in expected), default=0.0) or 1.0
    return len(expected) == len(actual) and all(
        abs(a - b) <= TOLERANCE * scale for a, b in zip(expected, actual)
    )


def check_case(report, route, case, reference, found):
    for name in case.results():
        key = f"{case.name}.{name}"
        expected, actual = reference[key], found[key]
        known = case.op.empty.get(case.letter) if case.size == 0 else None
        known = known and known(case).get(name)
        expected = case.real_tokens(name, expected).values
        actual = case.real_tokens(name, actual).values
        if known is not None:
            wanted = op_entry.tensor(found[key].shape, known)
            expected = case.real_tokens(name, wanted).values
        if not close(expected, actual):
            note = f"{list(actual[:6])}, expected {list(expected[:6])}"
            report.row(f"{key} {route}", "-", False, note)


def run_route(args, report, cases, entries, flags):
    """Outputs of all cases; where they fail together, those that do alone are
    named, ten at most."""
    route = " ".join(flags)
    found, said = call(args, "all", entries, flags)
    if found is not None:
        return found
    report.row(f"all cases in one module {route}", "-", False, said[:300])
    named = 0
    for case, entry in zip(cases, entries):
        alone, said = call(args, "one", [entry], flags)
        if alone is None and named < 10:
            report.row(f"{case.name} {route}", "-", False, said[:300])
            named += 1
    return {}


def check_refused(args, report, case, message):
    """The op alone does not compile, and the message says why."""
    found, said = call(args, "refused", [case.entry()], [])
    good = found is None and message in said and said.startswith("exit code 1:")
    if not good:
        report.row(case.name, "-", False, f"{said[:300]}, expected {message}")


def main():
    argv, routes = sys.argv[1:], []
    while "--" in argv:
        at = len(argv) - 1 - argv[::-1].index("--")
        argv, routes = argv[:at], [argv[at + 1 :], *routes]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("marimba")
    parser.add_argument("work")
    parser.add_argument("--only", default="", help="names of ops begin so")
    parser.add_argument("--large", action="store_true")
    args = parser.parse_args(argv)
    os.makedirs(args.work, exist_ok=True)
    only = tuple(args.only.split(","))
    cases, refused = [], []
    if args.large:
        cases = list(size_ops.large_cases(only))
    for op in size_ops.OPS:
        if args.large or not op.name.startswith(only):
            continue
        for case in cases_of(op):
            message = op.refused.get((case.letter, case.size))
            if message is None:
                cases.append(case)
            elif case.name.count(".") == 1:
                refused.append((case, message))
    entries = [case.entry() for case in cases]
    report = compare.Report()
    reference = run_route(args, report, cases, entries, ["--reference"])
    for flags in routes or [[]]:
        found = run_route(args, report, cases, entries, flags)
        for case in cases:
            if all(f"{case.name}.{name}" in found for name in case.results()):
                check_case(report, " ".join(flags), case, reference, found)
    for case, message in refused:
        check_refused(args, report, case, message)
    if not cases:
        report.row("cases", "none", False)
    print(f"{len(cases)} cases, {len(refused)} refused")
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
