//===- ShortConvWeights.h - A short convolution's tensors -------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_BLOCKS_SHORTCONVWEIGHTS_H
#define MARIMBA_IMPORTER_BLOCKS_SHORTCONVWEIGHTS_H

#include "importer/ModelPlan.h"
#include "importer/blocks/Blocks.h"

namespace mlir::marimba {

/// Takes <layer.location>.conv.{in_proj,conv,out_proj}, all three with biases
/// if `bias`, and adds them, what @prepare makes of conv, and the state to the
/// layer. `windowField` is the field that says the window.
void addShortConv(LayerPlan &layer, WeightTable &weights,
                  const ShortConvSizes &sizes, Dim channels,
                  StringRef windowField, bool bias);

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_BLOCKS_SHORTCONVWEIGHTS_H
