"""Matrices whose codes are places in ggml's codebooks, as docs/quantization.md has
them, of the goldens of test/runtime/formats with scales of their own: what the
numbers are, the goldens say. Standard library only.
"""

import array
import functools
import math
import os
import struct
from dataclasses import dataclass

import compare
import gguf_blocks


@dataclass
class Grid:
    bits: int
    group: int
    width: int  # of an entry
    upper: int  # bits of an entry besides eight of its place
    signs: bool

    # As check_quantized.Form has it.
    scale, offset, per = "f16", "", 256


FORMATS = {
    "iq1_s": Grid(1, 32, 8, 4, False),
    "iq1_m": Grid(1, 16, 8, 4, False),
    "iq2_xxs": Grid(2, 32, 8, 0, True),
    "iq2_xs": Grid(2, 16, 8, 1, True),
    "iq2_s": Grid(2, 16, 8, 2, True),
    "iq3_xxs": Grid(3, 32, 4, 0, True),
    "iq3_s": Grid(3, 32, 4, 1, True),
}


def bits_of(raw, at, count):
    return int.from_bytes(raw, "little") >> at & ((1 << count) - 1)


def even(seven):
    return seven | (bin(seven).count("1") & 1) << 7


def fields(kind, raw):
    """Places, signs of eights, steps of groups and d of a block of a file; with
    IQ1's shifts as the last of the upper bits of places."""
    bit = lambda byte, at, count: bits_of(raw, 8 * byte + at, count)
    d = raw[:2]
    if kind == "iq3_s":
        places = [raw[2 + i] | bit(66, i, 1) << 8 for i in range(64)]
        return places, raw[74:106], [bit(106, 4 * g, 4) for g in range(8)], d
    if kind in ("iq3_xxs", "iq2_xxs"):
        three = kind == "iq3_xxs"
        at = [(66 + 4 * g) if three else (6 + 8 * g) for g in range(8)]
        signs = [even(bit(at[i // 4], 7 * (i % 4), 7)) for i in range(32)]
        places = list(raw[2:66]) if three else [raw[2 + i // 4 * 8 + i % 4] for i in range(32)]
        return places, signs, [bit(at[g], 28, 4) for g in range(8)], d
    if kind == "iq2_xs":
        words = [bit(2 + 2 * i, 0, 16) for i in range(32)]
        steps = [bit(66, 4 * g, 4) for g in range(16)]
        return [w & 511 for w in words], [even(w >> 9) for w in words], steps, d
    if kind == "iq2_s":
        places = [raw[2 + i] | bit(66, 2 * i, 2) << 8 for i in range(32)]
        return places, raw[34:66], [bit(74, 4 * g, 4) for g in range(16)], d
    if kind == "iq1_s":
        words = [bit(34 + 2 * g, 0, 16) for g in range(8)]
        places = [
            raw[2 + i] | (words[i // 4] >> 3 * (i % 4) & 7) << 8 | words[i // 4] >> 15 << 11
            for i in range(32)
        ]
        return places, None, [w >> 12 & 7 for w in words], d
    places = [raw[i] | bit(32, 4 * i, 4) << 8 for i in range(32)]
    words = [bit(48 + 2 * i, 0, 16) for i in range(4)]
    half = sum((w >> 12) << 4 * i for i, w in enumerate(words))
    steps = [words[g // 4] >> 3 * (g % 4) & 7 for g in range(16)]
    return places, None, steps, struct.pack("<H", half)


@functools.cache
def goldens(kind):
    """Blocks with what their numbers are times d."""
    with open(os.path.join(gguf_blocks.INPUTS, f"{kind.upper()}.blocks"), "rb") as file:
        blocks = file.read()
    values = array.array("f")
    with open(os.path.join(gguf_blocks.INPUTS, f"{kind.upper()}.values"), "rb") as file:
        values.frombytes(file.read())
    size = len(blocks) * 256 // len(values)
    found = []
    for i in range(len(values) // 256):
        block = fields(kind, blocks[i * size : (i + 1) * size])
        (d,) = struct.unpack("<e", block[3])
        if math.isfinite(d) and d:  # all products are exact
            found.append((block[:3], [v / d for v in values[256 * i : 256 * i + 256]]))
    assert len(found) > 8
    return found


class GridMatrix:
    """check_quantized.Matrix of a codebook."""

    def __init__(self, rng, kind, channels, inputs, change=None):
        self.form, self.kind = FORMATS[kind], kind
        self.channels, self.inputs, self.group = channels, inputs, self.form.group
        self.depth = -(-inputs // 256) * 256
        self.blocks = (channels + 63) // 64
        form, supers = self.form, self.depth // 256
        self.rows, self.raw = [], {}
        self.supers = bytearray(self.blocks * supers * 128)
        for n in range(channels):
            row = []
            for s in range(supers):
                (places, signs, steps), numbers = rng.choice(goldens(kind))
                d = rng.uniform(-0.002, 0.002)
                raw = struct.pack("<e", change(n, d) if change else d)
                (d,) = struct.unpack("<e", raw)
                row += [number * d for number in numbers]
                at = 2 * ((n // 64 * supers + s) * 64 + n % 64)
                self.supers[at : at + 2] = raw
                self.put_places(n, s, places)
                if signs:
                    self.put_words("signs", n, s, signs)
                pairs = [a | b << 4 for a, b in zip(steps[::2], steps[1::2])]
                for i, pair in enumerate(pairs):
                    self.put("scales", n, s * len(pairs) + i, supers * len(pairs), 1, 0, pair)
            self.rows.append(row[:inputs])
        self.parts = self.tensors(form, supers)

    def put(self, part, n, index, count, unit, byte, value):
        """Byte `byte` of element `index` of `count` that channel n has."""
        raw = self.raw.setdefault(part, bytearray(self.blocks * count * 64 * unit))
        raw[((n // 64 * count + index) * 64 + n % 64) * unit + byte] |= value

    def put_words(self, part, n, s, values):
        words = len(values) // 4
        for i, value in enumerate(values):
            count = self.depth // 256 * words
            self.put(part, n, s * words + i // 4, count, 4, i % 4, value)

    def put_places(self, n, s, places):
        """Words of four entries: with entries of 4 two words take turns."""
        order = list(places)
        if self.form.width == 4:
            order = [
                places[first + 2 * byte + word]
                for first in range(0, 64, 8)
                for word in range(2)
                for byte in range(4)
            ]
        self.put_words("codes", n, s, [place & 255 for place in order])
        if upper := self.form.upper:
            made = [0] * (len(order) * upper // 8)
            for i, place in enumerate(order):
                word, byte = divmod(i, 4)
                per = 8 // upper  # words of places
                made[word // per * 4 + byte] |= (place >> 8) << word % per * upper
            self.put_words("high_bits", n, s, made)

    def tensors(self, form, supers):
        parts = {}
        for name in ("codes", "high_bits", "signs"):
            if name in self.raw:
                shape = [self.blocks, len(self.raw[name]) // self.blocks // 256, 64, 4]
                parts[name] = compare.Tensor(shape, array.array("B", bytes(self.raw[name])))
        shape = [self.blocks, self.depth // form.group // 2, 64]
        parts["scales"] = compare.Tensor(shape, array.array("B", bytes(self.raw["scales"])))
        halves = array.array("H", bytes(self.supers))
        parts["super_scales"] = compare.Tensor([self.blocks, supers, 64], halves, "F16")
        return parts

    def type(self):
        form = self.form
        encoding = (
            f"#marimba.quantized<group {form.group}, scale f16 per 256, values {self.kind}>"
        )
        return f"tensor<{self.channels}x{self.inputs}xi{form.bits}, {encoding}>"
