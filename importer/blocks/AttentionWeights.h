//===- AttentionWeights.h - An attention block's tensors --------*- C++ -*-===//
//
// Part of Marimba. What the families with attention share.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_BLOCKS_ATTENTIONWEIGHTS_H
#define MARIMBA_IMPORTER_BLOCKS_ATTENTIONWEIGHTS_H

#include "importer/ModelPlan.h"
#include "importer/blocks/Blocks.h"
#include "importer/hub/Config.h"

namespace mlir::marimba {

/// Reads num_attention_heads, num_key_value_heads and head_dim. Key/value heads
/// that the file does not mention are `defaultKeyHeads`, those that are null
/// are all heads; 0 means all heads, too. A `defaultHeadDim` of 0 means that of
/// the hidden size which is a head's.
AttentionSizes readAttention(Config &config, int64_t hidden,
                             int64_t defaultKeyHeads, int64_t defaultHeads = 32,
                             int64_t defaultHeadDim = 0);
/// Reports sizes that do not divide each other.
void checkAttention(Config &config, int64_t hidden,
                    const AttentionSizes &sizes);

/// What checkpoints call some of attention's tensors.
struct AttentionNames {
  StringRef output = "o_proj", queryNorm = "q_norm", keyNorm = "k_norm";
};

/// Takes <layer.location>.<module>.{q,k,v,o}_proj, with biases if `bias`,
/// o_proj only if `outputBias`, too, and {q,k}_norm if there are norms, or what
/// `names` says for these; adds them and the states to the layer.
void addAttention(LayerPlan &layer, WeightTable &weights,
                  const AttentionSizes &sizes, Dim hidden, bool bias = false,
                  StringRef module = "self_attn",
                  const AttentionNames &names = {}, bool outputBias = true);

/// Adds attention's states to a layer that has weights already.
void addKeyValueStates(LayerPlan &layer, const AttentionSizes &sizes);

/// Makes the states of a layer's attention, if it has one, those of `type`,
/// which is not AsStored: key and value, of 8 bits with key_scales and
/// value_scales [B,Hkv,C] beside them.
void setCacheType(LayerPlan &layer, KeyValueType type);

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_BLOCKS_ATTENTIONWEIGHTS_H
