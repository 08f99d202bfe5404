#!/usr/bin/env python3
"""Copies a quantised model directory with one thing wrong in its header.

  break_quantized.py MODEL OUT CASE
"""

import json
import os
import shutil
import struct
import sys

FIRST = "model.layers.0.self_attn.q_proj.weight"
EXPERT = "model.layers.0.block_sparse_moe.experts.1.w1.weight"


def rename(header, name, other):
    header[other] = header.pop(name)


CASES = {
    "missing-scales": lambda h: rename(h, FIRST + ".scales", FIRST + ".scale"),
    "missing-codes": lambda h: rename(h, FIRST + ".codes", FIRST + ".code"),
    "transposed": lambda h: h[FIRST + ".codes"]["shape"].reverse(),
    "flat-scales": lambda h: h[FIRST + ".scales"]["shape"].insert(0, 1),
    "code-dtype": lambda h: h[FIRST + ".codes"].update(dtype="BOOL"),
    "scale-dtype": lambda h: h[FIRST + ".scales"].update(dtype="I16"),
    "zero-dtype": lambda h: h[FIRST + ".zeros"].update(dtype="I8"),
    "zero-shape": lambda h: h[FIRST + ".zeros"]["shape"].reverse(),
    "mixed-experts": lambda h: h[EXPERT + ".scales"].update(dtype="F16"),
    "other-config": lambda h: None,
}


def main():
    model, out, case = sys.argv[1:]
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(model, out)
    path = os.path.join(out, "model.safetensors")
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    CASES[case](header)
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)
    if case == "other-config":
        path = os.path.join(out, "config.json")
        with open(path, encoding="utf-8") as file:
            config = json.load(file)
        config["hidden_size"] *= 2
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file)


if __name__ == "__main__":
    main()
