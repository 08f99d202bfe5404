#!/usr/bin/env python3
"""Writes a golden of the families mamba and mamba2 in the spelling of the original
state-spaces repository: its fields in config.json, its name of the embedding.

  make_state_spaces.py GOLDEN DIRECTORY

config.json says as little as the repository's own files do; config.hub.json
spells everything out. Standard library only.
"""

import json
import math
import os
import shutil
import struct
import sys

RENAMED = {"backbone.embeddings.weight": "backbone.embedding.weight"}


def rename_tensors(source, target):
    """A copy of a safetensors file with other names; the data stays."""
    with open(source, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(size)), file.read()
    header = {RENAMED.get(name, name): entry for name, entry in header.items()}
    text = json.dumps(header).encode()
    with open(target, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def mixers(hf):
    """What the short and the full spelling say of the mixer."""
    full = {
        "d_state": hf["state_size"],
        "d_conv": hf["conv_kernel"],
        "expand": hf["expand"],
        "conv_bias": hf["use_conv_bias"],
        "bias": hf["use_bias"],
    }
    if hf["model_type"] == "mamba":
        return {}, dict(full, layer="Mamba1", dt_rank=hf["time_step_rank"])
    short = {"layer": "Mamba2", "d_state": hf["state_size"], "headdim": hf["head_dim"]}
    full.update(
        short,
        ngroups=hf["n_groups"],
        rmsnorm=True,
        norm_before_gate=False,
        D_has_hdim=False,
        dt_limit=[0.0, math.inf],
    )
    return short, full


def configs(hf):
    """The short and the full spelling of a Hugging Face config."""
    short_mixer, full_mixer = mixers(hf)
    short = {
        "d_model": hf["hidden_size"],
        "n_layer": hf["num_hidden_layers"],
        "vocab_size": hf["vocab_size"],
        "ssm_cfg": short_mixer,
        "rms_norm": True,
        "residual_in_fp32": hf["residual_in_fp32"],
        "fused_add_norm": True,
        "pad_vocab_size_multiple": 1,
    }
    if not hf["tie_word_embeddings"]:
        short["tie_embeddings"] = False
    full = dict(
        short,
        model_type=hf["model_type"],
        d_intermediate=0,
        attn_layer_idx=[],
        attn_cfg={},
        tie_embeddings=hf["tie_word_embeddings"],
        ssm_cfg=full_mixer,
    )
    return {"config.json": short, "config.hub.json": full}


def main():
    golden, directory = sys.argv[1:]
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(golden, "config.json"), encoding="utf-8") as file:
        hf = json.load(file)
    for name, config in configs(hf).items():
        with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
            json.dump(config, file, indent=1)
    for name in os.listdir(golden):
        source, target = os.path.join(golden, name), os.path.join(directory, name)
        if name.startswith("golden."):
            shutil.copyfile(source, target)
        elif name.endswith(".safetensors"):
            rename_tensors(source, target)


if __name__ == "__main__":
    main()
