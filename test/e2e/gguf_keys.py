"""The metadata that llama.cpp's converter writes for a model of each family:
pairs of key and (type, value); an array is (ARRAY, (type, values)).
"""

import gguf_transformers
from gguf_file import ALIGNMENT, ARRAY, BOOL, FLOAT32, INT32, STRING, UINT32


def common_keys(config, arch, layers):
    """What all architectures have."""
    names = ("rms_norm_eps", "layer_norm_epsilon", "norm_eps")
    epsilon = next(config[name] for name in names if config.get(name))
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


def lfm2_width(config):
    """Of the dense layers of lfm2: the config's width, adjusted."""
    width = config["intermediate_size"]
    if not config.get("block_auto_adjust_ff_dim"):
        return width
    multiple = config["block_multiple_of"]
    width = int(config["block_ffn_dim_multiplier"] * int(2 * width / 3))
    return multiple * ((width + multiple - 1) // multiple)


def lfm2_keys(config):
    moe = config["model_type"] == "lfm2_moe"
    arch = "lfm2moe" if moe else "lfm2"
    keys = common_keys(config, arch, config["num_hidden_layers"])
    key_heads = config["num_key_value_heads"]
    each = [key_heads if t != "conv" else 0 for t in config["layer_types"]]
    own = {
        "vocab_size": (UINT32, config["vocab_size"]),
        "feed_forward_length": (UINT32, lfm2_width(config)),
        "attention.head_count": (UINT32, config["num_attention_heads"]),
        "attention.head_count_kv": (ARRAY, (INT32, each)),
        "rope.freq_base": (FLOAT32, config["rope_parameters"]["rope_theta"]),
        "shortconv.l_cache": (UINT32, config["conv_L_cache"]),
    }
    if moe:
        for key, field in {
            "expert_count": "num_experts",
            "expert_used_count": "num_experts_per_tok",
            "expert_feed_forward_length": "moe_intermediate_size",
            "leading_dense_block_count": "num_dense_layers",
        }.items():
            own[key] = (UINT32, config[field])
        own["expert_gating_func"] = (UINT32, 2)  # sigmoid
    keys.update({f"{arch}.{key}": value for key, value in own.items()})
    return keys


def gated_delta_keys(config):
    """Qwen3-Next and Qwen3.5."""
    moe = "num_experts" in config
    family = config["model_type"]
    arch = "qwen3next" if family == "qwen3_next" else "qwen35moe" if moe else "qwen35"
    keys = common_keys(config, arch, config["num_hidden_layers"])
    names = ("conv_kernel_dim", "key_head_dim", "num_value_heads", "value_head_dim")
    names = [f"linear_{name}" for name in (*names, "num_key_heads")]
    keys.update(mixer2_keys(arch, *(config[name] for name in names)))
    fields = {
        "attention.head_count": "num_attention_heads",
        "attention.head_count_kv": "num_key_value_heads",
        "attention.key_length": "head_dim",
        "attention.value_length": "head_dim",
        "feed_forward_length": "intermediate_size",
        "expert_count": "num_experts",
        "expert_used_count": "num_experts_per_tok",
        "expert_feed_forward_length": "moe_intermediate_size",
        "expert_shared_feed_forward_length": "shared_expert_intermediate_size",
    }
    own = {
        key: (UINT32, config[field])
        for key, field in fields.items()
        if config.get(field) is not None
    }
    rope = config["rope_parameters"]
    own["rope.freq_base"] = (FLOAT32, rope["rope_theta"])
    turning = int(config["head_dim"] * rope["partial_rotary_factor"])
    own["rope.dimension_count"] = (UINT32, turning)
    if arch != "qwen3next":
        sections = (*rope["mrope_section"], 0)
        own["rope.dimension_sections"] = (ARRAY, (INT32, sections))
    recurrent = [kind == "linear_attention" for kind in config["layer_types"]]
    own["attention.recurrent_layers"] = (ARRAY, (BOOL, recurrent))
    own["full_attention_interval"] = (UINT32, 4)
    keys.update({f"{arch}.{key}": value for key, value in own.items()})
    return keys


def kimi_keys(config):
    arch = "kimi-linear"
    keys = common_keys(config, arch, config["num_hidden_layers"])
    # Without heads of keys a layer has delta attention, with one latent.
    each = [int(t == "full_attention") for t in config["layer_types"]]
    rank, shared = config["kv_lora_rank"], config["qk_rope_head_dim"]
    own = {
        "vocab_size": (UINT32, config["vocab_size"]),
        "attention.head_count_kv": (ARRAY, (INT32, each)),
        "attention.key_length": (UINT32, rank + shared),
        "attention.key_length_mla": (UINT32, config["qk_nope_head_dim"] + shared),
        "expert_weights_scale": (FLOAT32, config["routed_scaling_factor"]),
        "expert_gating_func": (UINT32, 2),  # sigmoid
        "leading_dense_block_count": (UINT32, 1),
    }
    for key, field in {
        "feed_forward_length": "intermediate_size",
        "attention.head_count": "num_attention_heads",
        "attention.kv_lora_rank": "kv_lora_rank",
        "attention.value_length_mla": "v_head_dim",
        "rope.dimension_count": "qk_rope_head_dim",
        "ssm.conv_kernel": "linear_conv_kernel_dim",
        "kda.head_dim": "linear_head_dim",
        "expert_count": "num_experts",
        "expert_used_count": "num_experts_per_token",
        "expert_shared_count": "num_shared_experts",
        "expert_feed_forward_length": "moe_intermediate_size",
    }.items():
        own[key] = (UINT32, config[field])
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
        "lfm2": lfm2_keys,
        "lfm2_moe": lfm2_keys,
        "qwen3_next": gated_delta_keys,
        "qwen3_5_text": gated_delta_keys,
        "qwen3_5_moe_text": gated_delta_keys,
        "kimi_linear": kimi_keys,
    }
    if family in others:
        return others[family](config)
    if family in gguf_transformers.PARTS:
        return gguf_transformers.metadata(config, common_keys)
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
