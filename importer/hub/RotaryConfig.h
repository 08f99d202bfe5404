//===- RotaryConfig.h - How heads turn by their positions -------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_HUB_ROTARYCONFIG_H
#define MARIMBA_IMPORTER_HUB_ROTARYCONFIG_H

#include "importer/hub/Config.h"

namespace mlir::marimba {

/// How heads turn by their positions.
struct Rotation {
  /// By which pairs of a head's elements turn, two elements of the head for
  /// each; fewer than its size where a part of it turns.
  std::vector<float> frequencies;
  double factor = 1; // of cosines and sines (yarn: Peng et al. 2023)

  int64_t size() const { return 2 * int64_t(frequencies.size()); }
};

/// The rotation of `size` elements by theta^(-2j/size). Computed in f32 step by
/// step, as transformers does.
Rotation plainRotation(double theta, int64_t size);

/// The rotation that a config describes. Fields of transformers 5,
/// `rope_parameters.*`, or of before: `rope_theta`, `rope_scaling.*`,
/// `partial_rotary_factor`. Reports what it does not know. Where the file does
/// not say which share of a head turns, it is `defaultShare`. `object` is the
/// one that has the fields, where a model has several rotations: what it lacks
/// is not looked for elsewhere then.
Rotation readRotation(Config &config, int64_t headDim, double defaultTheta,
                      double defaultShare = 1, StringRef object = "");

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_HUB_ROTARYCONFIG_H
