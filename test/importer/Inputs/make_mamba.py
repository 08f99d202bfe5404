#!/usr/bin/env python3
"""Writes a tiny Mamba or FalconMamba model directory, sound or broken, for
importer tests.

    make_mamba.py DIRECTORY [CASE]

The model has two layers. Cases: see `CASES`. Standard library only.
"""

import os
import sys

from make_safetensors import Model, rename

H, V, D, N, W, R, LAYERS = 8, 11, 16, 4, 3, 2, 2


def config():
    return {
        "model_type": "mamba",
        "vocab_size": V,
        "hidden_size": H,
        "num_hidden_layers": LAYERS,
        "state_size": N,
        "conv_kernel": W,
        "expand": 2,
        "intermediate_size": D,
        "time_step_rank": R,
        "dtype": "float32",
    }


def tensors():
    t = {"backbone.embeddings.weight": [V, H]}
    for i in range(LAYERS):
        p = f"backbone.layers.{i}."
        m = p + "mixer."
        t[p + "norm.weight"] = [H]
        t[m + "in_proj.weight"] = [2 * D, H]
        t[m + "conv1d.weight"] = [D, 1, W]
        t[m + "conv1d.bias"] = [D]
        t[m + "x_proj.weight"] = [R + 2 * N, D]
        t[m + "dt_proj.weight"] = [D, R]
        t[m + "dt_proj.bias"] = [D]
        t[m + "A_log"] = [D, N]
        t[m + "D"] = [D]
        t[m + "out_proj.weight"] = [H, D]
    t["backbone.norm_f.weight"] = [H]
    return {name: ("F32", shape) for name, shape in t.items()}


class Mamba(Model):
    def __init__(self, path):
        super().__init__(path)
        self.config, self.table = config(), tensors()


def sound(m):
    m.finish()


def falcon(m):
    m.config.update(model_type="falcon_mamba", tie_word_embeddings=False)
    m.table["lm_head.weight"] = ("F32", [V, H])


def falcon_sound(m):
    falcon(m)
    m.finish()


def falcon_expand(m):
    """As falcon-mamba-7b: an `expand` that its tensors do not have."""
    falcon(m)
    m.config["expand"] = 16
    m.finish()


def falcon_width(m):
    """The tensors have the width of `expand`, not that of the other field."""
    falcon(m)
    m.config["intermediate_size"] = 5
    m.finish()


def falcon_no_width(m):
    """They have neither."""
    falcon(m)
    m.config.update(expand=1, intermediate_size=5)
    m.finish()


def falcon_no_head(m):
    falcon(m)
    del m.table["lm_head.weight"]
    m.finish()


def wrong_intermediate(m):
    """transformers ignores the field."""
    m.config["intermediate_size"] = 5
    m.finish()


def wrong_expand(m):
    """The tensors have the other field's width."""
    m.config["expand"] = 4
    m.finish()


def biases(m):
    m.config.update(use_bias=True, use_conv_bias=False)
    for i in range(LAYERS):
        p = f"backbone.layers.{i}.mixer."
        m.table[p + "in_proj.bias"] = ("BF16", [2 * D])
        m.table[p + "out_proj.bias"] = ("BF16", [H])
        del m.table[p + "conv1d.bias"]
    m.finish()


def state_spaces(m):
    """The vocabulary is padded to a multiple of 8; the head is stored, too."""
    m.config = {
        "d_model": H,
        "n_layer": LAYERS,
        "vocab_size": V,
        "ssm_cfg": {"d_state": N, "d_conv": W},
        "rms_norm": True,
        "residual_in_fp32": True,
        "fused_add_norm": True,
        "pad_vocab_size_multiple": 8,
    }
    # ceil(8 / 16) is 1.
    for i in range(LAYERS):
        p = f"backbone.layers.{i}.mixer."
        m.table[p + "x_proj.weight"] = ("F32", [1 + 2 * N, D])
        m.table[p + "dt_proj.weight"] = ("F32", [D, 1])
    rename(m, "backbone.embeddings", "backbone.embedding")
    m.table["backbone.embedding.weight"] = ("F32", [16, H])
    m.table["lm_head.weight"] = ("F32", [16, H])


def state_spaces_sound(m):
    state_spaces(m)
    m.finish()


def state_spaces_vocabulary(m):
    state_spaces(m)
    m.config["pad_vocab_size_multiple"] = 3
    m.finish()


def state_spaces_state(m):
    state_spaces(m)
    m.config["ssm_cfg"]["d_state"] = 5
    m.finish()


def missing(m):
    del m.table["backbone.layers.1.mixer.D"]
    m.finish()


def misspelt(m):
    rename(m, "layers.1.mixer.A_log", "layers.1.mixer.A_Log")
    m.finish()


def no_embedding(m):
    del m.table["backbone.embeddings.weight"]
    m.finish()


def no_head(m):
    m.config["tie_word_embeddings"] = False
    m.finish()


def wrong_shape(m):
    m.table["backbone.layers.1.mixer.x_proj.weight"] = ("F32", [R + N, D])
    m.finish()


def wrong_window(m):
    m.table["backbone.layers.0.mixer.conv1d.weight"] = ("F32", [D, 1, W + 1])
    m.finish()


def too_few_layers(m):
    m.config["num_hidden_layers"] = 1
    m.finish()


CASES = {
    case.__name__.replace("_", "-"): case
    for case in [
        sound,
        falcon_sound,
        falcon_expand,
        falcon_width,
        falcon_no_width,
        falcon_no_head,
        wrong_intermediate,
        wrong_expand,
        biases,
        state_spaces_sound,
        state_spaces_vocabulary,
        state_spaces_state,
        missing,
        misspelt,
        no_embedding,
        no_head,
        wrong_shape,
        wrong_window,
        too_few_layers,
    ]
}


def main():
    path = sys.argv[1]
    case = sys.argv[2] if len(sys.argv) > 2 else "sound"
    os.makedirs(path, exist_ok=True)
    CASES[case](Mamba(path))


if __name__ == "__main__":
    main()
