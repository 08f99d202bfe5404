#!/usr/bin/env python3
"""Compares the frequencies, and the factor of cosines and sines, that the importer
makes of a config with transformers' own.

  check_rotations.py MARIMBA OPS WORK

OPS is the folder of ops2_golden: its rope_table cases become configs of a llama
in both spellings, and GGUF files where these can say the same, of which
`marimba compile --stop-after=import` shows the table.
"""

import json
import math
import os
import re
import subprocess
import sys

import compare
from gguf_file import FLOAT32, STRING, UINT32, write_gguf

FREQUENCY_TOLERANCE = 5e-7  # relative: f32 in another order
FACTOR_TOLERANCE = 1e-12


def read_table(marimba, model):
    """The frequencies and the factor of a model's positions."""
    command = [marimba, "compile", model, "--emit=mlir", "--stop-after=import"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    table = re.search(r"(%\w+):2 = marimba.rotary_table .*array<f32: ([^>]*)>", text)
    frequencies = [float(number) for number in table.group(2).split(",")]
    scale = rf"marimba.scale {table.group(1)}#\d by\(([^)]*)\)"
    factors = [float(number) for number in re.findall(scale, text)] or [1.0, 1.0]
    return frequencies, factors


def configs(facts):
    """The case in the spelling of transformers 5, and in that of before."""
    model = {
        "model_type": "llama",
        "hidden_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "head_dim": facts["rotary_dim"],
    }
    scaling = {"rope_type": facts["rope_type"], **facts["parameters"]}
    theta = facts["rope_theta"]
    yield "new", {**model, "rope_parameters": {"rope_theta": theta, **scaling}}
    yield "old", {**model, "rope_theta": theta, "rope_scaling": scaling}


def write_config(directory, config):
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file)
    return directory


def write_file(path, facts):
    """The case as a GGUF file of zeros; none where it has no such keys."""
    kind, parameters = facts["rope_type"], facts["parameters"]
    if kind == "llama3" or {"truncate", "attention_factor"} & set(parameters):
        return None
    size, hidden = facts["rotary_dim"], 8
    keys = {
        "general.architecture": (STRING, "llama"),
        "llama.context_length": (UINT32, 128),
        "llama.embedding_length": (UINT32, hidden),
        "llama.block_count": (UINT32, 1),
        "llama.feed_forward_length": (UINT32, hidden),
        "llama.attention.head_count": (UINT32, 1),
        "llama.attention.key_length": (UINT32, size),
        "llama.attention.layer_norm_rms_epsilon": (FLOAT32, 1e-5),
        "llama.rope.freq_base": (FLOAT32, facts["rope_theta"]),
    }
    if kind != "default":
        keys["llama.rope.scaling.type"] = (STRING, kind)
        keys["llama.rope.scaling.factor"] = (FLOAT32, parameters["factor"])
    if kind == "yarn":
        length = parameters["original_max_position_embeddings"]
        keys["llama.rope.scaling.original_context_length"] = (UINT32, length)
    shapes = {name: [hidden] for name in ("attn_norm", "ffn_norm")}
    shapes.update({f"attn_{n}": [size, hidden] for n in "qkv"})
    shapes["attn_output"] = [hidden, size]
    shapes.update({f"ffn_{n}": [hidden, hidden] for n in ("gate", "up", "down")})
    shapes = {f"blk.0.{name}.weight": shape for name, shape in shapes.items()}
    shapes["token_embd.weight"] = [5, hidden]
    shapes["output_norm.weight"] = [hidden]
    tensors = {
        name: (shape, "F32", bytes(4 * math.prod(shape)))
        for name, shape in shapes.items()
    }
    write_gguf(path, keys, tensors)
    return path


def main():
    marimba, ops, work = sys.argv[1:]
    golden = compare.load(os.path.join(ops, "ops2_golden.safetensors"))
    with open(os.path.join(ops, "ops2_golden.json"), encoding="utf-8") as file:
        cases = json.load(file)
    report = compare.Report()
    for name, facts in cases.items():
        if not name.startswith("rope_table."):
            continue
        expected = golden[f"{name}.out.inv_freq"].values
        path = os.path.join(work, name)
        models = {
            spelling: write_config(f"{path}.{spelling}", config)
            for spelling, config in configs(facts)
        }
        models["gguf"] = write_file(f"{path}.gguf", facts)
        for spelling, model in models.items():
            if not model:
                continue
            found, factors = read_table(marimba, model)
            good = len(found) == len(expected) and len(factors) == 2
            worst = max((abs(a - b) / a for a, b in zip(expected, found)), default=1)
            good = good and worst <= FREQUENCY_TOLERANCE
            label = f"{name} {spelling}"
            report.row(f"{label}: frequencies", f"{worst:.3e}", good)
            factor = facts["factor_on_cos_sin"]
            off = max(abs(factor - other) for other in factors)
            report.row(f"{label}: factor", f"{off:.3e}", off <= FACTOR_TOLERANCE)
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
