#!/usr/bin/env python3
"""Reads and writes safetensors and compares tensors, with the standard library
alone.

  compare.py A.safetensors B.safetensors [--tolerance X] [NAME[=NAME] ...]

prints a table of the largest absolute differences, of all tensors that both
files have or of those named, and exits with 1 where one is beyond the tolerance.
"""

import argparse
import array
import json
import struct
import sys

# dtype -> (array type code, size); bf16 and f16 are read by hand.
CODES = {"F64": "d", "F32": "f", "I64": "q", "I32": "i", "U8": "B", "I8": "b"}


class Tensor:
    """A flat sequence of numbers with a shape. `dtype` says what they are in a
    file where their type code does not: the halves of F16 and BF16."""

    def __init__(self, shape, values, dtype=None):
        self.shape = list(shape)
        self.values = values
        self.dtype = dtype

    def __repr__(self):
        return f"Tensor{self.shape}"

    def reshape(self, *shape):
        count = 1
        for size in shape:
            count *= size
        if count != len(self.values):
            raise ValueError(f"{self.shape} cannot be {list(shape)}")
        return Tensor(shape, self.values)

    def rows(self, begin, end):
        """[begin, end) of the first dimension."""
        size = len(self.values) // self.shape[0] if self.shape[0] else 0
        values = self.values[begin * size : end * size]
        return Tensor([end - begin] + self.shape[1:], values)

    def swap_last(self):
        """The last two dimensions exchanged."""
        *outer, height, width = self.shape
        block = height * width
        values = array.array(self.values.typecode)
        for base in range(0, len(self.values), block):
            matrix = self.values[base : base + block]
            for column in range(width):
                values.extend(matrix[column::width])
        return Tensor(outer + [width, height], values)

    def take(self, dim, begin, end):
        """[begin, end) of dimension `dim`."""
        inner = 1
        for size in self.shape[dim + 1 :]:
            inner *= size
        outer = 1
        for size in self.shape[:dim]:
            outer *= size
        values = array.array(self.values.typecode)
        for i in range(outer):
            base = i * self.shape[dim] * inner
            values.extend(self.values[base + begin * inner : base + end * inner])
        shape = self.shape[:dim] + [end - begin] + self.shape[dim + 1 :]
        return Tensor(shape, values)

    def transpose(self, *order):
        """Dimension i of the result is dimension order[i] of this one."""
        strides = [1] * len(self.shape)
        for i in range(len(self.shape) - 1, 0, -1):
            strides[i - 1] = strides[i] * self.shape[i]
        offsets = [0]
        for dim in order:
            steps = [i * strides[dim] for i in range(self.shape[dim])]
            offsets = [base + step for base in offsets for step in steps]
        values = array.array(self.values.typecode, (self.values[i] for i in offsets))
        return Tensor([self.shape[dim] for dim in order], values)

    def cast(self, code):
        """The same numbers in the type of an array type code."""
        whole = code in "iq"
        return Tensor(
            self.shape,
            array.array(code, (int(v) if whole else v for v in self.values)),
        )


def read_header(path):
    """The header of a file and where its data begins."""
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        return json.loads(file.read(size)), 8 + size


def load(path):
    """All tensors of a file, by name."""
    header, begin = read_header(path)
    with open(path, "rb") as file:
        data = file.read()[begin:]
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        low, high = entry["data_offsets"]
        dtype, raw = entry["dtype"], data[low:high]
        if dtype == "BF16":
            halves = array.array("H", raw)
            wide = array.array("I", (half << 16 for half in halves))
            values = array.array("f", wide.tobytes())
        elif dtype == "F16":
            values = array.array("f", (v for (v,) in struct.iter_unpack("<e", raw)))
        else:
            values = array.array(CODES[dtype], raw)
        tensors[name] = Tensor(entry["shape"], values)
    return tensors


def save(path, tensors):
    """Writes tensors by name."""
    dtypes = {code: dtype for dtype, code in CODES.items()}
    header, at = {}, 0
    for name, tensor in tensors.items():
        size = len(tensor.values) * tensor.values.itemsize
        header[name] = {
            "dtype": tensor.dtype or dtypes[tensor.values.typecode],
            "shape": tensor.shape,
            "data_offsets": [at, at + size],
        }
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            file.write(tensor.values.tobytes())


def difference(expected, actual):
    """The largest absolute difference; infinite where shapes differ or where a
    number is not finite."""
    if expected.shape != actual.shape:
        return float("inf")
    worst = 0.0
    for a, b in zip(expected.values, actual.values):
        d = abs(a - b)
        if not d <= worst:
            worst = d if d == d else float("inf")
    return worst


def mean_difference(expected, actual):
    """The mean absolute difference of two tensors of one shape."""
    pairs = zip(expected.values, actual.values)
    return sum(abs(a - b) for a, b in pairs) / len(expected.values)


def split_flags(argv):
    """The arguments in front of `--`, and those behind it."""
    at = argv.index("--") if "--" in argv else len(argv)
    return argv[:at], argv[at + 1 :]


class Report:
    """A table of comparisons, printed line by line."""

    def __init__(self):
        self.failures = 0

    def row(self, what, value, good, note=""):
        mark = "ok  " if good else "FAIL"
        self.failures += not good
        print(f"{mark} {what:<48} {value:>12} {note}".rstrip(), flush=True)

    def compare(self, what, expected, actual, tolerance):
        if expected.shape != actual.shape:
            note = f"shape {actual.shape}, expected {expected.shape}"
            self.row(what, "-", False, note)
            return
        worst = difference(expected, actual)
        self.row(what, f"{worst:.3e}", worst <= tolerance, f"(<= {tolerance:g})")

    def equal(self, what, expected, actual):
        expected, actual = list(expected), list(actual)
        note = "" if expected == actual else f"expected {expected}, found {actual}"
        self.row(what, f"{len(expected)} equal" if not note else "-", not note, note)

    def exit_code(self):
        print(f"{self.failures} comparisons failed" if self.failures else "all agree")
        return 1 if self.failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("a")
    parser.add_argument("b")
    parser.add_argument("names", nargs="*", help="NAME, or NAME_IN_A=NAME_IN_B")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    args = parser.parse_args()
    a, b = load(args.a), load(args.b)
    names = args.names or sorted(set(a) & set(b))
    report = Report()
    if not names:
        report.row("tensors that both files have", "none", False)
    for name in names:
        left, _, right = name.partition("=")
        right = right or left
        if left not in a or right not in b:
            report.row(name, "-", False, "missing")
            continue
        report.compare(name, a[left], b[right], args.tolerance)
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
