#!/usr/bin/env python3
"""Quantised weights of every format on one route against float64.

  check_quantized.py MARIMBA WORK [--only REGEX] [--few] [-- flags of marimba]

For each format, and for sizes that fill no block, no group and no vector: a
projection of one token of several sequences (the kernels of decoding, by f32
and by 8 bits), some of several tokens (the same, or the library's, widened), and a
lookup. A row of many has the bits that it has alone. With --few, of few sizes.
Standard library only.
"""

import argparse
import array
import math
import os
import random
import re
import sys

import check_ops
import compare
import op_entry
from quantized_matrix import FORMATS, Matrix, f32, matrix_of

# channels, inputs, rows
SHAPES = [(64, 64, 1), (70, 100, 2), (33, 129, 9), (130, 192, 3), (1, 31, 4)]
FEWER_SHAPES = [(70, 300, 2), (33, 129, 9)]  # from int8g64z on


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


def entries_of(form, rng, few):
    known = list(FORMATS)
    few = few or known.index(form) >= known.index("int8g64z")
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
            if tiles and single and matrix.form.offset != "minimum":
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
    argv, flags = compare.split_flags(sys.argv[1:])
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("marimba")
    parser.add_argument("work")
    parser.add_argument("--only", default=".*", help="formats whose names match")
    parser.add_argument("--few", action="store_true")
    args = parser.parse_args(argv)
    args.forms = [form for form in FORMATS if re.fullmatch(args.only, form)]
    args.flags = flags + ["--activations=f32", "--dtype=f32"]
    os.makedirs(args.work, exist_ok=True)
    report = compare.Report()
    for form in args.forms:
        entries = list(entries_of(form, random.Random(form), args.few))
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
