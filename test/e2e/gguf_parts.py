"""What llama.cpp's converter calls the tensors of the families, by their names in
safetensors; gguf_transformers.py has those of attention alone.
"""

import gguf_transformers

ATTENTION = gguf_transformers.ATTENTION
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
LFM2 = {
    **{f"self_attn.{n}_proj": f"attn_{n}" for n in "qkv"},
    "self_attn.out_proj": "attn_output",
    "self_attn.q_layernorm": "attn_q_norm",
    "self_attn.k_layernorm": "attn_k_norm",
    "operator_norm": "attn_norm",
    "ffn_norm": "ffn_norm",
    **{f"conv.{n}": f"shortconv.{n}" for n in ("in_proj", "conv", "out_proj")},
    "feed_forward.w1": "ffn_gate",
    "feed_forward.w3": "ffn_up",
    "feed_forward.w2": "ffn_down",
}
PARTS["lfm2"] = LFM2
PARTS["lfm2_moe"] = {
    **LFM2,
    "feed_forward.gate": "ffn_gate_inp",
    "feed_forward.expert_bias": "exp_probs_b.bias",
    "feed_forward.experts.w1": "ffn_gate_exps",
    "feed_forward.experts.w3": "ffn_up_exps",
    "feed_forward.experts.w2": "ffn_down_exps",
}
DELTA = {
    **ATTENTION,
    "post_attention_layernorm": "post_attention_norm",
    **{f"self_attn.{n}_norm": f"attn_{n}_norm" for n in "qk"},
    "linear_attn.in_proj_qkv": "attn_qkv",
    "linear_attn.in_proj_z": "attn_gate",
    "linear_attn.in_proj_ba": "ssm_ba",
    "linear_attn.in_proj_b": "ssm_beta",
    "linear_attn.in_proj_a": "ssm_alpha",
    **{f"linear_attn.{n}": g for n, g in MIXER2.items() if n not in ("in_proj", "D")},
    **{f"mlp.{n}_proj": f"ffn_{n}" for n in ("gate", "up", "down")},
    "mlp.gate": "ffn_gate_inp",
    "mlp.shared_expert_gate": "ffn_gate_inp_shexp",
    **{f"mlp.experts.{n}_proj": f"ffn_{n}_exps" for n in ("gate", "up", "down")},
    **{
        f"mlp.shared_expert.{n}_proj": f"ffn_{n}_shexp" for n in ("gate", "up", "down")
    },
}
for family in ("qwen3_next", "qwen3_5_text", "qwen3_5_moe_text"):
    PARTS[family] = DELTA
PARTS["kimi_linear"] = {
    **ATTENTION,
    **{f"self_attn.{n}_conv1d": f"ssm_conv1d_{n}" for n in "qkv"},
    **{
        f"self_attn.{n}_{part}_proj": f"ssm_{n}_{part}"
        for n in ("f", "g")
        for part in ("a", "b")
    },
    "self_attn.b_proj": "ssm_beta",
    "self_attn.A_log": "ssm_a",
    "self_attn.dt_bias": "ssm_dt.bias",
    "self_attn.o_norm": "ssm_norm",
    "self_attn.kv_a_proj_with_mqa": "attn_kv_a_mqa",
    "self_attn.kv_a_layernorm": "attn_kv_a_norm",
    **{f"self_attn.{n}_b_proj": f"attn_{n}_b" for n in ("kv", "k", "v")},
    "post_attention_layernorm": "ffn_norm",
    **{f"mlp.{n}_proj": f"ffn_{n}" for n in ("gate", "up", "down")},
    "block_sparse_moe.gate": "ffn_gate_inp",
    "block_sparse_moe.gate.e_score_correction_bias": "exp_probs_b.bias",
    **{
        f"block_sparse_moe.experts.{w}": f"ffn_{n}_exps"
        for w, n in (("w1", "gate"), ("w2", "down"), ("w3", "up"))
    },
    **{
        f"block_sparse_moe.shared_experts.{n}_proj": f"ffn_{n}_shexp"
        for n in ("gate", "up", "down")
    },
}
PARTS.update(gguf_transformers.PARTS)
ENDS = {
    "model.embed_tokens.weight": "token_embd.weight",
    "backbone.embeddings.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "model.final_layernorm.weight": "output_norm.weight",
    "backbone.norm_f.weight": "output_norm.weight",
    "model.embedding_norm.weight": "token_embd_norm.weight",
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
