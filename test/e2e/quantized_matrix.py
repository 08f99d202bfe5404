"""Matrices of every encoding, packed as docs/quantization.md says, with what their
bytes stand for. Standard library only.
"""

import array
import math
import struct
from dataclasses import dataclass

import compare
import grid_matrix


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
