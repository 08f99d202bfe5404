"""GGUF files as llama.cpp's own library quantises them, for gguf_types.py: needs
numpy and a folder with the prebuilt llama.cpp v0.5.0 (README.md)."""

import ctypes
import mmap
import os
import struct
import sys

import numpy

ALIGNMENT = 32
F32, F16, BF16 = 0, 1, 30
# Bytes of a value of the metadata, by its type; 8 is a string, 9 an array.
SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
# What llama.cpp quantises no tensor of, whatever its shape.
KEPT = ("_norm.weight", "ffn_gate_inp", "ssm_conv1d", "shortconv.conv", "ssm_a")


class Library:
    """ggml's functions for blocks."""

    def __init__(self, peer):
        self.folder = os.path.join(peer, "bin", "package", "bins", "linux-x64")
        path = os.path.join(self.folder, "libggml-base.so")
        self.functions = ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
        self.functions.ggml_type_name.restype = ctypes.c_char_p
        self.functions.ggml_blck_size.restype = ctypes.c_int64
        self.functions.ggml_type_size.restype = ctypes.c_size_t
        self.functions.ggml_quantize_chunk.restype = ctypes.c_size_t

    def name(self, kind):
        return self.functions.ggml_type_name(kind).decode().upper()

    def number(self, name):
        return next(kind for kind in range(43) if self.name(kind) == name)

    def block(self, kind):
        """Elements and bytes of a block."""
        functions = self.functions
        return functions.ggml_blck_size(kind), functions.ggml_type_size(kind)

    def quantize(self, kind, values, width):
        """The blocks of rows, all inputs as important as others."""
        elements, size = self.block(kind)
        values = numpy.ascontiguousarray(values, numpy.float32)
        blocks = numpy.empty(values.size // elements * size, numpy.uint8)
        even = numpy.ones(width, numpy.float32)
        pointer = [a.ctypes.data_as(ctypes.c_void_p) for a in (values, blocks, even)]
        rows = ctypes.c_int64(values.size // width)
        written = self.functions.ggml_quantize_chunk(
            kind, *pointer[:2], ctypes.c_int64(0), rows, ctypes.c_int64(width), pointer[2]
        )
        assert written == blocks.size, (self.name(kind), written, blocks.size)
        return blocks

    def widen(self, kind, blocks):
        """Exactly what blocks stand for."""
        if kind == F32:
            return blocks.view(numpy.float32)
        if kind == F16:
            return blocks.view(numpy.float16).astype(numpy.float32)
        if kind == BF16:
            wide = blocks.view(numpy.uint16).astype(numpy.uint32) << 16
            return wide.view(numpy.float32)
        elements, size = self.block(kind)
        values = numpy.empty(blocks.size // size * elements, numpy.float32)
        blocks = numpy.ascontiguousarray(blocks)
        name = self.functions.ggml_type_name(kind).decode()
        function = getattr(self.functions, f"dequantize_row_{name}")
        pointers = [a.ctypes.data_as(ctypes.c_void_p) for a in (blocks, values)]
        function(*pointers, ctypes.c_int64(values.size))
        return values


class File:
    """A file's keys, as they are, and its tensors: (name, sizes, the fastest
    first, type, bytes)."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        magic, version, count, self.key_count = self.take("<IIQQ")
        assert magic == 0x46554747 and version == 3, path
        begin = self.at
        for _ in range(self.key_count):
            self.skip_string()
            self.skip_value(*self.take("<I"))
        self.keys = self.data[begin : self.at]
        found = []
        for _ in range(count):
            name = self.skip_string().decode()
            (rank,) = self.take("<I")
            found.append((name, self.take(f"<{rank}Q"), *self.take("<IQ")))
        self.begin = self.at + -self.at % ALIGNMENT
        self.found = found

    at = 0

    def take(self, form):
        values = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return values

    def skip_string(self):
        (size,) = self.take("<Q")
        self.at += size
        return self.data[self.at - size : self.at]

    def skip_value(self, kind):
        if kind == 8:
            self.skip_string()
        elif kind == 9:
            inner, count = self.take("<IQ")
            if inner == 8:
                for _ in range(count):
                    self.skip_string()
            else:
                self.at += SIZES[inner] * count
        else:
            self.at += SIZES[kind]

    def tensors(self, library):
        for name, sizes, kind, offset in self.found:
            elements, size = library.block(kind)
            count = int(numpy.prod(sizes)) // elements * size
            begin = self.begin + offset
            raw = numpy.frombuffer(self.data, numpy.uint8, count, begin)
            yield name, sizes, kind, raw

    def types(self, library):
        """How many matrices have each type."""
        counts = {}
        for _, sizes, kind, _ in self.found:
            if len(sizes) > 1:
                name = library.name(kind)
                counts[name] = counts.get(name, 0) + 1
        return counts

    def write(self, path, tensors):
        """A file of the same keys."""
        tensors = list(tensors)
        head = struct.pack("<IIQQ", 0x46554747, 3, len(tensors), self.key_count)
        head += self.keys
        offset = 0
        for name, sizes, kind, raw in tensors:
            head += struct.pack("<Q", len(name)) + name.encode()
            head += struct.pack(f"<I{len(sizes)}QIQ", len(sizes), *sizes, kind, offset)
            offset += raw.size + -raw.size % ALIGNMENT
        with open(path, "wb") as file:
            file.write(head + bytes(-len(head) % ALIGNMENT))
            for *_, raw in tensors:
                file.write(raw.tobytes())
                file.write(bytes(-raw.size % ALIGNMENT))


def quantized(file, library, name):
    """The tensors of an f32 file, its matrices of one type where that fits."""
    kind = library.number(name)
    elements, _ = library.block(kind)
    for name, sizes, own, raw in file.tensors(library):
        fits = len(sizes) > 1 and own == F32 and sizes[0] % elements == 0
        if fits and not any(part in name for part in KEPT):
            own, raw = kind, library.quantize(kind, raw.view(numpy.float32), sizes[0])
        yield name, sizes, own, raw


def widened(file, library):
    """The tensors of a file in f32."""
    for name, sizes, kind, raw in file.tensors(library):
        yield name, sizes, F32, library.widen(kind, raw).view(numpy.uint8)
