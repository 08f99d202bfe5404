"""Blocks of GGUF's formats with a known meaning: those that test/runtime/formats
has as goldens, made smaller by powers of two, as big as weights are. Numbers that
are made of them are stored without a loss. Standard library only.
"""

import array
import functools
import math
import os
import struct

INPUTS = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "runtime", "formats", "Inputs"
)
# The number of the type in files, the elements of a block, and where it has f16
# numbers that all others are multiplied by.
KINDS = {
    "Q2_K": (10, 256, (80, 82)),
    "Q3_K": (11, 256, (108,)),
    "Q4_K": (12, 256, (0, 2)),
    "Q5_K": (13, 256, (0, 2)),
    "Q6_K": (14, 256, (208,)),
    "IQ2_XXS": (16, 256, (0,)),
    "IQ2_XS": (17, 256, (0,)),
    "IQ3_XXS": (18, 256, (0,)),
    "IQ1_S": (19, 256, (0,)),
    "IQ4_NL": (20, 32, (0,)),
    "IQ3_S": (21, 256, (0,)),
    "IQ2_S": (22, 256, (0,)),
    "IQ4_XS": (23, 256, (0,)),
    "IQ1_M": (29, 256, ()),
    "TQ1_0": (34, 256, (52,)),
    "TQ2_0": (35, 256, (64,)),
    "MXFP4": (39, 32, ()),
    "NVFP4": (40, 64, ()),
    "Q1_0": (41, 128, (0,)),
    "Q2_0": (42, 64, (0,)),
}
RANDOM = 12  # the first blocks of a golden; the others have scales of all kinds
SIZE = 0.06  # what most weights are about


def shrink_half(raw, halvings):
    """An f16 that is smaller by a power of two; None where it is no f16."""
    number = struct.unpack("<e", raw)[0] / 2**halvings
    small = struct.pack("<e", number)
    return small if struct.unpack("<e", small)[0] == number else None


def shrink_scales(kind, block, halvings):
    """The block of numbers that are smaller by a power of two, or None."""
    block = bytearray(block)
    if kind == "MXFP4":
        block[0] -= halvings
        return block if block[0] >= 2 else None
    if kind == "IQ1_M":  # four bits in each of four words
        half = sum(block[49 + 2 * i] >> 4 << 4 * i for i in range(4))
        small = shrink_half(struct.pack("<H", half), halvings)
        if small:
            (half,) = struct.unpack("<H", small)
            for i in range(4):
                at = 49 + 2 * i
                block[at] = block[at] & 15 | (half >> 4 * i & 15) << 4
        return block if small else None
    for at in KINDS[kind][2]:
        small = shrink_half(bytes(block[at : at + 2]), halvings)
        if not small:
            return None
        block[at : at + 2] = small
    return block


def shrink_nvfp4(block, values):
    """Scales of E4M3, each with the least exponent that is not denormal."""
    block, values = bytearray(block), array.array("f", values)
    for i in range(64):
        halvings = max(0, (block[i // 16] >> 3) - 1)
        values[i] /= 2**halvings
    for group in range(4):
        block[group] = min(block[group], 8 | block[group] & 7)
    return values, bytes(block)


@functools.lru_cache(maxsize=None)
def library(kind):
    """Some blocks of a format: (their numbers, their bytes)."""
    with open(os.path.join(INPUTS, f"{kind}.blocks"), "rb") as file:
        raw = file.read()
    with open(os.path.join(INPUTS, f"{kind}.values"), "rb") as file:
        numbers = array.array("f", file.read())
    width = KINDS[kind][1]
    size = len(raw) * width // len(numbers)
    found = []
    for i in range(RANDOM):
        values = numbers[i * width : (i + 1) * width]
        block = raw[i * size : (i + 1) * size]
        if kind == "NVFP4":
            found.append(shrink_nvfp4(block, values))
            continue
        rms = math.sqrt(sum(v * v for v in values) / width)
        for halvings in range(max(0, round(math.log2(rms / SIZE))), -1, -1):
            small = shrink_scales(kind, block, halvings)
            if small:
                values = array.array("f", (v / 2**halvings for v in values))
                if rms / 2**halvings < 4 * SIZE:
                    found.append((values, bytes(small)))
                break
    return found


@functools.lru_cache(maxsize=None)
def by_numbers(kind):
    return {values.tobytes(): block for values, block in library(kind)}


def encode(values, kind):
    """The bytes of numbers that are of blocks of the library."""
    width, blocks = KINDS[kind][1], by_numbers(kind)
    ends = range(width, len(values) + 1, width)
    return b"".join(blocks[values[end - width : end].tobytes()] for end in ends)


def some_numbers(random, kind, count):
    """`count` numbers of blocks of the library."""
    values = array.array("f")
    while len(values) < count:
        values.extend(random.choice(library(kind))[0])
    return values
