"""Matrices as other programs store them beside their scales, with the numbers
that they stand for: compressed-tensors, fp8 checkpoints, ModelOpt. Each class
has widened(), a Tensor of f32, and tensors(), those of the file by the end of
their names. Standard library only."""

import array
import struct

import compare

E2M1 = [0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6]


def half(value):
    return struct.unpack("<e", struct.pack("<e", value))[0]


def single(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def halves(values):
    return array.array("H", struct.pack(f"<{len(values)}e", *values))


def brain(value):
    """Rounded down to bf16: its 16 bits, and its value."""
    bits = struct.unpack("<I", struct.pack("<f", value))[0] >> 16
    return bits, struct.unpack("<f", struct.pack("<I", bits << 16))[0]


def signed(words):
    return array.array("i", array.array("I", words).tobytes())


def pack(values, bits):
    """Numbers to words of 32 bits, the first lowest; zeros fill up the last."""
    per = 32 // bits
    return [sum(v << bits * i for i, v in enumerate(values[at : at + per])) for at in range(0, len(values), per)]


def e4m3(byte):
    """OCP E4M3: 1 bit of sign, 4 of exponent (bias 7), 3 of fraction."""
    sign, exponent, fraction = -1 if byte & 128 else 1, byte >> 3 & 15, byte & 7
    if exponent == 0:
        return sign * fraction * 2.0**-9
    return sign * (8 + fraction) * 2.0 ** (exponent - 10)


def random_e4m3(rng):
    """Not NaN, and not so large that the others do not count."""
    return rng.randrange(0x50) | rng.choice([0, 128])


def random_order(rng, k, group):
    """g_idx: each group has `group` inputs, anywhere."""
    order = [i // group for i in range(k)]
    rng.shuffle(order)
    return order


class Scales:
    """[ceil(n / rows), ceil(k / columns)] scales of F32, F16, BF16, exponents
    (U8 or F8_E8M0) or E4M3 with one more of F32."""

    def __init__(self, rng, n, k, rows, columns, dtype, largest):
        self.rows, self.columns, self.dtype = rows, columns, dtype
        self.shape = [-(-n // rows), -(-k // columns)]
        count = self.shape[0] * self.shape[1]
        wanted = [rng.uniform(0.1, 1) / largest for _ in range(count)]
        self.all = None
        if dtype == "BF16":
            both = [brain(value) for value in wanted]
            self.stored = array.array("H", [bits for bits, _ in both])
            self.values = [value for _, value in both]
        elif dtype == "F16":
            self.values = [half(value) for value in wanted]
            self.stored = halves(self.values)
        elif dtype == "F32":
            self.stored = array.array("f", wanted)
            self.values = list(self.stored)
        elif dtype in ("U8", "F8_E8M0"):
            self.stored = array.array("B", [rng.randint(121, 125) for _ in range(count)])
            self.values = [2.0 ** (e - 127) for e in self.stored]
        else:
            self.stored = array.array("B", [rng.randint(0x30, 0x50) for _ in range(count)])

    def over(self, number):
        self.all = single(number)
        self.values = [single(e4m3(byte) / self.all) for byte in self.stored]
        return self

    def times(self, number):
        self.all = single(number)
        self.values = [single(e4m3(byte) * self.all) for byte in self.stored]
        return self

    def at(self, n, g):
        """Of channel n and the group g of stored columns."""
        return self.values[n // self.rows * self.shape[1] + g]

    def tensor(self, shape=None):
        return compare.Tensor(self.shape if shape is None else shape, self.stored, self.dtype)


class Numbers:
    """n x k numbers, `number(row, column)` before scales, `group` columns each."""

    def __init__(self, n, k, scales, number, groups=None):
        self.n, self.k, self.scales, self.number = n, k, scales, number
        self.group_of = groups or [i // scales.columns for i in range(k)]

    def widened(self):
        values = [
            self.number(n, i) * self.scales.at(n, self.group_of[i]) for n in range(self.n) for i in range(self.k)
        ]
        return compare.Tensor([self.n, self.k], array.array("f", values))


class Packed(Numbers):
    """compressed-tensors, pack-quantized: words of integers."""

    def __init__(self, rng, n, k, bits=4, group=32, zeros=False, order=None, scale="BF16", plain_zeros=False):
        most, columns = 1 << bits, group or k
        scales = Scales(rng, n, k, 1, columns, scale, most)
        self.bits, self.plain_zeros = bits, plain_zeros
        self.codes = [[rng.randrange(most) for _ in range(k)] for _ in range(n)]
        zero = (lambda: rng.randrange(most)) if zeros else (lambda: most // 2)
        self.zeros = [[zero() for _ in range(scales.shape[1])] for _ in range(n)]
        self.has_zeros, self.order = zeros, order
        of = order or [i // columns for i in range(k)]
        super().__init__(n, k, scales, lambda c, i: self.codes[c][i] - self.zeros[c][of[i]], of)

    def tensors(self):
        n, k, per = self.n, self.k, 32 // self.bits
        words = [word for row in self.codes for word in pack(row, self.bits)]
        result = {
            "weight_packed": compare.Tensor([n, k // per], signed(words)),
            "weight_scale": self.scales.tensor(),
            "weight_shape": compare.Tensor([2], array.array("q", [n, k])),
        }
        groups = self.scales.shape[1]
        if self.has_zeros and self.plain_zeros:
            less = array.array("b", [z - (1 << self.bits - 1) for row in self.zeros for z in row])
            result["weight_zero_point"] = compare.Tensor([n, groups], less, "I8")
        elif self.has_zeros:
            columns = [pack([row[g] for row in self.zeros], self.bits) for g in range(groups)]
            words = [column[r] for r in range(-(-n // per)) for column in columns]
            result["weight_zero_point"] = compare.Tensor([-(-n // per), groups], signed(words))
        if self.order:
            result["weight_g_idx"] = compare.Tensor([k], array.array("i", self.order))
        return result


class Bytes(Numbers):
    """Numbers of one byte: integers or, as `e4m3`, floating-point ones."""

    def __init__(self, rng, n, k, kind, rows, columns, scale="F32", name="weight_scale", shape=None, zeros=None):
        rows, columns = rows or n, columns or k
        self.kind, self.name, self.shape = kind, name, shape
        largest = 64 if kind == "I8" else 8
        if kind == "I8":
            self.codes = array.array("b", [rng.randint(-128, 127) for _ in range(n * k)])
        else:
            self.codes = array.array("B", [random_e4m3(rng) for _ in range(n * k)])
        scales = Scales(rng, n, k, rows, columns, scale, largest)
        count = scales.shape[0] * scales.shape[1]
        self.zeros = None
        if zeros:
            self.zeros = array.array("b", [rng.randint(-128, 127) if zeros == "any" else 0 for _ in range(count)])

        def number(c, i):
            code = self.codes[c * k + i]
            if kind != "I8":
                return e4m3(code)
            return code - (self.zeros[c // rows * scales.shape[1] + i // columns] if self.zeros else 0)

        super().__init__(n, k, scales, number)

    def tensors(self):
        result = {
            "weight": compare.Tensor([self.n, self.k], self.codes, self.kind),
            self.name: self.scales.tensor(self.shape),
            "input_scale": compare.Tensor([1], array.array("f", [1])),
        }
        if self.zeros:
            result["weight_zero_point"] = compare.Tensor(self.scales.shape, self.zeros, "I8")
        return result


class Fours(Numbers):
    """Two numbers of E2M1 in a byte, the first in its low half: MXFP4, NVFP4 of
    compressed-tensors (`over`) and of ModelOpt (`times`)."""

    def __init__(self, rng, n, k, joined=None):
        scales = Scales(rng, n, k, 1, 16 if joined else 32, "F8_E4M3" if joined else "U8", 6)
        if joined:
            getattr(scales, joined)(37.5 if joined == "over" else 0.0266)
        self.joined = joined
        self.codes = [[rng.randrange(16) for _ in range(k)] for _ in range(n)]
        super().__init__(n, k, scales, lambda c, i: E2M1[self.codes[c][i]])

    def tensors(self):
        data = array.array("B", [row[i] | row[i + 1] << 4 for row in self.codes for i in range(0, self.k, 2)])
        name = "weight" if self.joined == "times" else "weight_packed"
        result = {
            name: compare.Tensor([self.n, self.k // 2], data, "U8"),
            "weight_scale": self.scales.tensor(),
        }
        if self.joined:
            all_scales = "weight_global_scale" if self.joined == "over" else "weight_scale_2"
            result[all_scales] = compare.Tensor([1], array.array("f", [self.scales.all]))
        return result


def compressed(form, **weights):
    """A quantization_config of compressed-tensors."""
    group = {"targets": ["Linear"], "weights": weights, "input_activations": None, "output_activations": None}
    return {
        "quant_method": "compressed-tensors",
        "format": form,
        "quantization_status": "compressed",
        "config_groups": {"group_0": group},
        "ignore": ["lm_head", "re:.*block_sparse_moe.gate$"],
        "kv_cache_scheme": None,
    }


def fp8(block):
    return {
        "quant_method": "fp8",
        "activation_scheme": "dynamic",
        "fmt": "e4m3",
        "weight_block_size": block,
        "modules_to_not_convert": ["lm_head"],
    }


BLOCKS = {"strategy": "block", "block_structure": [128, 128]}
# name: quantization_config, and what makes a matrix of (rng, n, k)
SCALED = {
    "ct-int4": (compressed("pack-quantized", num_bits=4, group_size=32), Packed),
    "ct-int4-zeros": (
        compressed("pack-quantized", num_bits=4, group_size=64, symmetric=False),
        lambda *m: Packed(*m, group=64, zeros=True, scale="F16"),
    ),
    "ct-int4-plain-zeros": (
        compressed("pack-quantized", num_bits=4, group_size=32, symmetric=False),
        lambda *m: Packed(*m, zeros=True, plain_zeros=True),
    ),
    "ct-int4-channel": (compressed("pack-quantized", num_bits=4), lambda *m: Packed(*m, group=0)),
    "ct-int8-packed": (
        compressed("pack-quantized", num_bits=8, group_size=64),
        lambda *m: Packed(*m, bits=8, group=64),
    ),
    "ct-int8-packed-zeros": (
        compressed("pack-quantized", num_bits=8, group_size=64, symmetric=False),
        lambda *m: Packed(*m, bits=8, group=64, zeros=True),
    ),
    # Older versions write zero points of symmetric numbers, too.
    "ct-int8": (
        compressed("int-quantized", num_bits=8, strategy="channel"),
        lambda *m: Bytes(*m, "I8", 1, None, "BF16", zeros="none"),
    ),
    "ct-int8-zeros": (
        compressed("int-quantized", num_bits=8, strategy="channel", symmetric=False),
        lambda *m: Bytes(*m, "I8", 1, None, "BF16", zeros="any"),
    ),
    "ct-fp8-tensor": (
        compressed("float-quantized", num_bits=8, type="float", strategy="tensor"),
        lambda *m: Bytes(*m, "F8_E4M3", None, None, "BF16", shape=[1]),
    ),
    "ct-fp8-channel": (
        compressed("float-quantized", num_bits=8, type="float", strategy="channel"),
        lambda *m: Bytes(*m, "F8_E4M3", 1, None, "BF16"),
    ),
    "ct-fp8-block": (
        compressed("float-quantized", num_bits=8, type="float", **BLOCKS),
        lambda *m: Bytes(*m, "F8_E4M3", 128, 128, "BF16"),
    ),
    "ct-mxfp4": (compressed("mxfp4-pack-quantized", num_bits=4, type="float", group_size=32), Fours),
    "ct-mxfp8": (
        compressed("mxfp8-quantized", num_bits=8, type="float", group_size=32),
        lambda *m: Bytes(*m, "F8_E4M3", 1, 32, "U8"),
    ),
    "ct-nvfp4": (
        compressed("nvfp4-pack-quantized", num_bits=4, type="float", group_size=16),
        lambda *m: Fours(*m, "over"),
    ),
    "fp8-block": (fp8([128, 128]), lambda *m: Bytes(*m, "F8_E4M3", 128, 128, "F32", "weight_scale_inv")),
    "fp8-tensor": (fp8(None), lambda *m: Bytes(*m, "F8_E4M3", None, None, "F32", shape=[])),
    "fp8-exponents": (fp8([128, 128]), lambda *m: Bytes(*m, "F8_E4M3", 128, 128, "F8_E8M0", "weight_scale_inv")),
    "modelopt-fp8": (
        {"quant_method": "modelopt", "quant_algo": "FP8"},
        lambda *m: Bytes(*m, "F8_E4M3", None, None, "F32", shape=[]),
    ),
    "modelopt-nvfp4": ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, lambda *m: Fours(*m, "times")),
}
