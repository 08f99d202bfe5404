#!/usr/bin/env python3
"""Runs single ops on the inputs of Inputs/ops and compares with float64.

  check_ops.py MARIMBA OPS WORK [--only PREFIX,...] [-- flags of marimba]

OPS is the folder of ops_golden and ops2_golden, .json and .safetensors, WORK one
for what is written here. Each operator that op_cases.py knows becomes one module
with an entry per case. A difference counts relative to the largest absolute
value of the expected tensor (the sums inside have that size), or relative to
each element where the case says so. Standard library only.
"""

import argparse
import json
import os
import subprocess
import sys

import compare
import op_cases
import op_entry

TOLERANCE = 1e-5


SMALLEST = 1e-30  # exp(-x) of f32 overflows before silu(x) vanishes


def relative_difference(expected, actual, each):
    if each:
        worst = 0.0
        for a, b in zip(expected.values, actual.values):
            d = abs(a - b) / max(abs(a), SMALLEST)
            worst = d if not d <= worst else worst
        return worst
    scale = max((abs(v) for v in expected.values), default=0.0) or 1.0
    return compare.difference(expected, actual) / scale


def compare_entry(report, entry, found):
    for name, expected, tolerance, convert, each in entry.expected:
        label = f"{entry.name} {name}"
        actual = found.get(name)
        if actual is None:
            report.row(label, "-", False, "missing")
            continue
        if convert:
            actual = convert(actual, found)
        tolerance = TOLERANCE if tolerance is None else tolerance
        if expected.shape != actual.shape:
            note = f"shape {actual.shape}, expected {expected.shape}"
            report.row(label, "-", False, note)
            continue
        worst = relative_difference(expected, actual, each)
        report.row(label, f"{worst:.3e}", worst <= tolerance, f"(<= {tolerance:g})")


def run(args, operator, entries):
    """The tensors of every entry, by entry and name."""
    base = os.path.join(args.work, operator)
    with open(base + ".mlir", "w", encoding="utf-8") as file:
        file.write(op_entry.module_text(entries))
    compare.save(base + ".in.safetensors", op_entry.module_inputs(entries))
    out = base + ".out.safetensors"
    if os.path.exists(out):
        os.remove(out)
    command = [args.marimba, "execute", base + ".mlir", "--all"]
    command += ["--inputs", base + ".in.safetensors", "-o", out, *args.flags]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        print("FAIL", " ".join(command), "exit code", done.returncode)
        sys.exit(1)
    found = {entry.name: {} for entry in entries}
    for name, tensor in compare.load(out).items():
        entry, _, name = name.rpartition(".")
        found[entry][name] = tensor
    return found


def main():
    argv, flags = compare.split_flags(sys.argv[1:])
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("marimba")
    parser.add_argument("ops")
    parser.add_argument("work")
    parser.add_argument("--only", default="", help="names of cases begin so")
    args = parser.parse_args(argv)
    args.flags = flags
    os.makedirs(args.work, exist_ok=True)
    golden, cases = {}, {}
    for name in ("ops_golden", "ops2_golden"):
        path = os.path.join(args.ops, name)
        golden.update(compare.load(path + ".safetensors"))
        with open(path + ".json", encoding="utf-8") as file:
            cases.update(json.load(file))

    operators = {}  # entries by operator
    for name, parameters in cases.items():
        operator = name.split(".")[0]
        if not name.startswith(tuple(args.only.split(","))):
            continue
        if operator not in op_cases.OPERATORS:
            continue
        parts = {"in": {}, "out": {}}
        for key, tensor in golden.items():
            if key.startswith(name + "."):
                part, _, key = key[len(name) + 1 :].partition(".")
                parts[part][key] = tensor
        made = op_cases.OPERATORS[operator](
            name, parameters, parts["in"], parts["out"]
        )
        if isinstance(made, str):
            print(f"skip {name}: {made}")
        else:
            made = made if isinstance(made, list) else [made]
            operators.setdefault(operator, []).extend(made)
    report = compare.Report()
    count = 0
    for operator, entries in operators.items():
        found = run(args, operator, entries)
        for entry in entries:
            compare_entry(report, entry, found[entry.name])
            count += 1
    if not count:
        report.row("cases", "none", False)
    print(f"{count} cases")
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
