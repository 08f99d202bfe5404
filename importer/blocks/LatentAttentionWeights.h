//===- LatentAttentionWeights.h - Latent attention's tensors ----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_BLOCKS_LATENTATTENTIONWEIGHTS_H
#define MARIMBA_IMPORTER_BLOCKS_LATENTATTENTIONWEIGHTS_H

#include "importer/ModelPlan.h"
#include "importer/blocks/Blocks.h"
#include "importer/hub/Config.h"

namespace mlir::marimba {

/// Reads num_attention_heads, kv_lora_rank, q_lora_rank, qk_nope_head_dim,
/// qk_rope_head_dim and v_head_dim; defaults are Kimi Linear's.
LatentAttentionSizes readLatentAttention(Config &config);

/// Takes <layer.location>.self_attn.{q_proj or q_a_proj, q_a_layernorm and
/// q_b_proj; kv_a_proj_with_mqa, kv_a_layernorm, kv_b_proj, o_proj} and adds
/// them, what @prepare makes of kv_b_proj, and the state to the layer. A
/// checkpoint may have kv_b_proj in two: k_b_proj [heads,rank,dn], which is
/// transposed, and v_b_proj [heads,dv,rank].
void addLatentAttention(LayerPlan &layer, WeightTable &weights,
                        const LatentAttentionSizes &sizes, Dim hidden);

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_BLOCKS_LATENTATTENTIONWEIGHTS_H
