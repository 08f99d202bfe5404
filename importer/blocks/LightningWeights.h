//===- LightningWeights.h - Lightning attention's tensors -------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_BLOCKS_LIGHTNINGWEIGHTS_H
#define MARIMBA_IMPORTER_BLOCKS_LIGHTNINGWEIGHTS_H

#include "importer/ModelPlan.h"
#include "importer/blocks/Blocks.h"

namespace mlir::marimba {

/// Takes <layer.location>.self_attn.{qkv_proj,output_gate,norm,out_proj} and
/// adds them, the decay that @prepare makes for layer `index` of `layers`, and
/// the state to the layer.
void addLightningMixer(LayerPlan &layer, WeightTable &weights,
                       const LightningSizes &sizes, Dim hidden, int64_t index,
                       int64_t layers);

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_BLOCKS_LIGHTNINGWEIGHTS_H
