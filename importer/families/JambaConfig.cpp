//===- JambaConfig.cpp - Jamba's fields of config.json ----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/families/JambaConfig.h"
#include "importer/blocks/AttentionWeights.h"
#include "importer/blocks/FeedForwardWeights.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

namespace mlir::marimba {

LogicalResult JambaConfig::read(Config &c) {
  vocab = c.getPositive("vocab_size", 65536, kMaxSize);
  hidden = c.getPositive("hidden_size", 4096, kMaxSize);
  intermediate = c.getPositive("intermediate_size", 14336, kMaxSize);
  layers = c.getPositive("num_hidden_layers", 32, kMaxLayers);
  epsilon = c.getPositiveReal("rms_norm_eps", 1e-6);
  tied = c.getBool("tie_word_embeddings", false);

  // Old defaults say 8; a file with an explicit null means all heads.
  attention = readAttention(c, hidden, /*defaultKeyHeads=*/8);
  attentionPeriod = c.getPositive("attn_layer_period", 8, kMaxSize);
  attentionOffset = c.getNonNegative("attn_layer_offset", 4, kMaxSize);

  // None is as one: dense everywhere.
  experts =
      std::max<int64_t>(c.getNonNegative("num_experts", 16, kMaxExperts), 1);
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
  auto indices = llvm::seq(layers);
  if (llvm::any_of(indices, [&](int64_t i) { return isAttention(i); }))
    checkAttention(c, hidden, attention);
  checkExperts(c, "num_experts", experts, topK,
               llvm::count_if(indices, [&](int64_t i) { return isMoE(i); }));
  return c.result();
}

} // namespace mlir::marimba
