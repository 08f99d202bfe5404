"""An op of the dialect with a letter of its shapes at some size, as an entry of a
module. size_ops.py has the ops, check_sizes.py runs them.

An operand is "name: letters", perhaps with what its numbers are and what it is
to the entry; `{name}` in the text is its type. A result is named like the
destination that it is tied to, or is a value of its own (`values`).
"""

import array
import random
import zlib
from dataclasses import dataclass, field

from op_entry import Entry, tensor, zeros

#: What letters are where nothing else is said: no multiple of a vector.
SIZES = {
    "B": 2, "T": 3, "D": 20, "N": 5, "H": 20, "W": 4, "E": 4, "K": 2, "V": 9,
    "P": 2, "I": 6, "L": 4, "J": 3, "Hq": 4, "Hkv": 2, "dh": 8, "dv": 5, "C": 6, "R": 5,
    "G": 3, "Hv": 4, "Gk": 2, "Pv": 20, "in": 20, "out": 9, "KP": 64, "S": 2,
}  # fmt: skip

#: What a letter at a size takes along: tokens have a place in the cache, ids
#: name a row, K of E experts are chosen, ...
TOGETHER = {
    ("C", 0): {"T": 0},
    ("C", 1): {"T": 1},
    ("V", 0): {"T": 0},
    ("T", 0): {"P": 0},
    ("P", 0): {"G": 0},
    ("P", 1): {"G": 1},
    ("E", 1): {"K": 1},
    ("R", 0): {"G": 0},
    ("R", 1): {"G": 1},
    ("Hq", 1): {"Hkv": 1},
    ("Hv", 1): {"Gk": 1},
    ("dh", 0): {"J": 0},
    ("dh", 1): {"J": 0},
    ("KP", 0): {"in": 0, "S": 1},
    ("KP", 1): {"in": 1, "S": 1},
}

@dataclass
class Op:
    name: str
    text: str  # with {operand} where its type stands
    operands: list
    outs: str = ""  # names of the destinations, in the order of the results
    values: list = field(default_factory=list)  # results of their own
    before: str = ""  # ops in front, with types as in the text
    types: list = field(default_factory=list)  # that these ops need
    also: dict = field(default_factory=dict)  # states that they return
    open: str = "B T"  # letters that are left open in types
    maybe: str = ""  # letters that may be open, too
    refused: dict = field(default_factory=dict)  # (letter, size): the message
    sizes: dict = field(default_factory=dict)  # other than in SIZES
    tried: str = ""  # letters to try, if not all: an op like another one
    #: of an empty sum: letter -> function of the case giving {result: values}
    empty: dict = field(default_factory=dict)

    def letters(self):
        """Of all its shapes."""
        found = []
        for spec in self.operands + self.values:
            for letter in Operand(spec).letters:
                for part in letter.replace("*", "+").replace("-", "+").split("+"):
                    part = part.lstrip("2")
                    if part.isalpha() and part not in found:
                        found.append(part)
        return found

    def to_try(self):
        return self.tried.split() or self.letters()


#: What does not grow along time.
RANGES = {"positive": (0.1, 1.0), "negative": (-1.0, -0.1), "small": (-0.6, 0.6)}


class Operand:
    """name: letters [numbers] [kind]"""

    KINDS = ("weight", "state", "output")

    def __init__(self, spec):
        self.name, _, rest = spec.partition(": ")
        words = rest.split("|")
        self.letters = words[0].split()
        self.kind = next((w for w in words[1:] if w in self.KINDS), "input")
        self.numbers = next((w for w in words[1:] if w not in self.KINDS), "f32")


def size_of(letter, sizes):
    """2N, W-1, E+1, R*K: what a letter of a shape is."""
    if letter.isdigit():
        return int(letter)
    if "*" in letter:
        a, b = letter.split("*")
        return size_of(a, sizes) * size_of(b, sizes)
    for sign, by in (("-1", -1), ("+1", 1)):
        if letter.endswith(sign):
            return max(sizes[letter[: -len(sign)]] + by, 0)
    return 2 * sizes[letter[1:]] if letter[0] == "2" else sizes[letter]


class Case:
    """An op with a letter at a size; `left_open` are the letters that its types
    do not say."""

    def __init__(self, op, letter, size, left_open, label):
        self.op, self.letter, self.size = op, letter, size
        self.sizes = {**SIZES, **op.sizes, letter: size}
        own = op.letters()
        for other, value in TOGETHER.get((letter, size), {}).items():
            if other in own:
                self.sizes[other] = value
        self.left_open = left_open
        self.name = f"{op.name}.{letter}{size}{label}"
        self.random = None
        self.tensors = {}

    def shape(self, letters):
        return [size_of(letter, self.sizes) for letter in letters]

    def type(self, operand):
        element = {"f32": "f32", "bf16": "bf16", "i8": "i8"}.get(operand.numbers)
        element = element or ("i32" if self.integers(operand) else "f32")
        sizes = [
            "?" if letter.strip("2") in self.left_open
            or ("*" in letter and letter[0] in self.left_open)
            else str(size_of(letter, self.sizes))
            for letter in operand.letters
        ]  # fmt: skip
        return f"tensor<{'x'.join(sizes + [element])}>"

    @staticmethod
    def integers(operand):
        return operand.numbers in ("valid", "past", "i32") or (
            operand.numbers.startswith("below")
        )

    def numbers(self, operand):
        """Reproducible numbers for an operand."""
        shape = self.shape(operand.letters)
        count, draw = len(zeros(shape).values), self.random
        kind = operand.numbers
        if kind == "i8":
            return tensor(shape, [0] * count, "b")
        if operand.kind == "output":  # what is left alone must not look right
            return tensor(shape, [7] * count, "i" if kind == "i32" else "f")
        if kind == "valid":
            time = self.sizes["T"]
            less = 1 if time > 1 else 0
            return tensor(shape, [time - row % 2 * less for row in range(count)], "i")
        if kind == "past":
            room = self.sizes["C"] - self.sizes["T"]
            return tensor(shape, [min(2, room)] * count, "i")
        if kind.startswith("below"):  # belowK V: lists of K ids, none twice
            most = size_of(kind[len("below") :], self.sizes)
            width = shape[-1] if shape else 1
            ids = [] if most else [0] * count  # of nothing: the op is refused
            while len(ids) < count:
                ids += draw.sample(range(most), min(width, most))
            return tensor(shape, ids[:count], "i")
        low, high = RANGES.get(kind, (-1.0, 1.0))
        values = [round(draw.uniform(low, high), 3) for _ in range(count)]
        if kind == "bf16":
            halves = array.array("I", array.array("f", values).tobytes())
            found = tensor(shape, [half >> 16 for half in halves], "H")
            found.dtype = "BF16"
            return found
        return tensor(shape, values)

    def entry(self):
        op, entry = self.op, Entry(self.name)
        self.random = random.Random(zlib.crc32(self.name.encode()))
        types, shapes = {}, {}
        for spec in op.operands:
            operand = Operand(spec)
            type = types[operand.name] = self.type(operand)
            shapes[operand.name] = self.shape(operand.letters)
            value = self.tensors[operand.name] = self.numbers(operand)
            if operand.kind == "weight":
                element = "bf16" if operand.numbers == "bf16" else "f32"
                entry.weight(operand.name, value, element)
                continue
            entry._argument(operand.kind, operand.name, type)
            entry.inputs[operand.name] = value
        results = []
        for spec in op.values:
            result = Operand(spec)
            types[result.name] = self.type(result)
            shapes[result.name] = self.shape(result.letters)
            results.append(result.name)
        for spec in op.types:
            types[Operand(spec).name] = self.type(Operand(spec))
        dims = (("B", "%batch"), ("T", "%time"))
        types["open"] = ", ".join(dim for at, dim in dims if at in self.left_open)
        if op.before:
            entry.op(op.before.format_map(types))
        for name, value in op.also.items():
            entry.returns(value, types[name])
        outs = op.outs.split()
        names = ", ".join([f"{name}_after" for name in outs] + results)
        found = entry.op("marimba." + op.text.format_map(types), names)
        found = [found] if isinstance(found, str) else found
        for name, value in zip(outs, found):
            entry.returns(value, types[name])
        for name, value in zip(results, found[len(outs) :]):
            entry.result(f"{name}_out", value, shapes[name], types[name])
            entry.inputs[f"{name}_out"] = tensor(
                shapes[name], [7] * len(zeros(shapes[name]).values)
            )
        return entry

    def results(self):
        """Names of what the file of outputs holds, with their letters."""
        letters = {o.name: o.letters for o in map(Operand, self.op.operands)}
        found = {name: letters[name] for name in self.op.outs.split()}
        found |= {name: letters[name] for name in self.op.also}
        for result in map(Operand, self.op.values):
            found[f"{result.name}_out"] = result.letters
        return found

    def real_tokens(self, name, value):
        """What stands behind the real tokens of a row is unspecified."""
        letters = self.results()[name]
        if "valid" not in self.tensors or letters[:2] != ["B", "T"]:
            return value
        found = tensor(value.shape, value.values, value.values.typecode)
        batch, time = value.shape[:2]
        size = len(found.values) // max(batch * time, 1)
        for row, count in enumerate(self.tensors["valid"].values):
            begin, end = (row * time + count) * size, (row + 1) * time * size
            found.values[begin:end] = array.array(
                found.values.typecode, [0] * (end - begin)
            )
        return found
