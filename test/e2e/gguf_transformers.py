"""How llama.cpp's converter writes the families of attention alone that came
after llama and mixtral: names of a layer's parts, keys, changes of the data.
"""

from gguf_file import FLOAT32, UINT32, f32

ATTENTION = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "input_layernorm": "attn_norm",
}
DENSE = {f"mlp.{n}_proj": f"ffn_{n}" for n in ("gate", "up", "down")}
HEAD_NORMS = {"self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm"}
FEED_FORWARD_NORM = {"post_attention_layernorm": "ffn_norm"}
GEMMA = {
    **ATTENTION,
    **DENSE,
    **HEAD_NORMS,
    "post_attention_layernorm": "post_attention_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}
PARTS = {
    "qwen2": {**ATTENTION, **FEED_FORWARD_NORM, **DENSE},
    "qwen3": {**ATTENTION, **FEED_FORWARD_NORM, **HEAD_NORMS, **DENSE},
    "qwen3_moe": {
        **ATTENTION,
        **FEED_FORWARD_NORM,
        **HEAD_NORMS,
        "mlp.gate": "ffn_gate_inp",
        **{
            f"mlp.experts.{n}_proj": f"ffn_{n}_exps" for n in ("gate", "up", "down")
        },
    },
    "granite": {**ATTENTION, **FEED_FORWARD_NORM, **DENSE},
    "gemma2": GEMMA,
    "gemma3_text": GEMMA,
}
ARCHITECTURES = {"qwen3_moe": "qwen3moe", "gemma3_text": "gemma3"}


def metadata(config, common_keys):
    family = config["model_type"]
    arch = ARCHITECTURES.get(family, family)
    keys = common_keys(config, arch, config["num_hidden_layers"])
    rope = config["rope_parameters"]
    own = {
        "feed_forward_length": (UINT32, config["intermediate_size"]),
        "attention.head_count": (UINT32, config["num_attention_heads"]),
        "attention.head_count_kv": (UINT32, config["num_key_value_heads"]),
    }
    if "head_dim" in config:
        own["attention.key_length"] = (UINT32, config["head_dim"])
        own["attention.value_length"] = (UINT32, config["head_dim"])
    if family != "gemma2":  # whose converter leaves it out
        theta = rope.get("full_attention", rope)["rope_theta"]
        own["rope.freq_base"] = (FLOAT32, theta)
    if family == "qwen3_moe":
        for key, field in {
            "expert_count": "num_local_experts",
            "expert_used_count": "num_experts_per_tok",
            "expert_feed_forward_length": "moe_intermediate_size",
        }.items():
            own[key] = (UINT32, config[field])
    if family == "granite":
        size = config["hidden_size"] // config["num_attention_heads"]
        own["rope.dimension_count"] = (UINT32, size)
        own["vocab_size"] = (UINT32, config["vocab_size"])
        for key, field in {
            "attention.scale": "attention_multiplier",
            "embedding_scale": "embedding_multiplier",
            "residual_scale": "residual_multiplier",
            "logit_scale": "logits_scaling",
        }.items():
            own[key] = (FLOAT32, config[field])
    if family.startswith("gemma"):
        own["attention.sliding_window"] = (UINT32, config["sliding_window"])
        for key in ("attn_logit_softcapping", "final_logit_softcapping"):
            if config[key] is not None:
                own[key] = (FLOAT32, config[key])
    if family == "gemma3_text":
        theta = rope["sliding_attention"]["rope_theta"]
        own["rope.freq_base_swa"] = (FLOAT32, theta)
        # Not written, but read, where it is not 6.
        period = config["layer_types"].index("full_attention") + 1
        own["attention.sliding_window_pattern"] = (UINT32, period)
    keys.update({f"{arch}.{key}": value for key, value in own.items()})
    return keys


def change(config, name, values):
    """Gemma's norms have 1 added. The file does not say by what scores are
    scaled but for a head's size: queries have the rest of the golden's factor,
    so that llama.cpp computes the golden's numbers, too."""
    family = config["model_type"]
    if not family.startswith("gemma"):
        return values
    if name.endswith("norm.weight"):
        values = f32(v + 1 for v in values)
    rest = (config["head_dim"] / config["query_pre_attn_scalar"]) ** 0.5
    scaled = "q_proj" if family == "gemma2" else "q_norm"
    if f".{scaled}." in name:
        values = f32(v * rest for v in values)
    return values
