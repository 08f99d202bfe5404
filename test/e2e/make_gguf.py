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
import struct

import compare

ALIGNMENT = 32
TYPES = {"F32": 0, "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q5_0": 6, "Q5_1": 7, "Q8_0": 8}
TYPES["BF16"] = 30
BLOCK = 32
# Of those that begin with f16 numbers and end with 16 bytes of low halves of
# codes: bits of a code, and whether there is a minimum.
HALVES = {"Q4_0": (4, False), "Q4_1": (4, True), "Q5_0": (5, False), "Q5_1": (5, True)}
# Value types of the metadata.
UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY, UINT64 = 4, 5, 6, 7, 8, 9, 10
FORMATS = {UINT32: "<I", INT32: "<i", FLOAT32: "<f", BOOL: "<B", UINT64: "<Q"}

ATTENTION = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "input_layernorm": "attn_norm",
}
MIXER = {
    "in_proj": "ssm_in",
    "conv1d": "ssm_conv1d",
    "x_proj": "ssm_x",
    "dt_proj": "ssm_dt",
    "A_log": "ssm_a",
    "D": "ssm_d",
    "out_proj": "ssm_out",
}
MIXER2 = {
    "in_proj": "ssm_in",
    "conv1d": "ssm_conv1d",
    "dt_bias": "ssm_dt.bias",
    "A_log": "ssm_a",
    "D": "ssm_d",
    "norm": "ssm_norm",
    "out_proj": "ssm_out",
}
# By family: names of parts of a layer, and around the layers.
PARTS = {
    "llama": {
        **ATTENTION,
        "post_attention_layernorm": "ffn_norm",
        **{f"mlp.{n}_proj": f"ffn_{n}" for n in ("gate", "up", "down")},
    },
    "mixtral": {
        **ATTENTION,
        "post_attention_layernorm": "ffn_norm",
        "block_sparse_moe.gate": "ffn_gate_inp",
        "block_sparse_moe.experts.w1": "ffn_gate_exps",
        "block_sparse_moe.experts.w3": "ffn_up_exps",
        "block_sparse_moe.experts.w2": "ffn_down_exps",
    },
    "jamba": {
        **ATTENTION,
        **{f"mamba.{n}": gguf for n, gguf in MIXER.items()},
        **{f"mamba.{n}_layernorm": f"ssm_{n}_norm" for n in ("dt", "b", "c")},
        "pre_ff_layernorm": "ffn_norm",
        "feed_forward.router": "ffn_gate_inp",
        **{f"feed_forward.{n}_proj": f"ffn_{n}" for n in ("gate", "up", "down")},
        **{
            f"feed_forward.experts.{n}_proj": f"ffn_{n}_exps"
            for n in ("gate", "up", "down")
        },
    },
    "mamba": {**{f"mixer.{n}": g for n, g in MIXER.items()}, "norm": "attn_norm"},
    "nemotron_h": {
        "norm": "attn_norm",
        **{f"mixer.{n}": g for n, g in MIXER2.items()},
        **{f"mixer.{n}_proj": f"attn_{n}" for n in "qkv"},
        "mixer.o_proj": "attn_output",
        "mixer.gate": "ffn_gate_inp",
        "mixer.gate.e_score_correction_bias": "exp_probs_b.bias",
        "mixer.fc1_latent_proj": "ffn_latent_down",
        "mixer.fc2_latent_proj": "ffn_latent_up",
        **{
            f"mixer.{group}{n}_proj": f"ffn_{n}{suffix}"
            for group, suffix in (
                ("", ""),
                ("experts.", "_exps"),
                ("shared_experts.", "_shexp"),
            )
            for n in ("up", "down")
        },
    },
}
PARTS["falcon_mamba"] = PARTS["mamba"]
PARTS["falcon_h1"] = {
    **ATTENTION,
    **{f"mamba.{n}": gguf for n, gguf in MIXER2.items()},
    "pre_ff_layernorm.weight": "ffn_norm",  # the converter loses the suffix
    **{f"feed_forward.{n}_proj": f"ffn_{n}" for n in ("gate", "up", "down")},
}
PARTS["mamba2"] = {**{f"mixer.{n}": g for n, g in MIXER2.items()}, "norm": "attn_norm"}
HYBRID = {**ATTENTION, **{f"mamba.{n}": g for n, g in MIXER2.items()}}
PARTS["bamba"] = {
    **HYBRID,
    "pre_ff_layernorm": "ffn_norm",
    **{f"feed_forward.{n}_proj": f"ffn_{n}" for n in ("gate", "up", "down")},
}
PARTS["granitemoehybrid"] = {
    **HYBRID,
    "post_attention_layernorm": "ffn_norm",
    "block_sparse_moe.router.layer": "ffn_gate_inp",
    # In two parts there, of one type.
    **{f"block_sparse_moe.{n}": "ffn_gate_exps" for n in ("gate", "input_linear")},
    "block_sparse_moe.up": "ffn_up_exps",
    "block_sparse_moe.output_linear": "ffn_down_exps",
    **{f"shared_mlp.{n}": "ffn_gate_shexp" for n in ("gate", "input_linear")},
    "shared_mlp.up": "ffn_up_shexp",
    "shared_mlp.output_linear": "ffn_down_shexp",
}
ENDS = {
    "model.embed_tokens.weight": "token_embd.weight",
    "backbone.embeddings.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "model.final_layernorm.weight": "output_norm.weight",
    "backbone.norm_f.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}
# The field that says how many groups of heads share B and C.
GROUPS = {
    "nemotron_h": "n_groups",
    "mamba2": "n_groups",
    "bamba": "mamba_n_groups",
    "granitemoehybrid": "mamba_n_groups",
    "falcon_h1": "mamba_n_groups",
}
KEPT_F32 = ("ssm_a", "ssm_conv1d", "ffn_gate_inp")


def read_model(golden):
    """The config and all tensors of a model directory."""
    with open(os.path.join(golden, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    tensors = {}
    for name in sorted(os.listdir(golden)):
        if name.endswith(".safetensors") and not name.startswith("golden."):
            tensors.update(compare.load(os.path.join(golden, name)))
    return config, tensors


def f32(values):
    return array.array("f", values)


def encode(values, kind):
    """The bytes of numbers in a type of GGUF."""
    if kind == "F32":
        return f32(values).tobytes()
    if kind == "F16":
        return struct.pack(f"<{len(values)}e", *values)
    if kind == "BF16":
        bits = array.array("I", f32(values).tobytes())
        # To the nearest, ties to even.
        return array.array(
            "H", ((b + 0x7FFF + (b >> 16 & 1)) >> 16 for b in bits)
        ).tobytes()
    out = bytearray()
    for at in range(0, len(values), BLOCK):
        block = values[at : at + BLOCK]
        if kind == "Q8_0":
            scale = max(map(abs, block)) / 127
            inverse = 1 / scale if scale else 0
            out += struct.pack("<e", scale)
            out += struct.pack("<32b", *(round(v * inverse) for v in block))
            continue
        bits, has_minimum = HALVES[kind]
        least, most = min(block), 2**bits - 1
        scale = (max(block) - least) / most
        if not has_minimum:
            scale = -max(block, key=abs) / 2 ** (bits - 1)
            least = -(2 ** (bits - 1)) * scale
        inverse = 1 / scale if scale else 0
        q = [min(most, max(0, int((v - least) * inverse + 0.5))) for v in block]
        out += struct.pack("<ee", scale, least) if has_minimum else struct.pack("<e", scale)
        if bits == 5:
            out += struct.pack("<I", sum((code >> 4) << i for i, code in enumerate(q)))
        out += bytes(q[i] & 15 | (q[i + 16] & 15) << 4 for i in range(16))
    return bytes(out)


def decode(raw, kind):
    """The numbers that `encode` has left."""
    if kind == "F32":
        return array.array("f", raw)
    if kind == "F16":
        return f32(v for (v,) in struct.iter_unpack("<e", raw))
    if kind == "BF16":
        wide = array.array("I", (h << 16 for h in array.array("H", raw)))
        return array.array("f", wide.tobytes())
    values = array.array("f")
    bits, has_minimum = HALVES.get(kind, (8, False))
    size = 2 + 2 * has_minimum + BLOCK * bits // 8
    for at in range(0, len(raw), size):
        (scale,) = struct.unpack_from("<e", raw, at)
        least = 0.0
        if kind == "Q8_0":
            q = struct.unpack_from("<32b", raw, at + 2)
        else:
            data = raw[at + size - 16 : at + size]
            q = [b & 15 for b in data] + [b >> 4 for b in data]
            if bits == 5:
                (top,) = struct.unpack_from("<I", raw, at + size - 20)
                q = [code | (top >> i & 1) << 4 for i, code in enumerate(q)]
            if has_minimum:
                (least,) = struct.unpack_from("<e", raw, at + 2)
            else:
                q = [code - 2 ** (bits - 1) for code in q]
        values.extend(scale * v + least for v in q)
    return values


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


def gguf_name(name, parts):
    if name in ENDS:
        return ENDS[name]
    _, _, index, part = name.split(".", 3)
    if part in parts:  # A_log, D
        return f"blk.{index}.{parts[part]}"
    stem, suffix = part.rsplit(".", 1)
    return f"blk.{index}.{parts[stem]}.{suffix}"


def convert(config, tensors, kind):
    """The tensors of the file, by name: shape, type, bytes."""
    family = config["model_type"]
    heads = config.get("num_attention_heads")
    key_heads = config.get("num_key_value_heads") or heads
    result = {}
    for name, tensor in stack_experts(split_gate_up(tensors)).items():
        gguf = gguf_name(name, PARTS[family])
        values = f32(tensor.values)
        tensor = compare.Tensor(tensor.shape, values)
        if name.endswith("A_log"):
            tensor.values = f32(-math.exp(v) for v in values)
        if family == "falcon_h1":
            tensor.values = multiply(config, name, tensor)
        if ".conv1d.weight" in name:
            tensor.shape = [tensor.shape[0], tensor.shape[2]]
        if family in ("llama", "mixtral", "bamba", "granitemoehybrid"):
            if ".q_proj." in name:
                tensor = interleave(tensor, heads)
            if ".k_proj." in name:
                tensor = interleave(tensor, key_heads)
        own = kind
        if stored_f32(gguf, tensor.shape):
            own = "F32"
        elif kind.startswith("Q") and tensor.shape[-1] % BLOCK:
            own = "F16"
        if family in GROUPS:
            groups = config.get(GROUPS[family])
            tensor.shape = shape_of_vector(gguf, tensor.shape, groups)
        result[gguf] = (tensor.shape, own, encode(tensor.values, own))
    if config.get("tie_word_embeddings"):
        result.pop("output.weight", None)
    return result


def common_keys(config, arch, layers):
    """What all architectures have."""
    epsilon = config.get("rms_norm_eps", config.get("layer_norm_epsilon"))
    return {
        "general.architecture": (STRING, arch),
        "general.name": (STRING, config["model_type"]),
        "general.alignment": (UINT32, ALIGNMENT),
        f"{arch}.context_length": (UINT32, 4096),
        f"{arch}.embedding_length": (UINT32, config["hidden_size"]),
        f"{arch}.block_count": (UINT32, layers),
        f"{arch}.attention.layer_norm_rms_epsilon": (FLOAT32, epsilon),
        "tokenizer.ggml.bos_token_id": (UINT32, config["bos_token_id"]),
        "tokenizer.ggml.eos_token_id": (UINT32, config["eos_token_id"]),
    }


def mixer2_keys(arch, window, state, heads, head_dim, groups):
    """Of a mixer with a matrix state; the heads are its "rank"."""
    sizes = {
        "conv_kernel": window,
        "state_size": state,
        "time_step_rank": heads,
        "inner_size": heads * head_dim,
        "group_count": groups,
    }
    return {f"{arch}.ssm.{name}": (UINT32, size) for name, size in sizes.items()}


def nemotron_keys(config):
    """The architecture is another where there are experts."""
    types = config["layers_block_type"]
    moe = "moe" in types
    arch = "nemotron_h_moe" if moe else "nemotron_h"
    keys = common_keys(config, arch, len(types))
    names = ("conv_kernel", "ssm_state_size", "mamba_num_heads", "mamba_head_dim")
    keys.update(mixer2_keys(arch, *(config[n] for n in names), config["n_groups"]))

    def each(type, value):
        return (ARRAY, (INT32, [value if t == type else 0 for t in types]))

    width = config["moe_intermediate_size" if moe else "intermediate_size"]
    own = {
        "feed_forward_length": each("moe" if moe else "mlp", width),
        "attention.head_count": (UINT32, config["num_attention_heads"]),
        "attention.head_count_kv": each(
            "full_attention", config["num_key_value_heads"]
        ),
        "attention.key_length": (UINT32, config["head_dim"]),
        "attention.value_length": (UINT32, config["head_dim"]),
    }
    if moe:
        own["expert_weights_norm"] = (BOOL, config["norm_topk_prob"])
        own["expert_weights_scale"] = (FLOAT32, config["routed_scaling_factor"])
        for key, field in {
            "expert_count": "n_routed_experts",
            "expert_used_count": "num_experts_per_tok",
            "expert_shared_count": "n_shared_experts",
            "expert_feed_forward_length": "moe_intermediate_size",
            "expert_shared_feed_forward_length": "moe_shared_expert_intermediate_size",
            "expert_group_count": "n_group",
            "expert_group_used_count": "topk_group",
            "moe_latent_size": "moe_latent_size",
        }.items():
            if config.get(field) is not None:
                own[key] = (UINT32, config[field])
    keys.update({f"{arch}.{key}": value for key, value in own.items()})
    return keys


def falcon_h1_keys(config):
    arch = "falcon-h1"
    keys = common_keys(config, arch, config["num_hidden_layers"])
    names = ("mamba_d_conv", "mamba_d_state", "mamba_n_heads", "mamba_d_head")
    names = (*names, "mamba_n_groups")
    keys.update(mixer2_keys(arch, *(config[name] for name in names)))
    for key, field in {
        "feed_forward_length": "intermediate_size",
        "attention.head_count": "num_attention_heads",
        "attention.head_count_kv": "num_key_value_heads",
        "attention.key_length": "head_dim",
        "attention.value_length": "head_dim",
    }.items():
        keys[f"{arch}.{key}"] = (UINT32, config[field])
    theta = config["rope_parameters"]["rope_theta"]
    keys[f"{arch}.rope.freq_base"] = (FLOAT32, theta)
    return keys


def mamba2_keys(config):
    keys = common_keys(config, "mamba2", config["num_hidden_layers"])
    names = ("conv_kernel", "state_size", "num_heads", "head_dim", "n_groups")
    keys.update(mixer2_keys("mamba2", *(config[n] for n in names)))
    keys["mamba2.feed_forward_length"] = (UINT32, 0)
    keys["mamba2.attention.head_count"] = (UINT32, 0)
    return keys


def granite_hybrid_keys(config):
    """Bamba is one, too: the one with rotary positions."""
    bamba = config["model_type"] == "bamba"
    arch, layers = "granitehybrid", config["num_hidden_layers"]
    keys = common_keys(config, arch, layers)
    names = [f"mamba_{n}" for n in ("d_conv", "d_state", "n_heads", "d_head")]
    names.append("mamba_n_groups")
    keys.update(mixer2_keys(arch, *(config[n] for n in names)))
    if bamba:
        attention = config["attn_layer_indices"]
    else:
        kinds = enumerate(config["layer_types"])
        attention = [i for i, kind in kinds if kind == "full_attention"]
    heads, hidden = config["num_attention_heads"], config["hidden_size"]
    key_heads = config["num_key_value_heads"]
    each = [key_heads if i in attention else 0 for i in range(layers)]
    # attn_rotary_emb of published files.
    turning = int(hidden // heads * (0.5 if bamba else 1))
    own = {
        "vocab_size": (UINT32, config["vocab_size"]),
        "feed_forward_length": (UINT32, config["intermediate_size"]),
        "attention.head_count": (UINT32, heads),
        "attention.head_count_kv": (ARRAY, (INT32, each)),
        "rope.dimension_count": (UINT32, turning),
        "rope.freq_base": (FLOAT32, 10000.0),
        "rope.scaling.finetuned": (BOOL, bamba),
    }
    if not bamba:
        own["expert_count"] = (UINT32, config["num_local_experts"])
        own["expert_used_count"] = (UINT32, config["num_experts_per_tok"])
        width = config["shared_intermediate_size"]
        own["expert_shared_feed_forward_length"] = (UINT32, width)
        for key, field in {
            "attention.scale": "attention_multiplier",
            "embedding_scale": "embedding_multiplier",
            "residual_scale": "residual_multiplier",
            "logit_scale": "logits_scaling",
        }.items():
            own[key] = (FLOAT32, config[field])
    keys.update({f"{arch}.{key}": value for key, value in own.items()})
    return keys


def metadata(config):
    """Pairs of key and (type, value); an array is (ARRAY, (type, values))."""
    family = config["model_type"]
    others = {
        "falcon_h1": falcon_h1_keys,
        "nemotron_h": nemotron_keys,
        "mamba2": mamba2_keys,
        "bamba": granite_hybrid_keys,
        "granitemoehybrid": granite_hybrid_keys,
    }
    if family in others:
        return others[family](config)
    arch = {"mixtral": "llama", "falcon_mamba": "mamba"}.get(family, family)
    keys = common_keys(config, arch, config["num_hidden_layers"])
    if arch == "mamba":
        keys["mamba.feed_forward_length"] = (UINT32, 0)
        keys["mamba.attention.head_count"] = (UINT32, 0)
        keys["mamba.ssm.dt_b_c_rms"] = (BOOL, family == "falcon_mamba")
        sizes = ("conv_kernel", "intermediate_size", "state_size", "time_step_rank")
        sizes = [config[name] for name in sizes]
    else:
        length = f"{arch}.feed_forward_length"
        keys[length] = (UINT32, config["intermediate_size"])
        keys[f"{arch}.attention.head_count"] = (UINT32, config["num_attention_heads"])
    if arch == "jamba":
        inner = config["mamba_expand"] * config["hidden_size"]
        sizes = [config["mamba_d_conv"], inner]
        sizes += [config["mamba_d_state"], config["mamba_dt_rank"]]
        period, offset = config["attn_layer_period"], config["attn_layer_offset"]
        heads = [
            config["num_key_value_heads"] if i % period == offset else 0
            for i in range(config["num_hidden_layers"])
        ]
        keys["jamba.attention.head_count_kv"] = (ARRAY, (INT32, heads))
        keys["jamba.expert_count"] = (UINT32, config["num_experts"])
        keys["jamba.expert_used_count"] = (UINT32, config["num_experts_per_tok"])
    if arch == "llama":
        heads = config["num_key_value_heads"]
        keys["llama.attention.head_count_kv"] = (UINT32, heads)
        theta = config["rope_parameters"]["rope_theta"]
        keys["llama.rope.freq_base"] = (FLOAT32, theta)
        keys["llama.vocab_size"] = (UINT32, config["vocab_size"])
        size = config.get("head_dim")
        size = size or config["hidden_size"] // config["num_attention_heads"]
        keys["llama.rope.dimension_count"] = (UINT32, size)
        if family == "mixtral":
            keys["llama.expert_count"] = (UINT32, config["num_local_experts"])
            used = config["num_experts_per_tok"]
            keys["llama.expert_used_count"] = (UINT32, used)
    else:
        names = ("conv_kernel", "inner_size", "state_size", "time_step_rank")
        for name, size in zip(names, sizes):
            keys[f"{arch}.ssm.{name}"] = (UINT32, size)
    return keys


def pack_string(text):
    raw = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(raw)) + raw


def pack_value(kind, value):
    if kind == STRING:
        return pack_string(value)
    if kind == ARRAY:
        inner, values = value
        head = struct.pack("<IQ", inner, len(values))
        return head + b"".join(pack_value(inner, v) for v in values)
    return struct.pack(FORMATS[kind], value)


def write_gguf(path, keys, tensors):
    """A file of version 3. `tensors`: name to shape, type, bytes."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys))
    for key, (kind, value) in keys.items():
        head += pack_string(key) + struct.pack("<I", kind) + pack_value(kind, value)
    data = bytearray()
    for name, (shape, kind, raw) in tensors.items():
        head += pack_string(name) + struct.pack("<I", len(shape))
        head += struct.pack(f"<{len(shape)}Q", *reversed(shape))
        head += struct.pack("<IQ", TYPES[kind], len(data))
        data += raw + b"\0" * (-len(raw) % ALIGNMENT)
    head += b"\0" * (-len(head) % ALIGNMENT)
    with open(path, "wb") as file:
        file.write(head + data)


def restore(config, tensors, kind):
    """The checkpoint's tensors with what `kind` leaves of their numbers. The
    order of rows does not matter to it: blocks are within rows."""
    family = config["model_type"]
    result = {}
    for name, tensor in tensors.items():
        head, middle, tail = name.partition(".experts.")
        plain = f"{head}.experts.{tail.partition('.')[2]}" if middle else name
        gguf = gguf_name(plain, PARTS[family])
        own, width = kind, tensor.shape[-1]
        if stored_f32(gguf, tensor.shape):
            own = "F32"
        elif kind.startswith("Q") and width % BLOCK:
            own = "F16"
        values = decode(encode(f32(tensor.values), own), own)
        result[name] = compare.Tensor(tensor.shape, values)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("golden")
    parser.add_argument("file")
    parser.add_argument("--type", choices=TYPES, default="F32")
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
    # It needs the types of values from here.
    import gguf_tokenizer

    main()
