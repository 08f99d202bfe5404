//===- Mamba2Weights.h - A Mamba-2 mixer's tensors --------------*- C++ -*-===//
//
// Part of Marimba. What families with Mamba-2 mixers share.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_BLOCKS_MAMBA2WEIGHTS_H
#define MARIMBA_IMPORTER_BLOCKS_MAMBA2WEIGHTS_H

#include "importer/ModelPlan.h"
#include "importer/blocks/Blocks.h"
#include "importer/gguf/GgufFields.h"
#include "importer/hub/Config.h"

namespace mlir::marimba {

/// The fields of config.json that the sizes come from: families differ.
struct Mamba2Fields {
  StringRef heads, headDim, groups, state, window;
  /// What D, the channels of conv1d and the rows of in_proj follow from.
  std::string inner() const { return (heads + " * " + headDim).str(); }
  std::string convolved() const {
    return (Twine(inner()) + " + 2 * " + groups + " * " + state).str();
  }
  std::string projected() const {
    return (Twine("2 * ") + inner() + " + 2 * " + groups + " * " + state +
            " + " + heads)
        .str();
  }
};

/// A mixer as its config describes it.
struct Mamba2Mixer {
  Mamba2Sizes sizes;
  Mamba2Fields fields;
  bool inBias = false, outBias = false; // of in_proj and out_proj
  bool convBias = true;
};

/// Reads groups, state and window by the names in `mixer.fields`, with these
/// defaults, and checks that the groups divide the heads, which are read
/// before.
void readMamba2Sizes(Config &config, Mamba2Mixer &mixer, int64_t groups,
                     int64_t state);
/// Reads the bounds of delta: a list of two numbers, the second of which may be
/// Infinity. Absent, there are none.
void readStepLimit(Config &config, Mamba2Sizes &sizes,
                   StringRef field = "time_step_limit");

/// Takes the tensors <layer.location>.<module>.* of a mixer and adds them,
/// what @prepare derives from them and the states to the layer.
void addMamba2Mixer(LayerPlan &layer, WeightTable &weights, StringRef module,
                    const Mamba2Mixer &mixer, Dim hidden);

/// Reads what GGUF files say of a mixer as `fields`, and the mixer's width as a
/// multiple of hidden_size, `expand`, where that is not empty.
void readGgufMamba2(GgufFields &f, const Mamba2Fields &fields,
                    StringRef expand = "");
/// The inverse, of the sizes that ModelInfo has by these names.
void writeGgufMamba2(GgufKeys &keys, const Mamba2Fields &fields);

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_BLOCKS_MAMBA2WEIGHTS_H
