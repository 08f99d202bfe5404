//===- RotaryConfig.h - Frequencies of rotary embedding ---------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_HUB_ROTARYCONFIG_H
#define MARIMBA_IMPORTER_HUB_ROTARYCONFIG_H

#include "importer/hub/Config.h"

namespace mlir::marimba {

/// The frequencies by which pairs of a head's elements turn, two elements of
/// the head for each; fewer than `headDim` where a part of the head turns.
/// Fields of transformers 5, `rope_parameters.*`, or of before: `rope_theta`,
/// `rope_scaling.*`, `partial_rotary_factor`. Computed in f32 step by step, as
/// transformers does. Reports what it does not know and returns nothing then.
/// Where the file does not say which share of a head turns, it is
/// `defaultShare`.
std::vector<float> readRotaryFrequencies(Config &config, int64_t headDim,
                                         double defaultTheta,
                                         double defaultShare = 1);

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_HUB_ROTARYCONFIG_H
