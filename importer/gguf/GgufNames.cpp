//===- GgufNames.cpp - What GGUF files call tensors -------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/gguf/GgufNames.h"
#include "llvm/ADT/StringExtras.h"

namespace mlir::marimba {

using Pair = GgufNames::Pair;

// Around the layers, with suffix; in a layer, without ".weight" and ".bias".
// ssm_a is -exp(A_log): our name for it is none that a checkpoint has.
static const Pair kJambaEnds[] = {
    {"token_embd.weight", "model.embed_tokens.weight"},
    {"output_norm.weight", "model.final_layernorm.weight"},
    {"output.weight", "lm_head.weight"},
};
static const Pair kJambaParts[] = {
    {"attn_norm", "input_layernorm"},
    {"ffn_norm", "pre_ff_layernorm"},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"},
    {"ssm_in", "mamba.in_proj"},
    {"ssm_conv1d", "mamba.conv1d"},
    {"ssm_x", "mamba.x_proj"},
    {"ssm_dt_norm", "mamba.dt_layernorm"},
    {"ssm_b_norm", "mamba.b_layernorm"},
    {"ssm_c_norm", "mamba.c_layernorm"},
    {"ssm_dt", "mamba.dt_proj"},
    {"ssm_a", "mamba.A"},
    {"ssm_d", "mamba.D"},
    {"ssm_out", "mamba.out_proj"},
    {"ffn_gate_inp", "feed_forward.router"},
    {"ffn_gate_exps", "feed_forward.experts.*.gate_proj"},
    {"ffn_up_exps", "feed_forward.experts.*.up_proj"},
    {"ffn_down_exps", "feed_forward.experts.*.down_proj"},
    {"ffn_gate", "feed_forward.gate_proj"},
    {"ffn_up", "feed_forward.up_proj"},
    {"ffn_down", "feed_forward.down_proj"},
};

static const Pair kMambaEnds[] = {
    {"token_embd.weight", "backbone.embeddings.weight"},
    {"output_norm.weight", "backbone.norm_f.weight"},
    {"output.weight", "lm_head.weight"},
};
static const Pair kMambaParts[] = {
    {"attn_norm", "norm"},          {"ssm_in", "mixer.in_proj"},
    {"ssm_conv1d", "mixer.conv1d"}, {"ssm_x", "mixer.x_proj"},
    {"ssm_dt", "mixer.dt_proj"},    {"ssm_a", "mixer.A"},
    {"ssm_d", "mixer.D"},           {"ssm_out", "mixer.out_proj"},
};

static const Pair kTransformerEnds[] = {
    {"token_embd.weight", "model.embed_tokens.weight"},
    {"output_norm.weight", "model.norm.weight"},
    {"output.weight", "lm_head.weight"},
};
static const Pair kLlamaParts[] = {
    {"attn_norm", "input_layernorm"}, {"ffn_norm", "post_attention_layernorm"},
    {"attn_q", "self_attn.q_proj"},   {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},   {"attn_output", "self_attn.o_proj"},
    {"ffn_gate", "mlp.gate_proj"},    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
};
static const Pair kMixtralParts[] = {
    {"attn_norm", "input_layernorm"},
    {"ffn_norm", "post_attention_layernorm"},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"},
    {"ffn_gate_inp", "block_sparse_moe.gate"},
    {"ffn_gate_exps", "block_sparse_moe.experts.*.w1"},
    {"ffn_up_exps", "block_sparse_moe.experts.*.w3"},
    {"ffn_down_exps", "block_sparse_moe.experts.*.w2"},
};

static constexpr StringLiteral kBlock = "blk.";
static constexpr StringLiteral kSuffixes[] = {".weight", ".bias", ""};

GgufNames::GgufNames(StringRef modelType) : layers("model.layers.") {
  if (modelType == "jamba") {
    ends = kJambaEnds;
    parts = kJambaParts;
  } else if (modelType == "llama" || modelType == "mixtral") {
    ends = kTransformerEnds;
    parts = modelType == "llama" ? ArrayRef<Pair>(kLlamaParts)
                                 : ArrayRef<Pair>(kMixtralParts);
  } else { // mamba, falcon_mamba
    layers = "backbone.layers.";
    ends = kMambaEnds;
    parts = kMambaParts;
  }
}

/// The digits that `rest` begins with and the dot behind them; empty where
/// there are none.
static StringRef takeIndex(StringRef &rest) {
  StringRef digits = rest.take_while(llvm::isDigit);
  if (digits.empty() || rest.size() == digits.size() ||
      rest[digits.size()] != '.')
    return "";
  rest = rest.drop_front(digits.size() + 1);
  return digits;
}

std::optional<std::string> GgufNames::toCheckpoint(StringRef name) const {
  for (const Pair &pair : ends)
    if (name == pair.gguf)
      return pair.checkpoint.str();
  StringRef rest = name;
  if (!rest.consume_front(kBlock))
    return std::nullopt;
  StringRef index = takeIndex(rest);
  if (index.empty())
    return std::nullopt;
  for (StringRef suffix : kSuffixes) {
    StringRef stem = rest;
    if (!stem.consume_back(suffix))
      continue;
    for (const Pair &pair : parts)
      if (stem == pair.gguf)
        return (layers + index + "." + pair.checkpoint + suffix).str();
  }
  return std::nullopt;
}

/// Whether `name` is `pattern`, where `*` stands for digits.
static bool matches(StringRef name, StringRef pattern) {
  auto [before, after] = pattern.split('*');
  if (before.size() == pattern.size())
    return name == pattern;
  return name.consume_front(before) && name.consume_back(after) &&
         !name.empty() && llvm::all_of(name, llvm::isDigit);
}

std::string GgufNames::toGguf(StringRef name) const {
  for (const Pair &pair : ends)
    if (name == pair.checkpoint)
      return pair.gguf.str();
  StringRef rest = name;
  if (!rest.consume_front(layers))
    return name.str();
  StringRef index = takeIndex(rest);
  for (StringRef suffix : kSuffixes) {
    StringRef stem = rest;
    if (index.empty() || !stem.consume_back(suffix))
      continue;
    for (const Pair &pair : parts)
      if (matches(stem, pair.checkpoint))
        return (kBlock + index + "." + pair.gguf + suffix).str();
  }
  return name.str();
}

} // namespace mlir::marimba
