"""GGUF files as bytes: types of numbers and of metadata, blocks, the container.
Standard library only.
"""

import array
import struct

import gguf_blocks

ALIGNMENT = 32
TYPES = {"F32": 0, "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q5_0": 6, "Q5_1": 7, "Q8_0": 8}
TYPES["BF16"] = 30
TYPES.update((kind, facts[0]) for kind, facts in gguf_blocks.KINDS.items())
BLOCK = 32
# Of those that begin with f16 numbers and end with 16 bytes of low halves of
# codes: bits of a code, and whether there is a minimum.
HALVES = {"Q4_0": (4, False), "Q4_1": (4, True), "Q5_0": (5, False), "Q5_1": (5, True)}
# Value types of the metadata.
UINT8, UINT16, UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY, UINT64 = 0, 2, 4, 5, 6, 7, 8, 9, 10
FORMATS = {UINT8: "<B", UINT16: "<H", UINT32: "<I", INT32: "<i", FLOAT32: "<f", BOOL: "<B", UINT64: "<Q"}


def f32(values):
    return array.array("f", values)


def encode(values, kind):
    """The bytes of numbers in a type of GGUF."""
    if kind in gguf_blocks.KINDS:
        return gguf_blocks.encode(values, kind)
    if kind == "F32":
        return f32(values).tobytes()
    if kind == "F16":
        return struct.pack(f"<{len(values)}e", *values)
    if kind == "BF16":
        bits = array.array("I", f32(values).tobytes())
        # To the nearest, ties to even.
        return array.array(
            "H", ((b + 0x7FFF + (b >> 16 & 1)) >> 16 for b in bits)
        ).tobytes()
    out = bytearray()
    for at in range(0, len(values), BLOCK):
        block = values[at : at + BLOCK]
        if kind == "Q8_0":
            scale = max(map(abs, block)) / 127
            inverse = 1 / scale if scale else 0
            out += struct.pack("<e", scale)
            out += struct.pack("<32b", *(round(v * inverse) for v in block))
            continue
        bits, has_minimum = HALVES[kind]
        least, most = min(block), 2**bits - 1
        scale = (max(block) - least) / most
        if not has_minimum:
            scale = -max(block, key=abs) / 2 ** (bits - 1)
            least = -(2 ** (bits - 1)) * scale
        inverse = 1 / scale if scale else 0
        q = [min(most, max(0, int((v - least) * inverse + 0.5))) for v in block]
        out += struct.pack("<ee", scale, least) if has_minimum else struct.pack("<e", scale)
        if bits == 5:
            out += struct.pack("<I", sum((code >> 4) << i for i, code in enumerate(q)))
        out += bytes(q[i] & 15 | (q[i + 16] & 15) << 4 for i in range(16))
    return bytes(out)


def decode(raw, kind):
    """The numbers that `encode` has left."""
    if kind == "F32":
        return array.array("f", raw)
    if kind == "F16":
        return f32(v for (v,) in struct.iter_unpack("<e", raw))
    if kind == "BF16":
        wide = array.array("I", (h << 16 for h in array.array("H", raw)))
        return array.array("f", wide.tobytes())
    values = array.array("f")
    bits, has_minimum = HALVES.get(kind, (8, False))
    size = 2 + 2 * has_minimum + BLOCK * bits // 8
    for at in range(0, len(raw), size):
        (scale,) = struct.unpack_from("<e", raw, at)
        least = 0.0
        if kind == "Q8_0":
            q = struct.unpack_from("<32b", raw, at + 2)
        else:
            data = raw[at + size - 16 : at + size]
            q = [b & 15 for b in data] + [b >> 4 for b in data]
            if bits == 5:
                (top,) = struct.unpack_from("<I", raw, at + size - 20)
                q = [code | (top >> i & 1) << 4 for i, code in enumerate(q)]
            if has_minimum:
                (least,) = struct.unpack_from("<e", raw, at + 2)
            else:
                q = [code - 2 ** (bits - 1) for code in q]
        values.extend(scale * v + least for v in q)
    return values


def pack_string(text):
    raw = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(raw)) + raw


def pack_value(kind, value):
    if kind == STRING:
        return pack_string(value)
    if kind == ARRAY:
        inner, values = value
        head = struct.pack("<IQ", inner, len(values))
        return head + b"".join(pack_value(inner, v) for v in values)
    return struct.pack(FORMATS[kind], value)


def pack_header(keys, tensors):
    """All in front of the data of a file of version 3. `tensors`: name to shape,
    type, bytes of the data."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys))
    for key, (kind, value) in keys.items():
        head += pack_string(key) + struct.pack("<I", kind) + pack_value(kind, value)
    at = 0
    for name, (shape, kind, size) in tensors.items():
        head += pack_string(name) + struct.pack("<I", len(shape))
        head += struct.pack(f"<{len(shape)}Q", *reversed(shape))
        head += struct.pack("<IQ", TYPES[kind], at)
        at += size + -size % ALIGNMENT
    return head + b"\0" * (-len(head) % ALIGNMENT)


def write_gguf(path, keys, tensors):
    """A file of version 3. `tensors`: name to shape, type, bytes."""
    sizes = {n: (shape, kind, len(raw)) for n, (shape, kind, raw) in tensors.items()}
    data = bytearray()
    for _, _, raw in tensors.values():
        data += raw + b"\0" * (-len(raw) % ALIGNMENT)
    with open(path, "wb") as file:
        file.write(pack_header(keys, sizes) + data)


def split_keys(number, count, tensors):
    """What llama-gguf-split writes into part `number`, from 0 on."""
    return {
        "split.no": (UINT16, number),
        "split.count": (UINT16, count),
        "split.tensors.count": (INT32, tensors),
    }


def write_split(stem, keys, tensors, counts):
    """Files STEM-00001-of-0000N.gguf with so many tensors each, in order; the
    paths."""
    names, paths = list(tensors), []
    for number, count in enumerate(counts):
        own = {**(keys if number == 0 else {}), **split_keys(number, len(counts), len(tensors))}
        part, names = names[:count], names[count:]
        paths.append(f"{stem}-{number + 1:05}-of-{len(counts):05}.gguf")
        write_gguf(paths[-1], own, {name: tensors[name] for name in part})
    assert not names, "all tensors are in a part"
    return paths


class Reader:
    def __init__(self, raw):
        self.raw, self.at = raw, 0

    def take(self, form):
        (value,) = struct.unpack_from(form, self.raw, self.at)
        self.at += struct.calcsize(form)
        return value

    def string(self):
        length = self.take("<Q")
        self.at += length
        return self.raw[self.at - length : self.at].decode()

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            inner, count = self.take("<I"), self.take("<Q")
            return [self.value(inner) for _ in range(count)]
        value = self.take(FORMATS[kind])
        return bool(value) if kind == BOOL else value


def bytes_of(shape, kind):
    count = 1
    for size in shape:
        count *= size
    if kind in ("F32", "F16", "BF16"):
        return count * (4 if kind == "F32" else 2)
    if kind.endswith("_K"):
        return count // 256 * {"Q4_K": 144, "Q5_K": 176, "Q6_K": 210}[kind]
    bits, has_minimum = HALVES.get(kind, (8, False))
    return count // BLOCK * (2 + 2 * has_minimum + BLOCK * bits // 8)


def read_gguf(path):
    """The keys with their values, and the tensors: name to shape, type, bytes."""
    with open(path, "rb") as file:
        reader = Reader(file.read())
    assert reader.raw[:4] == b"GGUF"
    reader.at = 4
    assert reader.take("<I") == 3
    count, keys = reader.take("<Q"), {}
    for _ in range(reader.take("<Q")):
        key = reader.string()
        keys[key] = reader.value(reader.take("<I"))
    names, places = {number: kind for kind, number in TYPES.items()}, {}
    for _ in range(count):
        name = reader.string()
        shape = [reader.take("<Q") for _ in range(reader.take("<I"))][::-1]
        places[name] = (shape, names[reader.take("<I")], reader.take("<Q"))
    begin = reader.at + -reader.at % ALIGNMENT
    tensors = {}
    for name, (shape, kind, offset) in places.items():
        size = bytes_of(shape, kind)
        raw = reader.raw[begin + offset : begin + offset + size]
        assert len(raw) == size, name
        tensors[name] = (shape, kind, raw)
    return keys, tensors
