//===- MambaWeights.h - A Mamba mixer's tensors -----------------*- C++ -*-===//
//
// Part of Marimba. What families with Mamba mixers share.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_BLOCKS_MAMBAWEIGHTS_H
#define MARIMBA_IMPORTER_BLOCKS_MAMBAWEIGHTS_H

#include "importer/ModelPlan.h"
#include "importer/blocks/Blocks.h"
#include "importer/gguf/GgufFields.h"

namespace mlir::marimba {

/// The fields of config.json that the sizes come from: families differ.
struct MambaFields {
  StringRef expand, state, window, rank;
};

/// A mixer as its config describes it.
struct MambaMixer {
  MambaSizes sizes;
  MambaFields fields;
  bool projBias = false; // of in_proj and out_proj
  bool convBias = true;
  bool weightedNorms = false; // the inner norms have weights
};

/// Takes the tensors <layer.location>.<module>.* of a mixer and adds them,
/// what @prepare derives from them and the states to the layer.
void addMambaMixer(LayerPlan &layer, WeightTable &weights, StringRef module,
                   const MambaMixer &mixer, Dim hidden);

/// Reads what GGUF files say of a mixer, but for its width, as these fields.
void readGgufMixer(GgufFields &fields, StringRef state, StringRef window,
                   StringRef rank);

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_BLOCKS_MAMBAWEIGHTS_H
