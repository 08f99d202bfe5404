#!/usr/bin/env python3
"""The matrix: units x stored types x activations x rows x sizes.

  check_matrix.py MARIMBA WORK

One module has a projection for each type of stored weights and each pair of
sizes, twice: rows of one sequence, and one row of each of several. It is
compiled for each unit that this machine has (--isa) and each kind of products
that it changes, and runs with calls of ROWS rows. Results are compared with the reference
route's; and nothing in the library may be done by its reference implementation
(DNNL_VERBOSE). The bytes of weights are those of quantized_matrix.py. Standard
library only.
"""

import array
import os
import random
import re
import struct
import subprocess
import sys

import compare
import op_entry
import quantized_matrix

# How a type is stored: a type of safetensors, or a format of quantized_matrix.
# GGUF's are repacked into these when they are loaded (docs/quantization.md).
TYPES = {
    "f32": "F32",
    "bf16": "BF16",
    "f16": "F16",
    "int8": "int8",
    "int4": "int4",
    "int4z": "int4g64z",
    "q8_0_q5_0": "int8g32",
    "q4_0": "int4g32",
    "q4_1": "int4g32m",
    "q5_1": "int8g32m",
}
# Channels, inputs: none a multiple of 64, of 16 or of 2; all; one of each.
SIZES = [(131, 97), (64, 128), (70, 192)]
ROWS = [1, 2, 4, 7, 16, 17, 64, 513]
# As many sequences of one row.
BATCHES = [rows for rows in ROWS if rows <= 17]
# Flags, and the difference allowed relative to the largest result: f32 sums in
# another order; inputs rounded to 8 bits; inputs and weights rounded to bf16.
EXACT, EIGHT_BITS, BF16 = 1e-5, 2e-2, 1e-2
KINDS = {
    "f32": (["--dtype=f32", "--activations=f32"], EXACT),
    "auto": (["--dtype=f32", "--activations=auto"], EIGHT_BITS),
    "int8": (["--dtype=f32", "--activations=int8"], EIGHT_BITS),
    "bf16": (["--dtype=bf16", "--activations=f32"], BF16),
    "default": ([], EIGHT_BITS),
    "library": (["--matmul=onednn", "--dtype=f32", "--activations=f32"], EXACT),
}
# What a unit does otherwise than those before it: the rest is the same code
# again, to the byte. Only tiles take the place of bytes by default.
KINDS_OF = {
    "avx2": ["f32", "auto", "int8", "bf16", "library"],
    "avx512": ["f32", "auto", "int8", "bf16", "library"],
    "avx512-vnni": ["auto", "int8", "library"],
    "avx512-bf16": ["bf16", "library"],
    "amx": list(KINDS),
}
THREADS = 2
SECONDS = 600


def plain_weight(rng, dtype, channels, inputs):
    values = [rng.gauss(0, 1) / inputs**0.5 for _ in range(channels * inputs)]
    floats = array.array("f", values)
    if dtype == "BF16":
        floats = array.array("H", floats.tobytes())[1::2]
    elif dtype == "F16":
        floats = array.array("H", struct.pack(f"<{len(values)}e", *values))
    return compare.Tensor([channels, inputs], floats, dtype)


def projection(name, kind, weight, channels, inputs):
    """An entry without its input: that comes with each call."""
    entry = op_entry.Entry(name)
    dynamic = 2 if kind == "tokens" else 1
    x_type = op_entry.tensor_type([0, 1, inputs], dynamic=dynamic)
    y_type = op_entry.tensor_type([0, 1, channels], dynamic=dynamic)
    x = entry.input("x", None, x_type)
    if isinstance(weight, quantized_matrix.Matrix):
        w, w_type = weight.declare(entry), weight.type()
    else:
        element = weight.dtype.lower()
        w, w_type = entry.weight("w", weight, element), op_entry.tensor_type(weight.shape, element)
    y = entry.op(f"marimba.linear {x}, {w} : {x_type}, {w_type} -> {y_type}", "y")
    entry.result("out", y, [0, 1, channels], y_type)
    return entry


class Matrix:
    def __init__(self, marimba, work):
        self.marimba, self.work = marimba, work
        os.makedirs(work, exist_ok=True)
        rng = random.Random(17)
        # By the number of rows: what the calls of all entries are given.
        self.entries, self.sizes = [], {}
        for name, stored in TYPES.items():
            for channels, inputs in SIZES:
                if stored in quantized_matrix.FORMATS:
                    weight = quantized_matrix.Matrix(rng, stored, channels, inputs)
                else:
                    weight = plain_weight(rng, stored, channels, inputs)
                for kind in ("tokens", "single"):
                    entry = f"{name}_{channels}x{inputs}_{kind}"
                    self.entries.append(projection(entry, kind, weight, channels, inputs))
                    self.sizes[entry] = kind, channels, inputs
        self.module = self.path("matrix.mlir")
        with open(self.module, "w", encoding="utf-8") as file:
            file.write(op_entry.module_text(self.entries))
        for rows in ROWS:
            self.write_inputs(rng, rows)

    def path(self, name):
        return os.path.join(self.work, name)

    def inputs(self, rows):
        return self.path(f"{rows}.in.safetensors")

    def write_inputs(self, rng, rows):
        values = {
            inputs: array.array("f", (rng.gauss(0, 1) for _ in range(rows * inputs))) for _, inputs in SIZES
        }
        for entry in self.entries:
            kind, channels, inputs = self.sizes[entry.name]
            # Of many rows one sequence each would be the same again.
            count = rows if kind == "tokens" or rows in BATCHES else 1
            lead = [1, count] if kind == "tokens" else [count, 1]
            x = values[inputs][: count * inputs]
            entry.inputs["x"] = compare.Tensor([*lead, inputs], x)
            entry.inputs["out"] = op_entry.zeros([*lead, channels])
        compare.save(self.inputs(rows), op_entry.module_inputs(self.entries))

    def run(self, rows, flags):
        """The results of all entries, by name, and the library's lines."""
        out = self.path("out.safetensors")
        command = [self.marimba, "execute", self.module, "--all", "--inputs", self.inputs(rows), "-o", out]
        command += [f"--threads={THREADS}", "--cache-dir", self.path("cache"), *flags]
        environment = dict(os.environ, DNNL_VERBOSE="1")
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=SECONDS)
        if done.returncode != 0:
            print("FAIL", " ".join(command), "|", done.stderr)
            sys.exit(1)
        return compare.load(out), done.stdout

    def units(self):
        """Those that this machine has, which the error for one that no machine
        has does not say: asked for one by one."""
        return [name for name in KINDS_OF if self.has(name)]

    def has(self, unit):
        command = [self.marimba, "compile", self.module, "--stop-after=import", f"--isa={unit}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
        if done.returncode != 0 and " lacks " not in done.stderr:
            print("FAIL", " ".join(command), "|", done.stderr)
            sys.exit(1)
        return done.returncode == 0


def reference_lines(output):
    """What the library did by its reference, or element by element."""
    slow, products = [], 0
    for line in output.splitlines():
        if not re.match(r"(onednn|dnnl)_verbose,exec,", line):
            continue
        fields = line.split(",")
        kind, implementation, shapes = fields[3], fields[4], fields[6]
        products += kind == "matmul"
        if "ref" in implementation:
            slow.append(line)
        elif kind == "reorder" and implementation.startswith("simple") and re.search("bf16|f16", shapes):
            slow.append(line)
    return slow, products


def main():
    matrix = Matrix(*sys.argv[1:])
    report = compare.Report()
    expected = {rows: matrix.run(rows, ["--reference"])[0] for rows in ROWS}
    units = matrix.units()
    report.row("units", ", ".join(units), bool(units))
    for unit in units:
        for kind in KINDS_OF[unit]:
            flags, tolerance = KINDS[kind]
            products = 0
            worst = {}  # by type
            for rows in ROWS:
                found, output = matrix.run(rows, [f"--isa={unit}", *flags])
                slow, count = reference_lines(output)
                products += count
                if slow:
                    report.row(f"{unit} {kind} {rows} rows", "reference", False, slow[0])
                for name, tensor in expected[rows].items():
                    stored = next(key for key in TYPES if name.startswith(key + "_"))
                    scale = max(map(abs, tensor.values))
                    far = compare.difference(tensor, found[name]) / scale
                    if not far <= worst.get(stored, (-1, ""))[0]:
                        worst[stored] = far, f"{name}, {rows} rows"
            for stored, (far, where) in worst.items():
                # Activations are rounded for quantised weights only.
                rounds = kind == "bf16" or TYPES[stored] in quantized_matrix.FORMATS
                allowed = tolerance if rounds else EXACT
                report.row(f"{unit} {kind} {stored}", f"{far:.2e}", far <= allowed, f"(<= {allowed:g}) {where}")
            library = kind == "library"
            report.row(f"{unit} {kind}: products of the library", products, (products > 0) == library)
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
