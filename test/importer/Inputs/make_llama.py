#!/usr/bin/env python3
"""Writes a tiny Llama or Mixtral model directory, sound or broken, for importer
tests.

    make_llama.py DIRECTORY [CASE]

The model has two layers. Cases: see `CASES`. Standard library only.
"""

import os
import sys

from make_safetensors import Model, rename

H, I, V, HEADS, KEYS, SIZE, E, LAYERS = 8, 6, 11, 2, 1, 4, 3, 2


def config():
    return {
        "model_type": "llama",
        "vocab_size": V,
        "hidden_size": H,
        "intermediate_size": I,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KEYS,
        "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"},
    }


def tensors(size=SIZE):
    t = {"model.embed_tokens.weight": [V, H]}
    for i in range(LAYERS):
        p = f"model.layers.{i}."
        a, m = p + "self_attn.", p + "mlp."
        t[p + "input_layernorm.weight"] = [H]
        t[p + "post_attention_layernorm.weight"] = [H]
        t[a + "q_proj.weight"] = [HEADS * size, H]
        t[a + "k_proj.weight"] = [KEYS * size, H]
        t[a + "v_proj.weight"] = [KEYS * size, H]
        t[a + "o_proj.weight"] = [H, HEADS * size]
        t[m + "gate_proj.weight"] = [I, H]
        t[m + "up_proj.weight"] = [I, H]
        t[m + "down_proj.weight"] = [H, I]
    t["model.norm.weight"] = [H]
    t["lm_head.weight"] = [V, H]
    return {name: ("F32", shape) for name, shape in t.items()}


class Llama(Model):
    def __init__(self, path):
        super().__init__(path)
        self.config, self.table = config(), tensors()


def sound(m):
    m.finish()


def tied(m):
    m.config["tie_word_embeddings"] = True
    del m.table["lm_head.weight"]
    m.finish()


def head_dim(m):
    """Heads wider than hidden_size / num_attention_heads."""
    m.config["head_dim"] = 6
    m.table = tensors(6)
    m.finish()


def biases(m):
    m.config.update(attention_bias=True, mlp_bias=True)
    for i in range(LAYERS):
        p = f"model.layers.{i}."
        for name, size in (("q", H), ("k", SIZE), ("v", SIZE), ("o", H)):
            m.table[p + f"self_attn.{name}_proj.bias"] = ("F32", [size])
        for name, size in (("gate", I), ("up", I), ("down", H)):
            m.table[p + f"mlp.{name}_proj.bias"] = ("F32", [size])
    m.finish()


def no_biases(m):
    m.config["attention_bias"] = True
    m.finish()


def old_extra(m):
    """Old files store the frequencies, too."""
    m.table["model.layers.0.self_attn.rotary_emb.inv_freq"] = ("F32", [2])
    m.finish()


def too_few_layers(m):
    m.config["num_hidden_layers"] = 1
    m.finish()


def misspelt(m):
    rename(m, "layers.1.post_attention_layernorm", "layers.1.post_attn_layernorm")
    m.finish()


def mixtral(m):
    m.config.update(model_type="mixtral", num_local_experts=E, sliding_window=5)
    for i in range(LAYERS):
        p = f"model.layers.{i}."
        for name in ("gate", "up", "down"):
            del m.table[p + f"mlp.{name}_proj.weight"]
        p += "block_sparse_moe."
        m.table[p + "gate.weight"] = ("F32", [E, H])
        for e in range(E):
            m.table[p + f"experts.{e}.w1.weight"] = ("F32", [I, H])
            m.table[p + f"experts.{e}.w2.weight"] = ("F32", [H, I])
            m.table[p + f"experts.{e}.w3.weight"] = ("F32", [I, H])


def mixtral_sound(m):
    mixtral(m)
    m.finish()


def mixtral_missing(m):
    mixtral(m)
    del m.table["model.layers.1.block_sparse_moe.experts.2.w3.weight"]
    m.finish()


def mixtral_router(m):
    mixtral(m)
    m.table["model.layers.0.block_sparse_moe.gate.weight"] = ("F32", [E + 1, H])
    m.finish()


CASES = {
    case.__name__.replace("_", "-"): case
    for case in [
        sound,
        tied,
        head_dim,
        biases,
        no_biases,
        old_extra,
        too_few_layers,
        misspelt,
        mixtral_sound,
        mixtral_missing,
        mixtral_router,
    ]
}


def main():
    path = sys.argv[1]
    case = sys.argv[2] if len(sys.argv) > 2 else "sound"
    os.makedirs(path, exist_ok=True)
    CASES[case](Llama(path))


if __name__ == "__main__":
    main()
