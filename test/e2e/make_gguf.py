#!/usr/bin/env python3
"""Writes a golden model as the GGUF file that llama.cpp's converter makes of it:
its keys, its names of the tensors, its changes of their data.

  make_gguf.py GOLDEN FILE [--type F32|F16|BF16|Q8_0|Q4_0|Q4_1|Q5_0|Q5_1] [--directory DIR]
                           [--tokenizer PRE]

Matrices get the type where their rows are of whole blocks; vectors, routers and
the small tensors of the mixers stay f32. DIR gets the golden's config and
numbers with the weights that such a file holds, as safetensors of f32: what
quantisation loses is lost there, too. With PRE, the file has the golden's
tokenizer.json, too (gguf_tokenizer.py). Standard library only.
"""

import argparse
import array
import json
import math
import os
import shutil

import compare
import gguf_delta
import gguf_tokenizer
import gguf_transformers
from gguf_file import BLOCK, decode, encode, f32, write_gguf
from gguf_keys import metadata
from gguf_parts import DELTA, ENDS, GROUPS, PARTS

# Any numbers can be stored in these.
TYPED = ("F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1")
KEPT_F32 = ("ssm_a", "ssm_conv1d", "shortconv.conv", "ffn_gate_inp")


def read_model(golden):
    """The config and all tensors of a model directory."""
    with open(os.path.join(golden, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    tensors = {}
    for name in sorted(os.listdir(golden)):
        if name.endswith(".safetensors") and not name.startswith("golden."):
            tensors.update(compare.load(os.path.join(golden, name)))
    return config, tensors


def interleave(tensor, heads):
    """Rows p * n/2 + j of every head of n become its rows 2j + p."""
    rows = tensor.shape[0]
    size, width = rows // heads, len(tensor.values) // rows
    values = array.array("f")
    for head in range(heads):
        for row in range(size):
            j, p = divmod(row, 2)
            begin = (head * size + p * size // 2 + j) * width
            values.extend(tensor.values[begin : begin + width])
    return compare.Tensor(tensor.shape, values)


def stack_experts(tensors):
    """experts.0.w1 and its like become experts.w1."""
    stacked = {}
    for name, tensor in tensors.items():
        head, middle, tail = name.partition(".experts.")
        number, _, part = tail.partition(".")
        if middle and number.isdigit():
            stacked.setdefault(f"{head}.experts.{part}", {})[int(number)] = tensor
        else:
            stacked[name] = tensor
    for name, tensor in stacked.items():
        if isinstance(tensor, dict):
            each = [tensor[e] for e in range(len(tensor))]
            values = array.array("f")
            for expert in each:
                values.extend(expert.values)
            stacked[name] = compare.Tensor([len(each)] + each[0].shape, values)
    return stacked


def stored_f32(gguf, shape):
    """Whether the converter keeps a tensor in f32."""
    return (
        len(shape) < 2
        or not gguf.endswith(".weight")
        or gguf.endswith("_norm.weight")
        or any(part in gguf for part in KEPT_F32)
    )


def shape_of_vector(gguf, shape, groups):
    """Vectors of a mixer with a matrix state, as the converter shapes them."""
    if gguf.endswith((".ssm_a", ".ssm_d")):
        return [*shape, 1]
    if gguf.endswith(".ssm_norm.weight"):
        return [groups, shape[0] // groups]
    return shape


def multiply(config, name, tensor):
    """Falcon-H1: the converter multiplies weights by what is multiplied by."""
    inputs = config["attention_in_multiplier"]
    gate, down = config["mlp_multipliers"]
    factors = {
        "embed_tokens": config["embedding_multiplier"],
        "lm_head": config["lm_head_multiplier"],
        "q_proj": inputs,
        "k_proj": inputs * config["key_multiplier"],
        "v_proj": inputs,
        "o_proj": config["attention_out_multiplier"],
        "out_proj": config["ssm_out_multiplier"],
        "gate_proj": gate,
        "down_proj": down,
    }
    factor = factors.get(name.split(".")[-2], 1)
    rows = [factor] * tensor.shape[0]
    if ".in_proj." in name:
        inner = config["mamba_d_ssm"]
        keys = config["mamba_n_groups"] * config["mamba_d_state"]
        sizes = (inner, inner, keys, keys, config["mamba_n_heads"])
        rows = [
            config["ssm_in_multiplier"] * own
            for own, size in zip(config["ssm_multipliers"], sizes)
            for _ in range(size)
        ]
    width = len(tensor.values) // len(rows)
    return f32(v * rows[i // width] for i, v in enumerate(tensor.values))


def split_gate_up(tensors):
    """Of input_linear [2S,H], or [E,2S,H], the rows of gate and of up."""
    result = {}
    for name, tensor in tensors.items():
        if not name.endswith(".input_linear.weight"):
            result[name] = tensor
            continue
        *stack, rows, width = tensor.shape
        half = rows // 2 * width
        for i, part in enumerate(("gate", "up")):
            values = array.array("f")
            for begin in range(i * half, len(tensor.values), 2 * half):
                values.extend(tensor.values[begin : begin + half])
            own = name.replace("input_linear", part)
            result[own] = compare.Tensor([*stack, rows // 2, width], values)
    return result


def adds_one(family, name):
    """Whether the converter adds 1 to a norm's weight."""
    return (
        PARTS[family] is DELTA
        and name.endswith("norm.weight")
        and not name.endswith("linear_attn.norm.weight")
    )


def split_latent(config, tensors):
    """kv_b_proj in two, a matrix for each head, the keys' transposed."""
    result = {}
    for name, tensor in tensors.items():
        if ".kv_b_proj." not in name:
            result[name] = tensor
            continue
        heads, width = config["num_attention_heads"], tensor.shape[1]
        keys, values = config["qk_nope_head_dim"], config["v_head_dim"]
        each = tensor.reshape(heads, keys + values, width)
        for part, begin, end in (("k", 0, keys), ("v", keys, keys + values)):
            own = each.take(1, begin, end)
            own = own.swap_last() if part == "k" else own
            result[name.replace("kv_b_proj", f"{part}_b_proj")] = own
    return result


def gguf_name(name, parts):
    if name in ENDS:
        return ENDS[name]
    _, _, index, part = name.split(".", 3)
    if part in parts:  # A_log, D
        return f"blk.{index}.{parts[part]}"
    stem, suffix = part.rsplit(".", 1)
    return f"blk.{index}.{parts[stem]}.{suffix}"


def convert(config, tensors, kind):
    """The tensors of the file, by name: shape, type, bytes. `kind` is the type
    of matrices, or says by the names of the file which is of another than F32."""
    family = config["model_type"]
    heads = config.get("num_attention_heads")
    key_heads = config.get("num_key_value_heads") or heads
    result = {}
    tensors = gguf_delta.split_by_key_head(config, split_gate_up(tensors))
    tensors = split_latent(config, tensors)
    for name, tensor in stack_experts(tensors).items():
        gguf = gguf_name(name, PARTS[family])
        values = f32(tensor.values)
        tensor = compare.Tensor(tensor.shape, values)
        if family.startswith("qwen3_5"):
            tensor = gguf_delta.tile_value_heads(config, name, tensor)
            values = tensor.values
        if adds_one(family, name):
            tensor.values = f32(v + 1 for v in values)
        if name.endswith("A_log"):
            tensor.values = f32(-math.exp(v) for v in values)
        if family == "falcon_h1":
            tensor.values = multiply(config, name, tensor)
        tensor.values = gguf_transformers.change(config, name, tensor.values)
        if ".conv1d.weight" in name or ".conv.conv.weight" in name:
            tensor.shape = [tensor.shape[0], tensor.shape[2]]
        if "ssm_conv1d_" in gguf:
            tensor.shape = [1, *tensor.shape]
        if family in ("llama", "mixtral", "bamba", "granitemoehybrid", "granite"):
            if ".q_proj." in name:
                tensor = interleave(tensor, heads)
            if ".k_proj." in name:
                tensor = interleave(tensor, key_heads)
        own = kind if isinstance(kind, str) else kind.get(gguf, "F32")
        if stored_f32(gguf, tensor.shape):
            own = "F32"
        elif own.startswith("Q") and tensor.shape[-1] % BLOCK:
            own = "F16"
        if family in GROUPS:
            groups = config.get(GROUPS[family])
            tensor.shape = shape_of_vector(gguf, tensor.shape, groups)
        result[gguf] = (tensor.shape, own, encode(tensor.values, own))
    if config.get("tie_word_embeddings"):
        result.pop("output.weight", None)
    return result


def restore(config, tensors, kind):
    """The checkpoint's tensors with what `kind` leaves of their numbers. The
    order of rows does not matter to it: blocks are within rows."""
    family = config["model_type"]
    result = {}
    for name, tensor in tensors.items():
        head, middle, tail = name.partition(".experts.")
        plain = f"{head}.experts.{tail.partition('.')[2]}" if middle else name
        # In two parts there, of one type.
        plain = plain.replace("in_proj_qkvz", "in_proj_z")
        gguf = gguf_name(plain, PARTS[family])
        own, width = kind, tensor.shape[-1]
        if stored_f32(gguf, tensor.shape):
            own = "F32"
        elif kind.startswith("Q") and width % BLOCK:
            own = "F16"
        one = 1 if adds_one(family, name) else 0
        values = f32(v + one for v in tensor.values)
        values = f32(v - one for v in decode(encode(values, own), own))
        result[name] = compare.Tensor(tensor.shape, values)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("golden")
    parser.add_argument("file")
    parser.add_argument("--type", choices=TYPED, default="F32")
    parser.add_argument("--directory")
    parser.add_argument("--tokenizer", metavar="PRE")
    args = parser.parse_args()
    config, tensors = read_model(args.golden)
    os.makedirs(os.path.dirname(args.file) or ".", exist_ok=True)
    keys = metadata(config)
    if args.tokenizer:
        path = os.path.join(args.golden, "tokenizer.json")
        with open(path, encoding="utf-8") as file:
            keys.update(gguf_tokenizer.tokenizer_keys(json.load(file), args.tokenizer))
    write_gguf(args.file, keys, convert(config, tensors, args.type))
    if args.directory:
        os.makedirs(args.directory, exist_ok=True)
        target = os.path.join(args.directory, "config.json")
        shutil.copyfile(os.path.join(args.golden, "config.json"), target)
        target = os.path.join(args.directory, "model.safetensors")
        compare.save(target, restore(config, tensors, args.type))


if __name__ == "__main__":
    main()
