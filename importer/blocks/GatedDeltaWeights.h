//===- GatedDeltaWeights.h - A gated delta net's tensors --------*- C++ -*-===//
//
// Part of Marimba. What families with gated delta nets share.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_BLOCKS_GATEDDELTAWEIGHTS_H
#define MARIMBA_IMPORTER_BLOCKS_GATEDDELTAWEIGHTS_H

#include "importer/ModelPlan.h"
#include "importer/blocks/Blocks.h"
#include "importer/hub/Config.h"

namespace mlir::marimba {

/// The fields of config.json that the sizes come from, for messages.
struct GatedDeltaFields {
  StringRef keyHeads = "linear_num_key_heads";
  StringRef valueHeads = "linear_num_value_heads";
  StringRef keyDim = "linear_key_head_dim";
  StringRef valueDim = "linear_value_head_dim";
  StringRef window = "linear_conv_kernel_dim";
};

/// What a family calls a mixer's tensors, all in `module`.
struct GatedDeltaNames {
  StringRef module = "linear_attn";
  /// One tensor [C,1,W] of q, k and v, or three of these, which transformers
  /// 5.17 cuts into equal parts whatever their widths are.
  SmallVector<StringRef, 3> convolutions = {"conv1d"};
  StringRef norm = "norm", out = "out_proj";
};

/// Reads the sizes by those fields, absent ones as `defaults` has them, and
/// checks that the value heads are a multiple of the key heads.
GatedDeltaSizes readGatedDelta(Config &config, const GatedDeltaSizes &defaults,
                               const GatedDeltaFields &fields = {});

/// Takes the tensors of a mixer that emitGatedDelta() reads, all but the
/// projections before the convolution, and adds them, what @prepare derives
/// from them and the states to the layer.
void addGatedDelta(LayerPlan &layer, WeightTable &weights,
                   const GatedDeltaNames &names, const GatedDeltaSizes &sizes,
                   Dim hidden, const GatedDeltaFields &fields = {});

/// Takes the projections of emitGatedDeltaProjections(): in_proj_qkvz and
/// in_proj_ba where `byKeyHead`, else four; but the four, or two of them, where
/// the checkpoint has these.
void addGatedDeltaProjections(LayerPlan &layer, WeightTable &weights,
                              StringRef module, const GatedDeltaSizes &sizes,
                              Dim hidden, bool byKeyHead,
                              const GatedDeltaFields &fields = {});

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_BLOCKS_GATEDDELTAWEIGHTS_H
