#!/usr/bin/env python3
"""Checkpoints that AutoAWQ and AutoGPTQ quantised, made here from a model of our
own by packing as they do: their logits are those of the same weights widened.

  check_foreign.py MARIMBA WORK

The model is a Mixtral of random weights, because theirs come in multiples of
their groups. Standard library only.
"""

import array
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys

import compare

IDS = [7, 3, 29, 11, 2, 19, 5, 23, 31, 13, 8, 4]
TOLERANCE = 1e-4  # of the largest logit
HIDDEN, INNER, HEADS, KEYS, EXPERTS, VOCAB = 128, 256, 4, 2, 2, 48
CONFIG = {
    "model_type": "mixtral",
    "vocab_size": VOCAB,
    "hidden_size": HIDDEN,
    "intermediate_size": INNER,
    "num_hidden_layers": 1,
    "num_attention_heads": HEADS,
    "num_key_value_heads": KEYS,
    "num_local_experts": EXPERTS,
    "num_experts_per_tok": 2,
    "max_position_embeddings": 64,
    "dtype": "float16",
}
AWQ_ORDER = [0, 2, 4, 6, 1, 3, 5, 7]
# name: quantization_config
FORMATS = {
    "awq": {"quant_method": "awq", "bits": 4, "group_size": 64, "version": "gemm", "zero_point": True},
    "awq128": {"quant_method": "awq", "bits": 4, "group_size": 128, "version": "GEMM", "zero_point": True},
    "gptq": {"quant_method": "gptq", "bits": 4, "group_size": 32, "desc_act": False, "sym": True},
    "gptq-v2": {"quant_method": "gptq", "bits": 4, "group_size": 128, "checkpoint_format": "gptq_v2", "desc_act": False},
    "gptq-column": {"quant_method": "gptq", "bits": 4, "group_size": -1, "desc_act": False},
    "gptq8": {"quant_method": "gptq", "bits": 8, "group_size": 64, "desc_act": False},
}


def half(value):
    return struct.unpack("<e", struct.pack("<e", value))[0]


def halves(values):
    return array.array("H", struct.pack(f"<{len(values)}e", *values))


def signed(words):
    return array.array("i", array.array("I", words).tobytes())


def shapes():
    """Of all matrices that are quantised, by their names without .weight."""
    layer = "model.layers.0."
    head = HIDDEN // HEADS
    result = {
        layer + "self_attn.q_proj": (HIDDEN, HIDDEN),
        layer + "self_attn.k_proj": (head * KEYS, HIDDEN),
        layer + "self_attn.v_proj": (head * KEYS, HIDDEN),
        layer + "self_attn.o_proj": (HIDDEN, HIDDEN),
    }
    for e in range(EXPERTS):
        expert = f"{layer}block_sparse_moe.experts.{e}."
        result |= {expert + "w1": (INNER, HIDDEN), expert + "w3": (INNER, HIDDEN), expert + "w2": (HIDDEN, INNER)}
    return result


def others(rng):
    """The tensors that stay as they are."""
    sizes = {
        "model.embed_tokens.weight": (VOCAB, HIDDEN),
        "lm_head.weight": (VOCAB, HIDDEN),
        "model.norm.weight": (HIDDEN,),
        "model.layers.0.input_layernorm.weight": (HIDDEN,),
        "model.layers.0.post_attention_layernorm.weight": (HIDDEN,),
        "model.layers.0.block_sparse_moe.gate.weight": (EXPERTS, HIDDEN),
    }
    tensors = {}
    for name, shape in sizes.items():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        values = halves([rng.gauss(1 if "norm" in name else 0, 0.3) for _ in range(count)])
        tensors[name] = compare.Tensor(shape, values, "F16")
    return tensors


class Matrix:
    """Codes, zero points and scales of [n, k]: as they pack them, and widened."""

    def __init__(self, rng, form, n, k):
        self.form, self.n, self.k = form, n, k
        self.group = form["group_size"] if form["group_size"] > 0 else k
        self.groups, most = k // self.group, 1 << form["bits"]
        self.codes = [[rng.randrange(most) for _ in range(k)] for _ in range(n)]
        per_group = lambda make: [[make() for _ in range(n)] for _ in range(self.groups)]
        # Zero points of 4 bits are 1 to 16 where they are stored less one.
        less_one = form["quant_method"] == "gptq" and "checkpoint_format" not in form
        low, high = (128, 128) if most == 256 else (less_one, 15 + less_one)
        self.zeros = per_group(lambda: rng.randint(low, high))
        self.scales = per_group(lambda: half(rng.uniform(0.1, 1) / most))

    def widened(self):
        values = []
        for n in range(self.n):
            for k in range(self.k):
                g = k // self.group
                values.append((self.codes[n][k] - self.zeros[g][n]) * self.scales[g][n])
        return compare.Tensor([self.n, self.k], array.array("f", values))

    def pack(self, values):
        """Numbers to words, the first lowest."""
        bits = self.form["bits"]
        per = 32 // bits
        return [sum(v << bits * i for i, v in enumerate(values[at : at + per])) for at in range(0, len(values), per)]

    def tensors(self):
        n, k, groups, bits = self.n, self.k, self.groups, self.form["bits"]
        per = 32 // bits
        awq = self.form["quant_method"] == "awq"
        mix = lambda row: [row[at + i] for at in range(0, n, 8) for i in AWQ_ORDER]
        if awq:
            codes = [w for i in range(k) for w in self.pack(mix([self.codes[c][i] for c in range(n)]))]
            zeros = [w for row in self.zeros for w in self.pack(mix(row))]
            shape = [k, n // per]
        else:
            columns = [self.pack(row) for row in self.codes]
            codes = [columns[c][r] for r in range(k // per) for c in range(n)]
            less = 0 if self.form.get("checkpoint_format") == "gptq_v2" else 1
            zeros = [w for row in self.zeros for w in self.pack([z - less for z in row])]
            shape = [k // per, n]
        scales = [s for row in self.scales for s in row]
        result = {
            "qweight": compare.Tensor(shape, signed(codes)),
            "qzeros": compare.Tensor([groups, n // per], signed(zeros)),
            "scales": compare.Tensor([groups, n], halves(scales), "F16"),
        }
        if not awq:
            order = array.array("i", [i // self.group for i in range(k)])
            result["g_idx"] = compare.Tensor([k], order)
        return result


class Checker:
    def __init__(self, marimba, work):
        self.marimba, self.work = marimba, work
        self.report = compare.Report()
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(work)

    def write(self, name, tensors, form=None):
        directory = os.path.join(self.work, name)
        os.makedirs(directory, exist_ok=True)
        with open(os.path.join(directory, "config.json"), "w", encoding="utf-8") as file:
            json.dump(CONFIG | ({"quantization_config": form} if form else {}), file)
        compare.save(os.path.join(directory, "model.safetensors"), tensors)
        return directory

    def call(self, *arguments):
        return subprocess.run(
            [self.marimba, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )

    def logits(self, model):
        out = os.path.join(self.work, "out.safetensors")
        flags = ["--dtype=f32", "--activations=f32", "--greedy", "3"]
        done = self.call("logits", model, "--ids", ",".join(map(str, IDS)), "-o", out, *flags)
        if done.returncode != 0:
            print("FAIL", model, done.stderr)
            sys.exit(1)
        return compare.load(out)

    def make(self, name):
        """The model in their format and widened: the tensors of both."""
        rng = random.Random(name)
        theirs, plain = others(rng), {}
        plain |= theirs
        for base, (n, k) in shapes().items():
            matrix = Matrix(rng, FORMATS[name], n, k)
            plain[base + ".weight"] = matrix.widened()
            theirs |= {f"{base}.{part}": tensor for part, tensor in matrix.tensors().items()}
        return theirs, plain

    def check(self, name):
        theirs, plain = self.make(name)
        expected = self.logits(self.write(name + "-plain", plain))
        found = self.logits(self.write(name, theirs, FORMATS[name]))
        for tensor in "logits", "greedy_logits":
            scale = max(abs(value) for value in expected[tensor].values)
            off = compare.difference(expected[tensor], found[tensor]) / scale
            self.report.row(f"{name}: {tensor}", f"{off:.3e}", off <= TOLERANCE)

    def refused(self, name, message, change, form=None):
        theirs, _ = self.make(name)
        change(theirs)
        model = self.write("broken", theirs, FORMATS[name] | (form or {}))
        done = self.call("compile", model, "--emit=mlir", "--stop-after=import")
        good = done.returncode == 1 and re.search(message, done.stderr)
        self.report.row(f"{name}: {message[:40]}", "", good, "" if good else done.stderr)

    def check_refused(self):
        base = "model.layers.0.self_attn.q_proj"

        def set_value(tensor, index, value):
            def change(tensors):
                tensors[f"{base}.{tensor}"].values[index] = value

            return change

        def reshape(tensor, *shape):
            def change(tensors):
                tensors[f"{base}.{tensor}"].shape = list(shape)

            return change

        name = f"model.safetensors: tensor '{base}"
        nothing = lambda tensors: None
        self.refused("gptq", name + r".g_idx' puts input 40 into group 3, expected group 1: .*desc_act", set_value("g_idx", 40, 3))
        self.refused("gptq8", name + r".qzeros' has the zero point 1, expected 128", set_value("qzeros", 5, 0x7F7F7F00))
        self.refused("awq", name + r".scales' is missing \(.*qweight is there\)", lambda t: t.pop(base + ".scales"))
        self.refused("awq", name + r".qzeros' has shape \[16, 2\], expected \[2, 16\]", reshape("qzeros", 16, 2))
        self.refused("awq", name + r".qweight' has a matrix \[256, 64\], expected \[128, 128\]", lambda t: (
            reshape("qweight", 64, 32)(t), reshape("qzeros", 1, 32)(t), reshape("scales", 1, 256)(t)))
        self.refused("gptq", r"config.json: 'quantization_config.bits' is 3, expected 4 or 8", nothing, {"bits": 3})
        self.refused("awq", r"config.json: 'quantization_config.version' is \"gemv\", expected \"gemm\"", nothing, {"version": "gemv"})
        self.refused("awq", r"config.json: 'quantization_config.group_size' is 48, expected", nothing, {"group_size": 48})


def main():
    checker = Checker(*sys.argv[1:])
    for name in FORMATS:
        checker.check(name)
    checker.check_refused()
    return checker.report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
