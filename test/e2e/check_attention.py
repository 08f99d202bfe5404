#!/usr/bin/env python3
"""Runs attention of many shapes on fast routes and on the reference route and
compares: outputs, padding included, and caches.

  check_attention.py MARIMBA WORK [-- flags of a fast route]...

Without flags the fast route is the default one.

What the shapes are about: heads that are no multiple of a vector, groups of one
to eight query heads, windows shorter and longer than a block of keys, bounded
scores, lengths around the ends of blocks and tiles, rows of different length,
one token against caches long enough to be split over threads. Standard library
only.
"""

import os
import random
import subprocess
import sys

import compare
from op_entry import Entry, module_inputs, module_text, tensor, tensor_type

TOLERANCE = 1e-5  # of the largest value: two orders of summation


def attention(
    name, heads, groups, size, time, past, valid=None, caches=None, **attributes
):
    """One entry: `past` and `valid` have an element for each row. `caches` makes
    key and value caches of other types than f32, with their scales if they have
    some: of a shape and a name, a list of tensors with their element types."""
    randoms = random.Random(name)
    entry = Entry(name)
    batch, capacity = len(past), max(past) + time

    def values(*shape):
        count = 1
        for extent in shape:
            count *= extent
        return tensor(shape, [randoms.uniform(-2, 2) for _ in range(count)])

    # One token is a static size, as --specialize-decode makes it.
    dynamic = "?x1" if time == 1 else "?x?"
    q_type = f"tensor<{dynamic}x{heads}x{size}xf32>"
    k_type = f"tensor<{dynamic}x{groups}x{size}xf32>"
    i_type = tensor_type([batch], "i32", dynamic=1)
    query = entry.input("q", values(batch, time, heads, size), q_type)
    key = entry.input("k", values(batch, time, groups, size), k_type)
    value = entry.input("v", values(batch, time, groups, size), k_type)
    rows = entry.input("past", tensor([batch], past, "i"), i_type)
    text = f"marimba.attention {query}, {key}, {value} past({rows})"
    if valid is not None:
        real = entry.input("valid", tensor([batch], valid, "i"), i_type)
        text += f" valid({real} : {i_type})"
    out = entry.output("out", [batch, time, heads, size], q_type)
    shape, kept = [batch, groups, capacity, size], []
    for kind in ("key", "value"):
        filled = caches(shape, kind) if caches else [(values(*shape), "f32")]
        # Scales have the dimensions of a cache but the last.
        for suffix, last, (held, element) in zip(
            ("", "_scales"), (f"x{size}", ""), filled
        ):
            type = f"tensor<?x{groups}x?{last}x{element}>"
            kept.append((entry.state(kind + suffix, held, type), type))
    kept = kept[0::2] + kept[1::2] if len(kept) > 2 else kept
    states, types = ([part[i] for part in kept] for i in (0, 1))
    attributes["scale"] = size**-0.5
    listed = ", ".join(
        f"{key} = {value}" if key == "window" else f"{key} = {value:.9e} : f64"
        for key, value in attributes.items()
    )
    results = entry.op(
        f"{text}\n      outs({', '.join([out, *states])} :"
        f" {', '.join([q_type, *types])}) {{{listed}}}\n"
        f"      : {q_type}, {k_type}, {k_type}, {i_type}"
        f" -> {', '.join([q_type, *types])}",
        ", ".join(["y"] + [f"after{i}" for i in range(len(kept))]),
    )
    for result, type in zip(results, (q_type, *types)):
        entry.returns(result, type)
    return entry


def cases():
    yield attention("size20", 4, 2, 20, 37, [0])
    yield attention("size32", 3, 3, 32, 65, [3])
    yield attention("size96", 4, 1, 96, 24, [70])
    yield attention("size6", 2, 2, 6, 9, [1])
    for per_group in (1, 3, 4, 8):
        yield attention(f"group{per_group}", 2 * per_group, 2, 16, 50, [11])
        yield attention(f"one_group{per_group}", 2 * per_group, 2, 20, 1, [131])
    # Blocks have 64 keys and tiles 96 rows: 48 tokens of two heads.
    for time in (2, 47, 48, 49, 64, 97):
        yield attention(f"time{time}", 2, 1, 8, time, [0])
        yield attention(f"time{time}_past", 2, 1, 8, time, [63])
    for past in (0, 1, 2, 3, 7, 62, 63, 64, 255, 256, 257):
        yield attention(f"one_past{past}", 4, 1, 16, 1, [past])
    for window in (1, 5, 64, 100, 1000):
        yield attention(f"window{window}", 4, 2, 16, 130, [40], window=window)
        yield attention(f"one_window{window}", 4, 2, 16, 1, [300], window=window)
    yield attention("softcap", 4, 2, 16, 70, [20], softcap=3.0)
    yield attention("one_softcap", 4, 2, 16, 1, [90], softcap=3.0, window=50)
    yield attention("ragged", 4, 2, 12, 30, [0, 100, 7], [30, 0, 13])
    yield attention("one_ragged", 4, 2, 12, 1, [5, 900, 0, 70], [1, 1, 1, 0])
    # Parts of the keys for each of two or more threads.
    yield attention("one_long", 8, 1, 32, 1, [2900])
    yield attention("one_long_rows", 3, 1, 20, 1, [2100, 0, 610], [1, 1, 1])
    yield attention("one_long_window", 4, 1, 16, 1, [2000], window=1100)
    yield attention("one_long_padded", 2, 1, 16, 1, [1500, 1500], [0, 1])


def run(marimba, base, route, flags):
    out = f"{base}.{route}.safetensors"
    if os.path.exists(out):
        os.remove(out)
    command = [marimba, "execute", base + ".mlir", "--all"]
    command += ["--inputs", base + ".in.safetensors", "-o", out, *flags]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        print("FAIL", " ".join(command), "exit code", done.returncode)
        sys.exit(1)
    return compare.load(out)


def check(report, entries, expected, found):
    for entry in entries:
        for name, tolerance in (("out", TOLERANCE), ("key", 0.0), ("value", 0.0)):
            full = f"{entry.name}.{name}"
            scale = max(abs(v) for v in expected[full].values) or 1.0
            worst = compare.difference(expected[full], found[full]) / scale
            note = f"(<= {tolerance:g})"
            report.row(full, f"{worst:.3e}", worst <= tolerance, note)


def arguments(usage):
    """MARIMBA, WORK, which is made, and the flags behind each "--"; one route
    without flags where there is none."""
    if len(sys.argv) < 3 or (len(sys.argv) > 3 and sys.argv[3] != "--"):
        sys.exit(usage)
    marimba, work = sys.argv[1:3]
    routes = []
    for flag in sys.argv[3:] or ["--"]:
        if flag == "--":
            routes.append([])
        else:
            routes[-1].append(flag)
    os.makedirs(work, exist_ok=True)
    return marimba, work, routes


def main():
    marimba, work, routes = arguments(__doc__)
    base = os.path.join(work, "attention")
    entries = list(cases())
    with open(base + ".mlir", "w", encoding="utf-8") as file:
        file.write(module_text(entries))
    compare.save(base + ".in.safetensors", module_inputs(entries))
    expected = run(marimba, base, "reference", ["--reference"])
    report = compare.Report()
    for flags in routes:
        print("default route:" if not flags else " ".join(flags) + ":")
        check(report, entries, expected, run(marimba, base, "fast", flags))
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
