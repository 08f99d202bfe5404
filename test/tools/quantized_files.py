"""Safetensors files, and what docs/quantization.md says of those that `marimba
quantize` writes. Knows nothing of the compiler."""

import array
import json
import os
import re
import struct

CHANNELS = 64


def read_header(path):
    """The tensors of a safetensors file with the offsets of the file, in order."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length), object_pairs_hook=dict)
    header.pop("__metadata__", None)
    begin = 8 + length
    entries = {}
    for name, entry in header.items():
        entries[name] = (entry["dtype"], entry["shape"], *(begin + at for at in entry["data_offsets"]))
    return begin, dict(sorted(entries.items(), key=lambda item: item[1][2:]))


class Checkpoint:
    """All tensors of a model directory: dtype, shape, bytes."""

    def __init__(self, directory):
        self.tensors, self.order = {}, []
        for file in sorted(os.listdir(directory)):
            if not re.fullmatch(r"model.*\.safetensors", file):
                continue
            path = os.path.join(directory, file)
            self.begin, entries = read_header(path)
            with open(path, "rb") as data:
                contents = data.read()
            self.places = {name: entry[2:] for name, entry in entries.items()}
            self.end = len(contents)
            for name, (dtype, shape, begin, end) in entries.items():
                self.tensors[name] = (dtype, shape, contents[begin:end])
                self.order.append(name)


def write_checkpoint(directory, tensors):
    """One file of {name: (dtype, shape, bytes)}; a number instead of bytes is so many
    zeros, a hole in the file."""
    header, offset = {}, 0
    for name, (dtype, shape, data) in tensors.items():
        end = offset + (data if isinstance(data, int) else len(data))
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    with open(os.path.join(directory, "model.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, _, data in tensors.values():
            if isinstance(data, int):
                file.seek(data, os.SEEK_CUR)
            else:
                file.write(data)
        file.truncate(8 + len(text) + offset)


def floats(dtype, data):
    if dtype == "F32":
        return array.array("f", data)
    if dtype == "F16":
        return array.array("f", struct.unpack(f"<{len(data) // 2}e", data))
    halves = array.array("H", data)
    return array.array("f", array.array("I", [half << 16 for half in halves]).tobytes())


def product(shape):
    result = 1
    for size in shape:
        result *= size
    return result


class StoredMatrix:
    """The tensors of one quantised matrix [rows, inputs], decoded element by element."""

    def __init__(self, checkpoint, name, rows, inputs, bits, group, zero_point):
        multiple = max(64, group)
        self.padded = (inputs + multiple - 1) // multiple * multiple
        self.blocks = (rows + CHANNELS - 1) // CHANNELS
        self.size = group or self.padded
        self.groups = self.padded // self.size
        self.bits, self.per_word = bits, 4 if bits == 8 else 8
        codes_dtype, codes_shape, self.codes = checkpoint.tensors[name + ".codes"]
        scales_dtype, scales_shape, scales = checkpoint.tensors[name + ".scales"]
        self.scales = floats(scales_dtype, scales)
        self.zeros = None
        self.found = [(codes_dtype, codes_shape), (scales_dtype, scales_shape)]
        if zero_point:
            zeros_dtype, zeros_shape, self.zeros = checkpoint.tensors[name + ".zeros"]
            self.found.append((zeros_dtype, zeros_shape))

    def expected(self, scale_dtype):
        """What `found` must be: dtype and shape of each tensor."""
        codes = [self.blocks, self.padded // self.per_word, CHANNELS, 4]
        scales = [self.blocks, self.groups, CHANNELS]
        wanted = [("I8" if self.bits == 8 else "U8", codes), (scale_dtype, scales)]
        return wanted + ([("U8", scales)] if self.zeros is not None else [])

    def element(self, channel, i):
        """Code, zero point and scale of one weight, padding included."""
        b, c = divmod(channel, CHANNELS)
        at = (b * self.groups + i // self.size) * CHANNELS + c
        word, j = divmod(i, self.per_word)
        byte = self.codes[((b * (self.padded // self.per_word) + word) * CHANNELS + c) * 4 + j % 4]
        if self.bits == 8:
            return byte - 256 if byte > 127 else byte, 0, self.scales[at]
        zero = self.zeros[at] if self.zeros is not None else 8
        return byte & 15 if j < 4 else byte >> 4, zero, self.scales[at]
