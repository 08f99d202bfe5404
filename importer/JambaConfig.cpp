//===- JambaConfig.cpp - Jamba's fields of config.json ----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/JambaConfig.h"

namespace mlir::marimba {

constexpr int64_t kMaxExperts = 4096;
constexpr int64_t kMaxExpertTensors = 1 << 18;

LogicalResult JambaConfig::read(Config &c) {
  vocab = c.getPositive("vocab_size", 65536, kMaxSize);
  hidden = c.getPositive("hidden_size", 4096, kMaxSize);
  intermediate = c.getPositive("intermediate_size", 14336, kMaxSize);
  layers = c.getPositive("num_hidden_layers", 32, kMaxLayers);
  epsilon = c.getPositiveReal("rms_norm_eps", 1e-6);
  tied = c.getBool("tie_word_embeddings", false);

  attention.heads = c.getPositive("num_attention_heads", 32, 1 << 16);
  // Old defaults say 8; a file with an explicit null means all heads.
  attention.keyHeads = c.getPositive(
      "num_key_value_heads", c.has("num_key_value_heads") ? attention.heads : 8,
      1 << 16);
  attention.headDim = c.getPositive(
      "head_dim", std::max<int64_t>(hidden / attention.heads, 1), 1 << 16);
  attentionPeriod = c.getPositive("attn_layer_period", 8, kMaxSize);
  attentionOffset = c.getNonNegative("attn_layer_offset", 4, kMaxSize);

  experts = c.getPositive("num_experts", 16, kMaxExperts);
  topK = c.getPositive("num_experts_per_tok", 2, kMaxExperts);
  expertPeriod = c.getPositive("expert_layer_period", 2, kMaxSize);
  expertOffset = c.getNonNegative("expert_layer_offset", 1, kMaxSize);

  MambaSizes &mamba = mixer.sizes;
  mamba.state = c.getPositive("mamba_d_state", 16, kMaxState);
  mamba.window = c.getPositive("mamba_d_conv", 4, kMaxWindow);
  mamba.inner = hidden * c.getPositive("mamba_expand", 2, kMaxExpand);
  mamba.rank =
      c.getPositiveOrAuto("mamba_dt_rank", (hidden + 15) / 16, kMaxSize);
  mamba.innerNorms = true;
  mamba.normEpsilon = epsilon;
  mixer.weightedNorms = true;
  mixer.convBias = c.getBool("mamba_conv_bias", true);
  mixer.projBias = c.getBool("mamba_proj_bias", false);
  mixer.fields = {"mamba_expand", "mamba_d_state", "mamba_d_conv",
                  "mamba_dt_rank"};

  c.checkSupported();
  bool anyAttention = false, anyMoE = false;
  int64_t expertTensors = 0;
  for (int64_t i = 0; i < layers; ++i) {
    anyAttention |= isAttention(i);
    anyMoE |= isMoE(i);
    expertTensors += isMoE(i) ? 3 * experts : 0;
  }
  if (anyAttention && !c.find("head_dim") && hidden % attention.heads != 0)
    c.error("num_attention_heads",
            "a divisor of hidden_size (" + Twine(hidden) + ")");
  if (anyAttention && attention.heads % attention.keyHeads != 0)
    c.error("num_key_value_heads", "a divisor of num_attention_heads (" +
                                       Twine(attention.heads) + ")");
  if (anyMoE && topK > experts)
    c.error("num_experts_per_tok",
            "at most num_experts (" + Twine(experts) + ")");
  if (expertTensors > kMaxExpertTensors)
    c.error("num_experts", "at most " + Twine(kMaxExpertTensors) +
                               " expert tensors in all layers together");
  return c.result();
}

} // namespace mlir::marimba
