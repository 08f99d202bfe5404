#!/usr/bin/env python3
"""Quantised weights of every format on one route against float64.

  check_quantized.py MARIMBA WORK [--only REGEX] [-- flags of marimba]

For each format, and for sizes that fill no block, no group and no vector: a
projection of one token of several sequences (the kernels of decoding, by f32
and by 8 bits), some of several tokens (the same, or the library's, widened), and a
lookup. A row of many has the bits that it has alone.
The bytes are packed here, as docs/quantization.md says. Standard library only.
"""

import argparse
import array
import math
import os
import random
import re
import struct
import sys
from dataclasses import dataclass

import check_ops
import compare
import grid_matrix
import op_entry



@dataclass
class Form:
    """How codes stand for numbers: #marimba.quantized."""

    bits: int
    group: int  # 0: channel
    scale: str
    offset: str = ""  # "zero_point", "minimum"
    per: int = 0  # inputs of a super-block
    values: str = ""

    def unit(self):
        return max(self.group, self.per, 64)


FORMATS = {
    "int8": Form(8, 0, "f32"),
    "int8g32": Form(8, 32, "f16"),
    "int8g64": Form(8, 64, "bf16"),
    "int8g128": Form(8, 128, "bf16"),
    "int4": Form(4, 0, "f32"),
    "int4g32": Form(4, 32, "f16"),
    "int4g64": Form(4, 64, "bf16"),
    "int4g128": Form(4, 128, "bf16"),
    "int4g32z": Form(4, 32, "f16", "zero_point"),
    "int4g64z": Form(4, 64, "bf16", "zero_point"),
    "int4g128z": Form(4, 128, "f32", "zero_point"),
    "int4g32m": Form(4, 32, "f16", "minimum"),
    "int4g64m": Form(4, 64, "bf16", "minimum"),
    "int8g32m": Form(8, 32, "f16", "minimum"),
    "int8m": Form(8, 0, "f32", "minimum"),
    "int8g64z": Form(8, 64, "f16", "zero_point"),
    # As GGUF files have them, and others of few bits.
    "q5_0": Form(5, 32, "f16"),
    "q5_1": Form(5, 32, "f16", "minimum"),
    "q2_k": Form(2, 16, "f16", "minimum", per=256),
    "q3_k": Form(3, 16, "f16", per=256),
    "q4_k": Form(4, 32, "f16", "minimum", per=256),
    "q5_k": Form(5, 32, "f16", "minimum", per=256),
    "q6_k": Form(6, 16, "f16", per=256),
    "iq4_nl": Form(4, 32, "f16", values="iq4_nl"),
    "iq4_xs": Form(4, 32, "f16", per=256, values="iq4_nl"),
    "mxfp4": Form(4, 32, "f8E8M0FNU", values="e2m1"),
    "nvfp4": Form(4, 16, "f8E4M3FN", values="e2m1"),
    "tq2_0": Form(2, 128, "f16"),
    "int3g64z": Form(3, 64, "bf16", "zero_point"),
    "fp8g128": Form(8, 128, "f32", values="e4m3"),
    "fp8": Form(8, 0, "f32", values="e4m3"),
    **grid_matrix.FORMATS,
}
# channels, inputs, rows
SHAPES = [(64, 64, 1), (70, 100, 2), (33, 129, 9), (130, 192, 3), (1, 31, 4)]
FEWER_SHAPES = [(70, 300, 2), (33, 129, 9)]  # from int8g64z on
TABLES = {
    "iq4_nl": [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113],
    "e2m1": [0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6],
}


def e4m3(code):
    """A number of 8 bits."""
    size, exponent = code & 7, code >> 3 & 15
    size = (8 + size) * 2.0 ** (exponent - 10) if exponent else size * 2.0**-9
    return -size if code & 128 else size


def f32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def stored(value, dtype):
    """`value` rounded to the type of a scale, and its bytes."""
    if dtype == "f16":
        raw = struct.pack("<e", value)
        return struct.unpack("<e", raw)[0], raw
    if dtype == "f8E8M0FNU":
        exponent = round(math.log2(abs(value)))
        return 2.0**exponent, bytes([exponent + 127])
    if dtype == "f8E4M3FN":
        codes = range(127)
        code = min(codes, key=lambda code: abs(e4m3(code) - abs(value)))
        return e4m3(code), bytes([code])
    raw = struct.pack("<f", value)
    if dtype == "bf16":
        raw = raw[2:]
        return struct.unpack("<f", b"\0\0" + raw)[0], raw
    return f32(value), raw


class Words:
    """A plane of so many bits of each code (Layout)."""

    def __init__(self, bits, blocks, depth):
        self.bits, self.words = bits, depth * bits // 32
        self.shape = [blocks, self.words, 64, 4]
        self.bytes = bytearray(blocks * self.words * 256)

    def put(self, n, k, code):
        within = k % (32 // self.bits)
        word = n // 64 * self.words + k * self.bits // 32
        at = (word * 64 + n % 64) * 4 + within % 4
        self.bytes[at] |= (code & ((1 << self.bits) - 1)) << within // 4 * self.bits


class Matrix:
    """Random codes, scales, zero points or minimums, their bytes, and what they
    mean."""

    def __init__(self, rng, form, channels, inputs, change=None, codes_of=None):
        """`change` may replace the scale of a channel, `codes_of` makes the
        code of an input."""
        self.form = FORMATS[form]
        self.channels, self.inputs = channels, inputs
        self.depth = -(-inputs // self.form.unit()) * self.form.unit()
        self.group = self.form.group or self.depth
        self.blocks = (channels + 63) // 64
        self.change, self.parts = change, {}
        factors = self.terms(rng, "scales", 0.02, signed=True)
        zeros, minimums = None, None
        if self.form.offset == "zero_point":
            zeros = self.zero_points(rng)
        if self.form.offset == "minimum":
            minimums = self.terms(rng, "minimums", 0.1, signed=False)
        bits = self.form.bits
        low = 8 if bits == 8 else 4 if bits >= 4 else 2
        planes = {"codes": Words(low, self.blocks, self.depth)}
        if bits > low:
            planes["high_bits"] = Words(bits - low, self.blocks, self.depth)
        self.rows = []
        for n in range(64 * self.blocks):
            row = []
            for k in range(self.depth):
                g = k // self.group
                real = n < channels and k < inputs
                zero = zeros[n, g] if zeros else self.center()
                code = self.random_code(rng) if real else self.code_of_zero(zero)
                if codes_of and real:
                    code = codes_of(k)
                value = self.number(code) - zero
                least = minimums[n, g] if minimums else 0.0
                row.append(value * factors[n, g] + least)
                planes["codes"].put(n, k, code)
                if "high_bits" in planes:
                    planes["high_bits"].put(n, k, code >> low)
            self.rows.append(row[:inputs])
        del self.rows[channels:]
        for name, plane in planes.items():
            kind = "b" if name == "codes" and bits == 8 else "B"
            self.parts[name] = compare.Tensor(plane.shape, array.array(kind, bytes(plane.bytes)))
        order = ("codes", "high_bits", "scales", "zeros", "minimums", "super_scales", "super_minimums")
        self.parts = {name: self.parts[name] for name in order if name in self.parts}

    def center(self):
        if self.form.bits == 8 or self.form.offset or self.form.values:
            return 0
        return 1 if self.form.bits == 2 else 1 << (self.form.bits - 1)

    def random_code(self, rng):
        if self.form.values == "e4m3":
            return rng.choice([code for code in range(256) if code & 127 != 127])
        if self.form.bits == 8:
            return rng.randint(-128, 127)
        return rng.randrange(1 << self.form.bits)

    def code_of_zero(self, zero):
        return min(zero, (1 << min(self.form.bits, 7)) - 1)

    def number(self, code):
        if self.form.values == "e4m3":
            return e4m3(code)
        table = TABLES.get(self.form.values)
        return table[code] if table else code

    def terms(self, rng, part, most, signed):
        """The scale, or the minimum, of each group of each channel."""
        groups, per = self.depth // self.group, self.form.per
        supers = self.depth // per if per else 0
        raws, super_raws, found = bytearray(), bytearray(), {}
        for b in range(self.blocks):
            chosen = {}
            for s in range(supers):
                for c in range(64):
                    unit = rng.uniform(-most, most) / 64 if 64 * b + c < self.channels else 0.0
                    if part == "scales" and self.change and unit:
                        unit = self.change(64 * b + c, unit)
                    chosen[c, s], raw = stored(unit, self.form.scale)
                    super_raws += raw
            for g in range(groups):
                for c in range(64):
                    n = 64 * b + c
                    if per:
                        steps = rng.randint(-128, 127) if signed else rng.randrange(64)
                        found[n, g] = chosen[c, g * self.group // per] * steps
                        raws.append(steps & 255)
                        continue
                    value = rng.uniform(-most, most) if n < self.channels else 0.0
                    if part == "scales" and self.change and n < self.channels:
                        value = self.change(n, value)
                    if self.form.scale.startswith("f8") and not value:
                        value = most  # no zero of one byte everywhere
                    found[n, g], raw = stored(value, self.form.scale)
                    raws += raw
        shape = [self.blocks, groups, 64]
        if per:
            kind = "b" if signed else "B"
            self.parts[part] = compare.Tensor(shape, array.array(kind, bytes(raws)))
            self.parts["super_" + part] = self.numbers([self.blocks, supers, 64], super_raws)
        else:
            self.parts[part] = self.numbers(shape, raws)
        return found

    def numbers(self, shape, raws):
        kind = {"f32": "f", "f16": "H", "bf16": "H"}.get(self.form.scale, "B")
        words = array.array(kind, bytes(raws))
        return compare.Tensor(shape, words, None if kind == "B" else self.form.scale.upper())

    def zero_points(self, rng):
        groups, raws, found = self.depth // self.group, bytearray(), {}
        for b in range(self.blocks):
            for g in range(groups):
                for c in range(64):
                    if self.form.bits == 8:
                        zero = rng.randint(-128, 127)
                    else:
                        zero = rng.randrange((1 << self.form.bits) + 1)
                    found[64 * b + c, g] = zero
                    raws.append(zero & 255)
        shape = [self.blocks, groups, 64]
        self.parts["zeros"] = compare.Tensor(shape, array.array("B", bytes(raws)))
        return found

    def type(self):
        form = self.form
        group = f"group {form.group}" if form.group else "channel"
        per = f" per {form.per}" if form.per else ""
        more = f", {form.offset}" if form.offset else ""
        more += f", values {form.values}" if form.values else ""
        encoding = f"#marimba.quantized<{group}, scale {form.scale}{per}{more}>"
        return f"tensor<{self.channels}x{self.inputs}xi{form.bits}, {encoding}>"

    def declare(self, entry):
        symbol = f"{entry.name}.w"
        names = [f'"{symbol}.{part}"' for part in self.parts]
        for part, tensor in self.parts.items():
            entry.inputs[f"w.{part}"] = tensor
        entry.weights.append(
            f"marimba.weight @{symbol} : {self.type()} from [{', '.join(names)}]"
        )
        return entry.op(f"marimba.get_weight @{symbol} : {self.type()}", "w")

    def times(self, rows):
        """The products of rows of inputs, in float64."""
        return [
            sum(a * b for a, b in zip(row, weights))
            for row in rows
            for weights in self.rows
        ]


class GridMatrix(grid_matrix.GridMatrix):
    declare, times = Matrix.declare, Matrix.times


def matrix_of(rng, form, channels, inputs, change=None):
    kind = GridMatrix if form in grid_matrix.FORMATS else Matrix
    return kind(rng, form, channels, inputs, change)


def quantize_rows(rows, depth, group):
    """What marimba.quantize_rows makes of them, as numbers."""
    result = []
    for row in rows:
        values = row + [0.0] * (depth - len(row))
        out = []
        for g in range(0, depth, group):
            part = values[g : g + group]
            scale = f32(max(abs(v) for v in part) / 127)
            inverse = f32(1 / scale) if scale else 0.0
            out += [round(f32(v * inverse)) * scale for v in part]
        result.append(out)
    return result


def projection(name, matrix, rows, shape, kind, check=True):
    """An entry that multiplies `rows`, as [.., K] of `shape`: of f32 by a
    linear, or `bytes` of them. One token of each sequence are few rows."""
    entry = op_entry.Entry(name)
    flat = array.array("f", [v for row in rows for v in row])
    last = len(shape) - 1
    out_shape = shape[:last] + [matrix.channels]
    dynamic = 1 if shape[1] == 1 else 2
    x_type = op_entry.tensor_type(shape, dynamic=dynamic)
    y_type = op_entry.tensor_type(out_shape, dynamic=dynamic)
    x = entry.input("x", compare.Tensor(shape, flat), x_type)
    w = matrix.declare(entry)
    if kind == "bytes":
        group = matrix.group if matrix.group <= 128 else 64
        if check:
            rows = quantize_rows(rows, matrix.depth, group)
        groups = matrix.depth // group
        sizes = []
        for d in range(dynamic):
            at = entry.op(f"arith.constant {d} : index", f"c{d}")
            sizes.append(entry.op(f"tensor.dim {x}, {at} : {x_type}", f"size{d}"))
        sizes = ", ".join(sizes)
        types = []
        for part, size, element in (
            ("codes", matrix.depth, "i8"),
            ("scales", groups, "f32"),
            ("sums", groups, "f32"),
        ):
            part_shape = shape[:last] + [size]
            types.append(op_entry.tensor_type(part_shape, element, dynamic=dynamic))
            entry.op(f"tensor.empty({sizes}) : {types[-1]}", f"{part}_e")
        types_text = ", ".join(types)
        entry.op(
            f"marimba.quantize_rows {x} outs(%codes_e, %scales_e, %sums_e"
            f" : {types_text}) : {x_type} -> {types_text}",
            "codes, scales, sums",
        )
        empty = entry.op(f"tensor.empty({sizes}) : {y_type}", "y_e")
        y = entry.op(
            f"marimba.quantized_matmul %codes scales(%scales, %sums : {types[1]},"
            f" {types[2]}), {w} as {matrix.type()} outs({empty} : {y_type})"
            f" : {types[0]}, {matrix.type()} -> {y_type}",
            "y",
        )
    else:
        y = entry.op(
            f"marimba.linear {x}, {w} : {x_type}, {matrix.type()} -> {y_type}", "y"
        )
    entry.result("out", y, out_shape, y_type)
    if check:
        values = array.array("d", matrix.times(rows))
        entry.expect("out", compare.Tensor(out_shape, values))
    return entry


def lookup(name, matrix, ids):
    entry = op_entry.Entry(name)
    shape = [1, len(ids), matrix.inputs]
    y_type = op_entry.tensor_type(shape, dynamic=2)
    tokens = compare.Tensor([1, len(ids)], array.array("i", ids))
    x = entry.input("x", tokens, "tensor<?x?xi32>")
    w = matrix.declare(entry)
    y = entry.op(
        f"marimba.embedding {x}, {w} : tensor<?x?xi32>, {matrix.type()} -> {y_type}",
        "y",
    )
    entry.result("out", y, shape, y_type)
    values = [v for n in ids for v in matrix.rows[n]]
    entry.expect("out", compare.Tensor(shape, array.array("d", values)))
    return entry


def entries_of(form, rng):
    known = list(FORMATS)
    few = known.index(form) >= known.index("int8g64z")
    for channels, inputs, count in FEWER_SHAPES if few else SHAPES:
        matrix = matrix_of(rng, form, channels, inputs)
        rows = [
            [f32(rng.gauss(0, 1)) for _ in range(inputs)] for _ in range(count)
        ]
        name = f"{form}_{channels}x{inputs}"
        single = [count, 1, inputs]
        tokens = rows * 3 # also more than a few
        shape = [1, len(tokens), inputs]
        yield projection(f"{name}_f32", matrix, rows, single, "f32")
        yield projection(f"{name}_tokens", matrix, tokens, shape, "f32")
        if form not in ("fp8", "fp8g128"):  # no integers
            yield projection(f"{name}_bytes", matrix, rows, single, "bytes")
            yield projection(f"{name}_byte_tokens", matrix, tokens, shape, "bytes")
        yield lookup(f"{name}_row", matrix, [channels - 1, 0, channels // 2])


def check_specials(args, report):
    """NaN, infinity and denormals in scales stay in their channels; a scale of
    zero gives zero; as do activations in theirs."""
    nan, inf = float("nan"), float("inf")
    special = {0: nan, 3: inf, 5: 0.0, 6: 1e-40, 63: -inf, 64: nan}
    rng = random.Random(9)
    for form in ("int8", "int8g64", "int4g64", "int4g64z", "int4g64m", "int8g32m", "q4_k", "q6_k", "iq1_m", "iq2_xs", "iq3_s"):
        matrix = matrix_of(
            rng, form, 70, 100, lambda n, scale: special.get(n, scale)
        )
        # No product of an infinity and a code that is zero: that is NaN, too.
        rows = [[f32(rng.uniform(0.5, 1)) for _ in range(100)] for _ in range(17)]
        entries = [
            projection(f"{form}_{name}", matrix, rows[: shape[0] * shape[1]], shape, kind)
            for name, kind, shape in (
                ("f32", "f32", [2, 1, 100]),
                ("bytes", "bytes", [2, 1, 100]),
                ("tokens", "f32", [1, 2, 100]),
                ("byte_tokens", "bytes", [1, 17, 100]),
            )
        ]
        found = check_ops.run(args, f"special_{form}", entries)
        for entry in entries:
            out = found[entry.name]["out"].values
            expected = entry.expected[0][1].values
            scale = max(abs(v) for v in expected if math.isfinite(v))
            good = all(
                abs(a - b) <= 1e-5 * scale if math.isfinite(a) else not math.isfinite(b)
                for a, b in zip(expected, out)
            )
            report.row(f"special {entry.name}", "", good)


def check_extremes(args, report):
    """The largest sums of products: of 128 or 15 and 127, in pairs and eights."""
    rows = [[f32(s * (-1) ** (k * j)) for k in range(256)] for s in (1, -1) for j in (0, 1)]
    entries = []
    for form, codes in (
        ("int8", (-128, 127)),
        ("int8g128", (-128, -127)),
        ("int4g64", (15, 0)),
        ("int4g128z", (15, 15)),
        ("q5_1", (31, 0)),
        ("q6_k", (63, 0)),
        ("iq4_nl", (0, 15)),
        ("mxfp4", (7, 15)),
    ):
        rng = random.Random(form)
        matrix = Matrix(rng, form, 64, 256, codes_of=lambda k: codes[k % 3 // 2])
        for name, some, shape in (
            ("single", rows, [4, 1, 256]),
            ("tokens", rows * 5, [1, 20, 256]),
        ):
            name = f"extreme_{form}_{name}"
            entries.append(projection(name, matrix, some, shape, "bytes"))
    found = check_ops.run(args, "extremes", entries)
    for entry in entries:
        check_ops.compare_entry(report, entry, found[entry.name])


#: Of each way to sum: scales of channels and groups, zero points, minimums,
#: super-blocks, tables, codebooks.
ROWS = ("int8", "int8g64", "int4g64", "int4g64z", "int8m", "q4_k", "q6_k", "mxfp4", "nvfp4", "iq3_s")


def check_rows(args, report):
    """A row has the same bits alone, among few, and among many: in products of
    more inputs than are prepared at a time."""
    channels, inputs, most = 70, 1100, 513
    rng = random.Random(3)
    rows = [[f32(rng.gauss(0, 1)) for _ in range(inputs)] for _ in range(most)]
    for form in args.forms:
        if form not in ROWS:
            continue
        matrix = matrix_of(rng, form, channels, inputs)
        entries = [
            projection(name, matrix, rows[:count], shape, "bytes", check=False)
            for name, count, shape in [("alone", 64, [64, 1, inputs])]
            + [(f"of{n}", n, [1, n, inputs]) for n in (1, 2, 4, 7, 16, 17, 64, most)]
        ]
        found = check_ops.run(args, f"rows_{form}", entries)
        expected = found[f"of{most}"]["out"].values.tobytes()
        for entry in entries:
            actual = found[entry.name]["out"].values.tobytes()
            good = len(actual) > 0 and actual == expected[: len(actual)]
            report.row(f"rows {form} {entry.name}", "", good)


def check_prefill(args, report):
    """Many tokens in bytes, where the host multiplies them: in groups as those of
    the weights, of 64 where a long channel has one scale; on tiles in one group
    then."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        units = set(file.read().split())
    plain = {"--reference", "--matmul=loops"} & set(args.flags)
    tiles = {"amx_tile", "amx_bf16", "amx_int8"} <= units
    flags, args.flags = args.flags, args.flags[:-2] + ["--activations=int8", "--dtype=f32"]
    rng = random.Random(5)
    for form in ("int8", "int8g64", "int8m"):
        entries = []
        for channels, inputs in ((130, 192), (64, 100), (70, 33)):
            matrix = Matrix(rng, form, channels, inputs)
            rows = [[f32(rng.gauss(0, 1)) for _ in range(inputs)] for _ in range(11)]
            name = f"{form}_{channels}x{inputs}_int8"
            entry = projection(name, matrix, rows, [1, 11, inputs], "f32")
            single = matrix.group == matrix.depth
            group = matrix.group if matrix.group <= 128 else 64
            if tiles and single and not matrix.minimum:
                group = matrix.depth
            if "avx2" in units and not plain:
                rounded = quantize_rows(rows, matrix.depth, group)
                values = array.array("d", matrix.times(rounded))
                entry.expected.clear()
                entry.expect("out", compare.Tensor([1, 11, channels], values))
            entries.append(entry)
        found = check_ops.run(args, f"prefill_{form}", entries)
        for entry in entries:
            check_ops.compare_entry(report, entry, found[entry.name])
    args.flags = flags


def main():
    argv, flags = sys.argv[1:], []
    if "--" in argv:
        at = argv.index("--")
        argv, flags = argv[:at], argv[at + 1 :]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("marimba")
    parser.add_argument("work")
    parser.add_argument("--only", default=".*", help="formats whose names match")
    args = parser.parse_args(argv)
    args.forms = [form for form in FORMATS if re.fullmatch(args.only, form)]
    args.flags = flags + ["--activations=f32", "--dtype=f32"]
    os.makedirs(args.work, exist_ok=True)
    report = compare.Report()
    for form in args.forms:
        entries = list(entries_of(form, random.Random(form)))
        found = check_ops.run(args, form, entries)
        for entry in entries:
            check_ops.compare_entry(report, entry, found[entry.name])
    check_specials(args, report)
    check_extremes(args, report)
    check_rows(args, report)
    check_prefill(args, report)
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
