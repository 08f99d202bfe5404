#!/usr/bin/env python3
"""Writes a tiny Jamba model directory, sound or broken, for importer tests.

    make_safetensors.py DIRECTORY [CASE]

The model has four layers, one of each kind: mamba+dense, mamba+moe,
attention+dense, mamba+moe. Cases: see `CASES`. Standard library only.
"""

import json
import os
import struct
import sys

H, I, V, D, N, W, R, E = 8, 6, 11, 16, 4, 3, 2, 2
BYTES = {"F32": 4, "BF16": 2, "F16": 2, "I64": 8}


def config():
    return {
        "model_type": "jamba",
        "vocab_size": V,
        "hidden_size": H,
        "intermediate_size": I,
        "num_hidden_layers": 4,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "attn_layer_period": 4,
        "attn_layer_offset": 2,
        "num_experts": E,
        "num_experts_per_tok": 1,
        "expert_layer_period": 2,
        "expert_layer_offset": 1,
        "mamba_d_state": N,
        "mamba_d_conv": W,
        "mamba_expand": 2,
        "mamba_dt_rank": R,
        "tie_word_embeddings": False,
        "dtype": "float32",
        "bos_token_id": 1,
        "eos_token_id": [2, 5],
    }


def tensors():
    """Name -> (dtype, shape), as save_pretrained writes them."""
    t = {"model.embed_tokens.weight": [V, H]}
    for i in range(4):
        p = f"model.layers.{i}."
        t[p + "input_layernorm.weight"] = [H]
        t[p + "pre_ff_layernorm.weight"] = [H]
        if i == 2:
            a = p + "self_attn."
            t[a + "q_proj.weight"] = [H, H]
            t[a + "k_proj.weight"] = [H // 2, H]
            t[a + "v_proj.weight"] = [H // 2, H]
            t[a + "o_proj.weight"] = [H, H]
        else:
            m = p + "mamba."
            t[m + "in_proj.weight"] = [2 * D, H]
            t[m + "conv1d.weight"] = [D, 1, W]
            t[m + "conv1d.bias"] = [D]
            t[m + "x_proj.weight"] = [R + 2 * N, D]
            t[m + "dt_proj.weight"] = [D, R]
            t[m + "dt_proj.bias"] = [D]
            t[m + "dt_layernorm.weight"] = [R]
            t[m + "b_layernorm.weight"] = [N]
            t[m + "c_layernorm.weight"] = [N]
            t[m + "A_log"] = [D, N]
            t[m + "D"] = [D]
            t[m + "out_proj.weight"] = [H, D]
        f = p + "feed_forward."
        if i % 2:
            t[f + "router.weight"] = [E, H]
        for e in [f"experts.{k}." for k in range(E)] if i % 2 else [""]:
            t[f + e + "gate_proj.weight"] = [I, H]
            t[f + e + "up_proj.weight"] = [I, H]
            t[f + e + "down_proj.weight"] = [H, I]
    t["model.final_layernorm.weight"] = [H]
    t["lm_head.weight"] = [V, H]
    return {name: ("F32", shape) for name, shape in t.items()}


def size(dtype, shape):
    n = BYTES[dtype]
    for d in shape:
        n *= d
    return n


def header(table):
    out, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, (dtype, shape) in table.items():
        end = offset + size(dtype, shape)
        out[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, end]}
        offset = end
    return out, offset


def pack(text, data_size):
    raw = text if isinstance(text, bytes) else json.dumps(text).encode()
    raw += b" " * (-len(raw) % 8)
    return struct.pack("<Q", len(raw)) + raw + bytes(data_size)


class Model:
    def __init__(self, path):
        self.path, self.config, self.table = path, config(), tensors()

    def write(self, name, data):
        with open(os.path.join(self.path, name), "wb") as f:
            f.write(data if isinstance(data, bytes) else json.dumps(data).encode())

    def finish(self, edit=lambda h: None):
        self.write("config.json", self.config)
        h, n = header(self.table)
        edit(h)
        self.write("model.safetensors", pack(h, n))

    def raw(self, data):
        self.write("config.json", self.config)
        self.write("model.safetensors", data)


def rename(m, old, new):
    m.table = {k.replace(old, new): v for k, v in m.table.items()}


def sound(m):
    m.finish()


def bf16(m):
    m.table = {k: ("BF16", s) for k, (_, s) in m.table.items()}
    m.finish()


def mixed_layers(m):
    """One layer's weight in another type: it needs a function of its own."""
    name = "model.layers.3.mamba.in_proj.weight"
    m.table[name] = ("BF16", m.table[name][1])
    m.finish()


def tied(m):
    m.config["tie_word_embeddings"] = True
    del m.table["lm_head.weight"]
    m.finish()


def no_head(m):
    del m.table["lm_head.weight"]
    m.finish()


def missing(m):
    del m.table["model.layers.3.mamba.D"]
    m.finish()


def misspelt(m):
    rename(m, "model.layers.3.mamba.A_log", "model.layers.3.mamba.A_Log")
    m.finish()


def wrong_shape(m):
    m.table["model.layers.3.mamba.A_log"] = ("F32", [D, N // 2])
    m.finish()


def wrong_dtype(m):
    m.table["model.layers.0.mamba.D"] = ("I64", [D])
    m.finish()


def mixed_experts(m):
    name = "model.layers.1.feed_forward.experts.1.up_proj.weight"
    m.table[name] = ("BF16", m.table[name][1])
    m.finish()


def fused(m):
    for i in (1, 3):
        p = f"model.layers.{i}.feed_forward.experts."
        for name in [n for n in m.table if n.startswith(p)]:
            del m.table[name]
        m.table[p + "gate_up_proj"] = ("BF16", [E, 2 * I, H])
        m.table[p + "down_proj"] = ("BF16", [E, H, I])
    m.finish()


def old_names(m):
    rename(m, "pre_ff_layernorm", "pre_moe_layernorm")
    rename(m, "feed_forward.experts", "moe.experts")
    rename(m, "feed_forward.router", "moe.router")
    rename(m, "feed_forward.", "moe.experts.0.")
    m.finish()


def kinds(m):
    m.config["attn_layer_offset"] = 1
    m.finish()


def too_few_layers(m):
    m.config["num_hidden_layers"] = 3
    m.finish()


def extra(m):
    m.table["model.layers.2.self_attn.rotary_emb.inv_freq"] = ("F32", [2])
    m.finish()


def shard(m, drop=None, wrong=None, traverse=None):
    m.write("config.json", m.config)
    names, files = list(m.table), {}
    for k in range(3):
        file = f"model-0000{k + 1}-of-00003.safetensors"
        part = {n: m.table[n] for n in names[k::3]}
        files.update({n: file for n in part})
        if k != drop:
            m.write(file, pack(*header(part)))
    if wrong:
        files[wrong] = "model-00001-of-00003.safetensors"
    if traverse:
        files[traverse] = "../secret.safetensors"
    m.write("model.safetensors.index.json", {"metadata": {}, "weight_map": files})


def truncated(m):
    h, n = header(m.table)
    m.raw(pack(h, n - 100))


def truncated_header(m):
    h, n = header(m.table)
    m.raw(pack(h, n)[:200])


def overlap(m):
    def edit(h):
        begin, end = h["lm_head.weight"]["data_offsets"]
        h["lm_head.weight"]["data_offsets"] = [begin - 4, end - 4]

    m.finish(edit)


def overflow(m):
    def edit(h):
        h["lm_head.weight"]["shape"] = [1 << 62, 1 << 62, 16]

    m.finish(edit)


def negative(m):
    def edit(h):
        h["lm_head.weight"]["data_offsets"] = [-8, 8]

    m.finish(edit)


def twice(m):
    h, n = header(m.table)
    text = json.dumps(h)
    m.raw(pack((text[:-1] + ', "lm_hea\\u0064.weight": {}}').encode(), n))


def directory(m):
    m.write("config.json", m.config)
    os.makedirs(os.path.join(m.path, "model.safetensors"), exist_ok=True)


CASES = {
    "sound": sound,
    "bf16": bf16,
    "mixed-layers": mixed_layers,
    "tied": tied,
    "no-head": no_head,
    "missing": missing,
    "misspelt": misspelt,
    "wrong-shape": wrong_shape,
    "wrong-dtype": wrong_dtype,
    "mixed-experts": mixed_experts,
    "fused": fused,
    "old-names": old_names,
    "kinds": kinds,
    "too-few-layers": too_few_layers,
    "extra": extra,
    "sharded": shard,
    "missing-shard": lambda m: shard(m, drop=1),
    "wrong-shard": lambda m: shard(m, wrong="model.layers.0.mamba.D"),
    "traversal": lambda m: shard(m, traverse="lm_head.weight"),
    "truncated": truncated,
    "truncated-header": truncated_header,
    "empty": lambda m: m.raw(b""),
    "hostile-length": lambda m: m.raw(b"\xff" * 16),
    "long-length": lambda m: m.raw(struct.pack("<Q", 5000) + b"{}"),
    "not-json": lambda m: m.raw(pack(b"{nonsense", 0)),
    "deep": lambda m: m.raw(pack(b'{"a":' + b"[" * 100000, 0)),
    "not-an-object": lambda m: m.raw(pack(b"[1]", 0)),
    "overlap": overlap,
    "overflow": overflow,
    "negative": negative,
    "twice": twice,
    "directory": directory,
}


def main():
    path = sys.argv[1]
    case = sys.argv[2] if len(sys.argv) > 2 else "sound"
    os.makedirs(path, exist_ok=True)
    CASES[case](Model(path))


if __name__ == "__main__":
    main()
