#!/usr/bin/env python3
"""Runs attention over key/value caches of bf16 and of 8 bits on all routes and
compares with float64 over the rounded keys and values, so that rounding counts
once; what is kept has to be what this script rounds, bit for bit.

  check_key_values.py MARIMBA WORK [-- flags of a route]...

Standard library only.
"""

import array
import ctypes
import math
import os
import random
import struct
import sys

import check_attention
import compare
from op_entry import module_inputs, module_text, tensor

TOLERANCE = 1e-5  # of the largest value: sums of f32 against float64
LEAST_SCALE = 2.0**-126


def f32(value):
    return ctypes.c_float(value).value


def bf16_bits(value):
    """The upper half of a float, rounded to nearest even."""
    (bits,) = struct.unpack("<I", struct.pack("<f", value))
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16


def from_bf16(bits):
    return struct.unpack("<f", struct.pack("<I", bits << 16))[0]


def codes_of(vector):
    """Codes and scale; every step is rounded to f32, as the op does it."""
    scale = f32(max(abs(v) for v in vector) / 127.0)
    scale = 0.0 if scale < LEAST_SCALE else scale
    inverse = f32(1.0 / scale) if scale else 0.0
    return [max(-127, min(127, round(f32(v * inverse)))) for v in vector], scale


class Caches:
    """What a cache of `kind` holds before a call, and what is added to it."""

    def __init__(self, name, kind):
        self.randoms, self.kind = random.Random(name + kind), kind

    def __call__(self, shape, _):
        count = math.prod(shape)
        if self.kind == "bf16":
            bits = [bf16_bits(self.randoms.uniform(-2, 2)) for _ in range(count)]
            return [(compare.Tensor(shape, array.array("H", bits), "BF16"), "bf16")]
        codes = [self.randoms.randint(-127, 127) for _ in range(count)]
        scales = [f32(self.randoms.uniform(0, 0.02)) for _ in range(count // shape[3])]
        return [(tensor(shape, codes, "b"), "i8"), (tensor(shape[:3], scales), "f32")]


def cases(kind):
    def case(name, *sizes, **rest):
        name = f"{kind}_{name}"
        return check_attention.attention(
            name, *sizes, caches=Caches(name, kind), **rest
        ), dict(zip(("heads", "groups", "size", "time", "past"), sizes), **rest)

    # Heads that are no multiple of a vector or of a cache line.
    for size in (6, 20, 32, 64, 72, 96, 128):
        yield case(f"size{size}", 4, 2, size, 3, [9])
        yield case(f"one_size{size}", 4, 2, size, 1, [70])
    for per_group in (1, 3, 8):
        yield case(f"group{per_group}", 2 * per_group, 2, 8, 5, [62])
        yield case(f"one_group{per_group}", 2 * per_group, 2, 16, 1, [131])
    # Blocks have 64 keys and tiles 96 rows.
    yield case("blocks", 2, 1, 8, 97, [63])
    yield case("window", 4, 2, 8, 66, [40], window=37)
    yield case("one_window", 4, 2, 16, 1, [300], window=100)
    yield case("softcap", 4, 2, 8, 7, [20], softcap=3.0)
    yield case("one_softcap", 4, 2, 16, 1, [90], softcap=3.0)
    yield case("ragged", 4, 2, 12, 9, [0, 70, 7], valid=[9, 0, 4])
    yield case("one_ragged", 4, 2, 12, 1, [5, 300, 0, 70], valid=[1, 1, 1, 0])
    # Parts of the keys for each of several threads.
    yield case("one_long", 4, 1, 16, 1, [1100])
    # Values that are a part of their keys, which are kept once.
    yield case("latent", 3, 1, 40, 5, [70], latent=32)
    yield case("latent_groups", 4, 2, 14, 66, [3], latent=10, window=50)
    yield case("one_latent", 8, 1, 36, 1, [1100, 0], valid=[1, 1], latent=33)
    # The first of a row, a vector of zeros, one of denormal numbers.
    yield case("one_first", 2, 1, 16, 1, [0])
    yield case("zeros", 2, 1, 16, 3, [2])


def spoil(entry):
    """Vectors that a scale has to cope with."""
    if entry.name.endswith("_zeros"):
        for part in ("k", "v"):
            values = entry.inputs[part].values
            for i in range(16):
                values[i] = 0.0
                if entry.name.startswith("i8"):
                    values[16 + i] = 1e-39 * (i - 8)


class Expected:
    """Caches after the call, and the output in float64."""

    def __init__(self, entry, kind, facts):
        self.entry, self.kind = entry, kind
        self.heads, self.groups = facts["heads"], facts["groups"]
        self.size, self.time = facts["size"], facts["time"]
        self.past = facts["past"]
        self.valid = facts.get("valid") or [self.time] * len(self.past)
        self.window, self.softcap = facts.get("window"), facts.get("softcap")
        self.latent = facts.get("latent")
        self.capacity = max(self.past) + self.time
        self.kept = {}
        for name in ("key", "value"):
            for suffix in ("", "_scales"):
                held = entry.inputs.get(name + suffix)
                if held:
                    self.kept[name + suffix] = list(held.values)
        self.append()

    def append(self):
        names = ("key",) if self.latent else ("key", "value")
        for row, (past, valid) in enumerate(zip(self.past, self.valid)):
            for t in range(valid):
                for group in range(self.groups):
                    for name in names:
                        at = ((row * self.time + t) * self.groups + group) * self.size
                        new = self.entry.inputs[name[0]].values[at : at + self.size]
                        self.keep(name, self.place(row, group, past + t), list(new))

    def place(self, row, group, position):
        return (row * self.groups + group) * self.capacity + position

    def keep(self, name, place, vector):
        if self.kind == "bf16":
            stored = [bf16_bits(v) for v in vector]
        else:
            stored, self.kept[name + "_scales"][place] = codes_of(vector)
        self.kept[name][place * self.size : (place + 1) * self.size] = stored

    def vector(self, name, place):
        stored = self.kept[name][place * self.size : (place + 1) * self.size]
        if self.kind == "bf16":
            return [from_bf16(bits) for bits in stored]
        scale = self.kept[name + "_scales"][place]
        return [code * scale for code in stored]

    def output(self):
        result, scale = [], self.size**-0.5
        size = self.latent or self.size
        query = self.entry.inputs["q"].values
        for row, (past, valid) in enumerate(zip(self.past, self.valid)):
            places = [
                [self.place(row, group, s) for s in range(past + valid)]
                for group in range(self.groups)
            ]
            keys = [[self.vector("key", p) for p in own] for own in places]
            if self.latent:
                values = [[key[:size] for key in own] for own in keys]
            else:
                values = [[self.vector("value", p) for p in own] for own in places]
            for t in range(self.time):
                for head in range(self.heads):
                    group = head * self.groups // self.heads
                    at = ((row * self.time + t) * self.heads + head) * self.size
                    own = query[at : at + self.size]
                    last = past + t + 1
                    first = max(0, last - self.window) if self.window else 0
                    if t >= valid:
                        result.extend([0.0] * size)
                        continue
                    seen = range(first, last)
                    scores = [
                        scale * sum(map(float.__mul__, own, keys[group][s]))
                        for s in seen
                    ]
                    if self.softcap:
                        cap = self.softcap
                        scores = [cap * math.tanh(x / cap) for x in scores]
                    most = max(scores)
                    weights = [math.exp(x - most) for x in scores]
                    total = sum(weights)
                    columns = zip(*values[group][first:last])
                    result.extend(
                        sum(map(float.__mul__, weights, column)) / total
                        for column in columns
                    )
        return result


def check(report, expected, found):
    for case in expected:
        name = case.entry.name
        out = found[f"{name}.out"].values
        wanted = case.output_values
        scale = max(abs(v) for v in wanted) or 1.0
        worst = max(
            (abs(a - b) for a, b in zip(wanted, out, strict=True)),
            key=lambda d: math.inf if math.isnan(d) else d,
        )
        good = worst / scale <= TOLERANCE
        report.row(f"{name}.out", f"{worst / scale:.3e}", good, f"(<= {TOLERANCE:g})")
        for part, kept in case.kept.items():
            actual = list(found[f"{name}.{part}"].values)
            if case.kind == "bf16":
                kept = [from_bf16(bits) for bits in kept]
            wrong = sum(a != b for a, b in zip(kept, actual, strict=True))
            if wrong:
                report.row(f"{name}.{part}", f"{wrong} differ", False)


def main():
    marimba, work, routes = check_attention.arguments(__doc__)
    base = os.path.join(work, "key_values")
    expected = []
    for kind in ("bf16", "i8"):
        for entry, facts in cases(kind):
            spoil(entry)
            expected.append(Expected(entry, kind, facts))
            expected[-1].output_values = expected[-1].output()
    entries = [case.entry for case in expected]
    with open(base + ".mlir", "w", encoding="utf-8") as file:
        file.write(module_text(entries))
    compare.save(base + ".in.safetensors", module_inputs(entries))
    report = compare.Report()
    for flags in routes:
        print("default route:" if not flags else " ".join(flags) + ":")
        check(report, expected, check_attention.run(marimba, base, "out", flags))
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
