#!/usr/bin/env python3
"""Writes a Jamba whose rows are of whole super-blocks, as a directory of f32 and
as a GGUF file of the same numbers in which every matrix has another type.

  make_wide_gguf.py GOLDEN DIR FILE [TYPE ...]

DIR and FILE get a model like GOLDEN, a Jamba, but 256 wide, of 4 layers; its
matrices have the TYPEs, or all that gguf_blocks.py has, in turn. Prints the type
of each matrix. Standard library only.
"""

import array
import json
import math
import os
import random
import sys

import compare
import gguf_blocks
from gguf_file import f32, write_gguf
from gguf_keys import metadata
from gguf_parts import PARTS
from make_gguf import convert, gguf_name, stored_f32

WIDTH, STATE, RANK, VOCABULARY, EXPERTS = 256, 16, 16, 128, 2
INNER, KEYS, WINDOW, LAYERS = 2 * WIDTH, WIDTH // 2, 4, 4


def shapes():
    """The tensors of the checkpoint."""
    mlp = {"gate_proj": [WIDTH] * 2, "up_proj": [WIDTH] * 2, "down_proj": [WIDTH] * 2}
    found = {
        "model.embed_tokens.weight": [VOCABULARY, WIDTH],
        "model.final_layernorm.weight": [WIDTH],
        "lm_head.weight": [VOCABULARY, WIDTH],
    }
    for layer in range(LAYERS):
        parts = {"input_layernorm.weight": [WIDTH], "pre_ff_layernorm.weight": [WIDTH]}
        if layer % 2:
            rows = {"q": WIDTH, "k": KEYS, "v": KEYS, "o": WIDTH}
            for name, size in rows.items():
                parts[f"self_attn.{name}_proj.weight"] = [size, WIDTH]
            parts["feed_forward.router.weight"] = [EXPERTS, WIDTH]
            for expert in range(EXPERTS):
                for name, shape in mlp.items():
                    parts[f"feed_forward.experts.{expert}.{name}.weight"] = shape
        else:
            own = {
                "A_log": [INNER, STATE],
                "D": [INNER],
                "b_layernorm.weight": [STATE],
                "c_layernorm.weight": [STATE],
                "conv1d.bias": [INNER],
                "conv1d.weight": [INNER, 1, WINDOW],
                "dt_layernorm.weight": [RANK],
                "dt_proj.bias": [INNER],
                "dt_proj.weight": [INNER, RANK],
                "in_proj.weight": [2 * INNER, WIDTH],
                "out_proj.weight": [WIDTH, INNER],
                "x_proj.weight": [RANK + 2 * STATE, INNER],
            }
            parts.update((f"mamba.{name}", shape) for name, shape in own.items())
            for name, shape in mlp.items():
                parts[f"feed_forward.{name}.weight"] = shape
        for name, shape in parts.items():
            found[f"model.layers.{layer}.{name}"] = shape
    return found


def name_in_file(name):
    head, middle, tail = name.partition(".experts.")
    plain = f"{head}.experts.{tail.partition('.')[2]}" if middle else name
    return gguf_name(plain, PARTS["jamba"])


def vector(name, shape, source):
    """Numbers of a tensor that has no blocks."""
    count = math.prod(shape)
    if name.endswith("A_log"):
        return f32(math.log(1 + i % STATE) for i in range(count))
    if "norm" in name or name.endswith(".D"):
        return f32(1 + source.gauss(0, 0.1) for _ in range(count))
    if name.endswith("dt_proj.bias"):
        return f32(source.uniform(-5, -2) for _ in range(count))
    scale = {"conv1d.weight": 0.5, "dt_proj.weight": 0.25}
    size = scale.get(".".join(name.split(".")[-2:]), 0.06)
    return f32(source.gauss(0, size) for _ in range(count))


def make(kinds):
    """The tensors, and the types by the names of the file."""
    source = random.Random(20)
    tensors, types = {}, {}
    for name, shape in shapes().items():
        own = name_in_file(name)
        if stored_f32(own, shape) or shape[-1] == RANK:
            values = vector(name, shape, source)
        else:
            if own not in types:
                types[own] = kinds[len(types) % len(kinds)]
            values = gguf_blocks.some_numbers(source, types[own], math.prod(shape))
        tensors[name] = compare.Tensor(shape, array.array("f", values))
    return tensors, types


def main():
    golden, directory, path, *kinds = sys.argv[1:]
    with open(os.path.join(golden, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    config.update(
        hidden_size=WIDTH,
        intermediate_size=WIDTH,
        num_hidden_layers=LAYERS,
        attn_layer_period=2,
        attn_layer_offset=1,
        num_experts=EXPERTS,
        num_experts_per_tok=1,
        mamba_dt_rank=RANK,
        vocab_size=VOCABULARY,
    )
    tensors, types = make(kinds or list(gguf_blocks.KINDS))
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file)
    compare.save(os.path.join(directory, "model.safetensors"), tensors)
    write_gguf(path, metadata(config), convert(config, tensors, types))
    for name, kind in types.items():
        print(f"{name}: {kind}")


if __name__ == "__main__":
    main()
