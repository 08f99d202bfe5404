#!/usr/bin/env python3
"""Checkpoints that others quantised, made here from a model of our own by packing
as they do: their logits are those of the same weights widened, on all routes.

  check_foreign.py MARIMBA WORK [CASE...]

Models are of random weights, because theirs come in multiples of their groups: a
Mixtral where experts may be quantised so, a Llama else. Standard library only.
"""

import array
import copy
import json
import os
import random
import re
import shutil
import subprocess
import sys

import compare
from foreign_matrices import SCALED, Packed, compressed, half, halves, pack, random_order, signed

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
DENSE = {
    "model_type": "llama",
    "vocab_size": VOCAB,
    "hidden_size": HIDDEN,
    "intermediate_size": 192,
    "num_hidden_layers": 1,
    "num_attention_heads": HEADS,
    "num_key_value_heads": KEYS,
    "max_position_embeddings": 64,
    "tie_word_embeddings": False,
    "dtype": "float16",
}
ROUTES = [[], ["--matmul=loops"], ["--reference"]]
EVERY_ROUTE = ("awq", "gptq8-zeros", "gptq-order", "fp8-block", "ct-nvfp4")
AWQ_ORDER = [0, 2, 4, 6, 1, 3, 5, 7]
# name: quantization_config
FORMATS = {
    "awq": {"quant_method": "awq", "bits": 4, "group_size": 64, "version": "gemm", "zero_point": True},
    "awq128": {"quant_method": "awq", "bits": 4, "group_size": 128, "version": "GEMM", "zero_point": True},
    "gptq": {"quant_method": "gptq", "bits": 4, "group_size": 32, "desc_act": False, "sym": True},
    "gptq-v2": {"quant_method": "gptq", "bits": 4, "group_size": 128, "checkpoint_format": "gptq_v2", "desc_act": False},
    "gptq-column": {"quant_method": "gptq", "bits": 4, "group_size": -1, "desc_act": False},
    "gptq8": {"quant_method": "gptq", "bits": 8, "group_size": 64, "desc_act": False},
    "gptq8-zeros": {"quant_method": "gptq", "bits": 8, "group_size": 64, "desc_act": False, "sym": False},
    "gptq8-v2": {"quant_method": "gptq", "bits": 8, "group_size": 64, "checkpoint_format": "gptq_v2", "sym": False},
}
# Inputs in another order.
ORDERED = {
    "gptq-order": {"quant_method": "gptq", "bits": 4, "group_size": 32, "desc_act": True, "sym": False},
    "gptq8-order": {"quant_method": "gptq", "bits": 8, "group_size": 64, "desc_act": True, "sym": True},
    "ct-int4-order": compressed("pack-quantized", num_bits=4, group_size=32, actorder="group"),
}
EXPERTS_TOO = ["ct-int4", "ct-fp8-channel", "fp8-block", "ct-nvfp4"]


def shapes(dense=False):
    """Of all matrices that are quantised, by their names without .weight."""
    layer = "model.layers.0."
    head = HIDDEN // HEADS
    result = {
        layer + "self_attn.q_proj": (HIDDEN, HIDDEN),
        layer + "self_attn.k_proj": (head * KEYS, HIDDEN),
        layer + "self_attn.v_proj": (head * KEYS, HIDDEN),
        layer + "self_attn.o_proj": (HIDDEN, HIDDEN),
    }
    if dense:
        inner, mlp = DENSE["intermediate_size"], layer + "mlp."
        return result | {
            mlp + "gate_proj": (inner, HIDDEN),
            mlp + "up_proj": (inner, HIDDEN),
            mlp + "down_proj": (HIDDEN, inner),
        }
    for e in range(EXPERTS):
        expert = f"{layer}block_sparse_moe.experts.{e}."
        result |= {expert + "w1": (INNER, HIDDEN), expert + "w3": (INNER, HIDDEN), expert + "w2": (HIDDEN, INNER)}
    return result


def others(rng, dense=False):
    """The tensors that stay as they are."""
    sizes = {
        "model.embed_tokens.weight": (VOCAB, HIDDEN),
        "lm_head.weight": (VOCAB, HIDDEN),
        "model.norm.weight": (HIDDEN,),
        "model.layers.0.input_layernorm.weight": (HIDDEN,),
        "model.layers.0.post_attention_layernorm.weight": (HIDDEN,),
        "model.layers.0.block_sparse_moe.gate.weight": (EXPERTS, HIDDEN),
    }
    if dense:
        sizes.pop("model.layers.0.block_sparse_moe.gate.weight")
    tensors = {}
    for name, shape in sizes.items():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        values = halves([rng.gauss(1 if "norm" in name else 0, 0.3) for _ in range(count)])
        tensors[name] = compare.Tensor(shape, values, "F16")
    return tensors


class Matrix:
    """Codes, zero points and scales of [n, k]: as they pack them, and widened."""

    def __init__(self, rng, form, n, k, order=None):
        self.form, self.n, self.k = form, n, k
        self.group = form["group_size"] if form["group_size"] > 0 else k
        self.groups, most = k // self.group, 1 << form["bits"]
        self.codes = [[rng.randrange(most) for _ in range(k)] for _ in range(n)]
        per_group = lambda make: [[make() for _ in range(n)] for _ in range(self.groups)]
        # Zero points of 4 bits are 1 to 16 where they are stored less one.
        less_one = form["quant_method"] == "gptq" and "checkpoint_format" not in form
        low, high = less_one, 15 + less_one
        if most == 256:
            low, high = (128, 128) if form.get("sym", True) else (less_one, 255)
        self.group_of = order or [i // self.group for i in range(k)]
        self.zeros = per_group(lambda: rng.randint(low, high))
        self.scales = per_group(lambda: half(rng.uniform(0.1, 1) / most))

    def widened(self):
        values = []
        for n in range(self.n):
            for k in range(self.k):
                g = self.group_of[k]
                values.append((self.codes[n][k] - self.zeros[g][n]) * self.scales[g][n])
        return compare.Tensor([self.n, self.k], array.array("f", values))

    def pack(self, values):
        return pack(values, self.form["bits"])

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
            result["g_idx"] = compare.Tensor([k], array.array("i", self.group_of))
        return result


class Checker:
    def __init__(self, marimba, work):
        self.marimba, self.work = marimba, work
        self.report = compare.Report()
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(work)

    def write(self, name, tensors, form=None, dense=False):
        directory = os.path.join(self.work, name)
        os.makedirs(directory, exist_ok=True)
        with open(os.path.join(directory, "config.json"), "w", encoding="utf-8") as file:
            json.dump((DENSE if dense else CONFIG) | ({"quantization_config": form} if form else {}), file)
        compare.save(os.path.join(directory, "model.safetensors"), tensors)
        return directory

    def call(self, *arguments):
        return subprocess.run(
            [self.marimba, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )

    def logits(self, model, flags=()):
        out = os.path.join(self.work, "out.safetensors")
        flags = ["--dtype=f32", "--activations=f32", "--greedy", "3", *flags]
        done = self.call("logits", model, "--ids", ",".join(map(str, IDS)), "-o", out, *flags)
        if done.returncode != 0:
            print("FAIL", model, done.stderr)
            sys.exit(1)
        return compare.load(out)

    def make(self, name, dense=False):
        """The model in their format and widened: the tensors of both."""
        rng = random.Random(name)
        theirs, plain = others(rng, dense), {}
        plain |= theirs
        orders = {}
        for base, (n, k) in shapes(dense).items():
            if name in FORMATS:
                matrix = Matrix(rng, FORMATS[name], n, k)
            elif name in SCALED:
                matrix = SCALED[name][1](rng, n, k)
            else:
                # What reads the same has the same order, as their makers find it.
                reads = base.rsplit(".", 1)[1] in ("o_proj", "down_proj", "w2") and base
                if reads not in orders:
                    orders[reads] = random_order(rng, k, 64 if "8" in name else 32)
                make = Packed if name.startswith("ct") else Matrix
                form = () if name.startswith("ct") else (ORDERED[name],)
                matrix = make(rng, *form, n, k, order=orders[reads])
            plain[base + ".weight"] = matrix.widened()
            theirs |= {f"{base}.{part}": tensor for part, tensor in matrix.tensors().items()}
        return theirs, plain

    @staticmethod
    def form(name):
        return FORMATS.get(name) or ORDERED.get(name) or SCALED[name][0]

    def check(self, name, dense=False):
        theirs, plain = self.make(name, dense)
        expected = self.logits(self.write(name + "-plain", plain, dense=dense))
        model = self.write(name, theirs, self.form(name), dense)
        # Once they are loaded, matrices of one encoding are the same to a route.
        for flags in ROUTES if name in EVERY_ROUTE else ROUTES[:1]:
            found = self.logits(model, flags)
            for tensor in "logits", "greedy_logits":
                scale = max(abs(value) for value in expected[tensor].values)
                off = compare.difference(expected[tensor], found[tensor]) / scale
                self.report.row(f"{name} {' '.join(flags)}: {tensor}", f"{off:.3e}", off <= TOLERANCE)

    def refused(self, name, message, change, form=None, dense=False):
        theirs, _ = self.make(name, dense)
        change(theirs)
        model = self.write("broken", theirs, copy.deepcopy(self.form(name)) | (form or {}), dense)
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
        self.refused("gptq", name + r".g_idx' puts 31 inputs into group 1, expected 32", set_value("g_idx", 40, 3))
        self.refused("gptq", name + r".g_idx' puts input 40 into group 4, expected one of 4", set_value("g_idx", 40, 4))
        self.refused("gptq8", name + r".qzeros' has the zero point 256, expected 0 to 255", set_value("qzeros", 5, 0x7F7F7FFF - (1 << 31)))
        self.refused("awq", name + r".scales' is missing \(.*qweight is there\)", lambda t: t.pop(base + ".scales"))
        self.refused("awq", name + r".qzeros' has shape \[16, 2\], expected \[2, 16\]", reshape("qzeros", 16, 2))
        self.refused("awq", name + r".qweight' has a matrix \[256, 64\], expected \[128, 128\]", lambda t: (
            reshape("qweight", 64, 32)(t), reshape("qzeros", 1, 32)(t), reshape("scales", 1, 256)(t)))
        self.refused("gptq", r"config.json: 'quantization_config.bits' is 3, expected 4 or 8", nothing, {"bits": 3})
        self.refused("awq", r"config.json: 'quantization_config.version' is \"gemv\", expected \"gemm\"", nothing, {"version": "gemv"})
        self.refused("awq", r"config.json: 'quantization_config.group_size' is 48, expected", nothing, {"group_size": 48})


    def check_scaled_refused(self):
        base = "model.layers.0.self_attn.q_proj."
        name = f"model.safetensors: tensor '{base}"
        field = r"config.json: 'quantization_config."

        def reshape(tensor, *shape):
            def change(tensors):
                tensors[base + tensor].shape = list(shape)

            return change

        def drop(tensor):
            return lambda tensors: tensors.pop(base + tensor)

        def retype(tensor, dtype):
            def change(tensors):
                tensors[base + tensor].dtype = dtype

            return change

        def refused(case, message, change=lambda tensors: None, form=None):
            self.refused(case, message, change, form, dense=True)

        refused("ct-int4", name + r"weight_scale' is missing \(.*weight_packed is there\)", drop("weight_scale"))
        refused("ct-int4", name + r"weight_shape' is missing", drop("weight_shape"))
        refused("ct-int4", name + r"weight_scale' has type BF16 and shape \[64, 8\], expected", reshape("weight_scale", 64, 8))
        refused("ct-int4", name + r"weight_packed' has shape \[128, 8\] for a matrix \[128, 128\], expected 4 or 8 bits", lambda tensors: tensors.update({base + "weight_packed": compare.Tensor([128, 8], array.array("i", [0] * 1024))}))
        refused("ct-int4-zeros", name + r"weight_zero_point' has type I32 and shape \[2, 16\], expected I32 and \[16, 2\]", reshape("weight_zero_point", 2, 16))
        refused("fp8-block", name + r"weight_scale_inv' is missing|weight_scale' is missing", drop("weight_scale_inv"))
        refused("fp8-block", name + r"weight' has type F8_E5M2", retype("weight", "F8_E5M2"))
        refused("ct-nvfp4", name + r"weight_global_scale' is missing", drop("weight_global_scale"))
        refused("ct-int4", field + r"format' is \"marlin-24\", expected one of pack-quantized", form={"format": "marlin-24"})
        refused("ct-int4", field + r"transform_config' is .*, expected none", form={"transform_config": {"config_groups": {"u": {}}}})
        refused("ct-int4", field + r"sparsity_config' is .*, expected none", form={"sparsity_config": {"format": "sparse-24-bitmask"}})
        refused("fp8-block", field + r"weight_block_size' is \[128\], expected two sizes", form={"weight_block_size": [128]})
        refused("fp8-block", field + r"fmt' is \"e5m2\", expected \"e4m3\"", form={"fmt": "e5m2"})
        refused("fp8-block", r"config.json: field 'quantization_config' is .*, expected none, or one with", form={"quant_method": "bitsandbytes"})


def main():
    marimba, work, *names = sys.argv[1:]
    checker = Checker(marimba, work)
    for name in names or FORMATS:
        if name in FORMATS:
            checker.check(name)
    for name in names or SCALED:
        if name in SCALED:
            checker.check(name, dense=True)
    for name in names or ORDERED:
        if name in ORDERED:
            checker.check(name, dense=True)
    if not names:
        for name in EXPERTS_TOO:
            checker.check(name)
        checker.refused("ct-int4-order", r"experts.0.w1.weight' has groups of inputs in another order \(desc_act\), expected", lambda tensors: None)
        checker.check_refused()
        checker.check_scaled_refused()
    return checker.report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
