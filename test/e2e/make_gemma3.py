#!/usr/bin/env python3
"""Writes a golden of gemma3_text as published Gemma 3 checkpoints are: the
config in text_config, another prefix of the tensors, and a part for images.

  make_gemma3.py GOLDEN DIRECTORY
"""

import array
import json
import os
import shutil
import sys

import compare

# Such as have the name of a layer's tensor, too.
VISION = {
    "vision_tower.vision_model.encoder.layers.0.self_attn.q_proj.weight": [4, 4],
    "vision_tower.vision_model.embeddings.patch_embedding.weight": [4, 3, 2, 2],
    "multi_modal_projector.mm_soft_emb_norm.weight": [4],
}


def main():
    golden, directory = sys.argv[1:]
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(golden, "config.json"), encoding="utf-8") as file:
        text = json.load(file)
    # Published files say what differs from the class.
    text = {name: value for name, value in text.items() if value is not None}
    config = {
        "model_type": "gemma3",
        "bos_token_id": text.pop("bos_token_id"),
        "eos_token_id": [text.pop("eos_token_id"), 40],
        "text_config": text,
        "vision_config": {"model_type": "siglip_vision_model", "hidden_size": 4},
    }
    with open(os.path.join(directory, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file)
    tensors = compare.load(os.path.join(golden, "model.safetensors"))
    tensors = {f"language_model.{name}": tensor for name, tensor in tensors.items()}
    for name, shape in VISION.items():
        size = 1
        for extent in shape:
            size *= extent
        tensors[name] = compare.Tensor(shape, array.array("f", [1.0] * size))
    compare.save(os.path.join(directory, "model.safetensors"), tensors)
    for name in ("golden.json", "golden.safetensors"):
        shutil.copyfile(os.path.join(golden, name), os.path.join(directory, name))


if __name__ == "__main__":
    main()
