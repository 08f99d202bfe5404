#!/usr/bin/env python3
"""Writes a golden of the family mamba in the spelling of the original
state-spaces repository: its fields in config.json, its name of the embedding.

  make_state_spaces.py GOLDEN DIRECTORY

config.json says as little as the repository's own files do; config.hub.json
spells everything out. Standard library only.
"""

import json
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


def configs(hf):
    """The short and the full spelling of a Hugging Face config."""
    short = {
        "d_model": hf["hidden_size"],
        "n_layer": hf["num_hidden_layers"],
        "vocab_size": hf["vocab_size"],
        "ssm_cfg": {},
        "rms_norm": True,
        "residual_in_fp32": hf["residual_in_fp32"],
        "fused_add_norm": True,
        "pad_vocab_size_multiple": 1,
    }
    full = dict(
        short,
        model_type="mamba",
        d_intermediate=0,
        attn_layer_idx=[],
        attn_cfg={},
        tie_embeddings=hf["tie_word_embeddings"],
        ssm_cfg={
            "layer": "Mamba1",
            "d_state": hf["state_size"],
            "d_conv": hf["conv_kernel"],
            "expand": hf["expand"],
            "dt_rank": hf["time_step_rank"],
            "conv_bias": hf["use_conv_bias"],
            "bias": hf["use_bias"],
        },
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
