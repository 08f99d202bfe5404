#!/usr/bin/env python3
"""Runs attention of many shapes on fast routes and on the reference route and
compares: outputs, padding included, and caches.

  check_attention.py MARIMBA WORK [-- flags of a fast route]...

Without flags the fast route is the default one.

What the shapes are about: heads that are no multiple of a vector, groups of one
to eight query heads, windows shorter and longer than a block of keys, bounded
scores, lengths around the ends of blocks and tiles, rows of different length,
one token against caches long enough to be split over threads, values that are a
part of their keys, tokens of NaN, which no earlier one may see. Standard library
only.
"""

import math
import os
import random
import subprocess
import sys

import compare
from op_entry import Entry, Shared, tensor, tensor_type

TOLERANCE = 1e-5  # of the largest value: two orders of summation


def attention(
    name,
    heads,
    groups,
    size,
    time,
    past,
    valid=None,
    caches=None,
    latent=None,
    poisoned=None,
    **attributes,
):
    """One entry: `past` and `valid` have an element for each row. `caches` makes
    key and value caches of other types than f32, with their scales if they have
    some: of a shape and a name, a list of tensors with their element types. With
    `latent` values are the first so many elements of keys. The value of token
    `poisoned` is NaN, with `latent` its key, too."""
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
    new = {"k": values(batch, time, groups, size)}
    if not latent:
        new["v"] = values(batch, time, groups, size)
    if poisoned is not None:
        last = new["k" if latent else "v"]
        begin = poisoned * groups * size
        for at in range(begin, begin + groups * size):
            last.values[at] = math.nan
    operands = ", ".join(entry.input(kind, t, k_type) for kind, t in new.items())
    rows = entry.input("past", tensor([batch], past, "i"), i_type)
    text = f"marimba.attention {query}, {operands} past({rows})"
    if valid is not None:
        real = entry.input("valid", tensor([batch], valid, "i"), i_type)
        text += f" valid({real} : {i_type})"
    out_type = f"tensor<{dynamic}x{heads}x{latent or size}xf32>"
    out = entry.output("out", [batch, time, heads, latent or size], out_type)
    shape, kept = [batch, groups, capacity, size], []
    for kind in ("key",) if latent else ("key", "value"):
        filled = caches(shape, kind) if caches else [(values(*shape), "f32")]
        # Scales have the dimensions of a cache but the last.
        for suffix, last, (held, element) in zip(
            ("", "_scales"), (f"x{size}", ""), filled
        ):
            type = f"tensor<?x{groups}x?{last}x{element}>"
            kept.append((entry.state(kind + suffix, held, type), type))
    if not latent and len(kept) > 2:
        kept = kept[0::2] + kept[1::2]
    states, types = ([part[i] for part in kept] for i in (0, 1))
    attributes["scale"] = size**-0.5
    listed = ", ".join(
        f"{key} = {value}" if key == "window" else f"{key} = {value:.9e} : f64"
        for key, value in attributes.items()
    )
    results = entry.op(
        f"{text}\n      outs({', '.join([out, *states])} :"
        f" {', '.join([out_type, *types])}) {{{listed}}}\n"
        f"      : {', '.join([q_type] + [k_type] * len(new))}, {i_type}"
        f" -> {', '.join([out_type, *types])}",
        ", ".join(["y"] + [f"after{i}" for i in range(len(kept))]),
    )
    for result, type in zip(results, (out_type, *types)):
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
    # Values that are a part of their keys: whole vectors of both, of one, none.
    for size, part in ((48, 32), (40, 32), (24, 20), (14, 10), (9, 1), (16, 16)):
        yield attention(f"latent{size}_{part}", 3, 1, size, 37, [5], latent=part)
        yield attention(f"one_latent{size}_{part}", 5, 1, size, 1, [77], latent=part)
    yield attention("latent_groups", 8, 2, 20, 70, [60], latent=16, window=50)
    yield attention("latent_ragged", 4, 1, 14, 9, [0, 70], [9, 4], latent=10)
    yield attention("one_latent_long", 32, 1, 36, 1, [2900, 0], [1, 1], latent=32)
    # A tile has rows of several tokens, and the masked part of its keys.
    for token in (1, 12, 40, 63):
        yield attention(f"nan{token}", 4, 2, 16, 64, [5], poisoned=token)
    yield attention("nan_window", 4, 2, 16, 64, [5], poisoned=20, window=9)
    yield attention("nan_narrow_window", 2, 1, 16, 64, [70], poisoned=20, window=3)
    yield attention("nan_latent", 8, 1, 20, 33, [5], poisoned=12, latent=16)


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


def difference(expected, found):
    """The largest difference; infinite where only one of the two is NaN."""
    nan = list(map(math.isnan, expected.values))
    if nan != list(map(math.isnan, found.values)):
        return math.inf
    # Copies: routes after this one compare with the same expectation.
    numbers = [
        compare.Tensor(
            tensor.shape,
            [0.0 if skip else v for v, skip in zip(tensor.values, nan)],
        )
        for tensor in (expected, found)
    ]
    return compare.difference(*numbers)


def check(report, entries, expected, found):
    for entry in entries:
        for name, tolerance in (("out", TOLERANCE), ("key", 0.0), ("value", 0.0)):
            full = f"{entry.name}.{name}"
            if full not in expected:  # latent
                continue
            numbers = [v for v in expected[full].values if not math.isnan(v)]
            scale = max(map(abs, numbers), default=0.0) or 1.0
            worst = difference(expected[full], found[full]) / scale
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
    shared = Shared(entries)
    with open(base + ".mlir", "w", encoding="utf-8") as file:
        file.write(shared.text())
    compare.save(base + ".in.safetensors", shared.inputs())
    expected = shared.results(run(marimba, base, "reference", ["--reference"]))
    report = compare.Report()
    for flags in routes:
        print("default route:" if not flags else " ".join(flags) + ":")
        found = shared.results(run(marimba, base, "fast", flags))
        check(report, entries, expected, found)
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
