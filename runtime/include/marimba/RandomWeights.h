//===- RandomWeights.h - Weights from no file -------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_RANDOMWEIGHTS_H
#define MARIMBA_RUNTIME_RANDOMWEIGHTS_H

#include "marimba/Weights.h"

namespace marimba::rt {

/// Weights for measuring time: the same on every machine, spread as those of a
/// model at the start of its training, so that activations stay of the order of
/// one and nothing becomes infinite, NaN or denormal. What a tensor is for is
/// told by its name:
///
///   *A_log           log(1 + n), n along the last dimension
///   *norm*, *D       1
///   *dt_proj.bias    uniform, -4.6 to -2.3: steps of 0.01 to 0.1
///   other biases     uniform, -0.01 to 0.01
///   all others       uniform with a variance of 1 / last dimension
///
/// Uniform tensors repeat a pattern whose length is prime: gigabytes take as
/// long as copying them.
class RandomWeights : public WeightProvider {
public:
  /// `threads` fill a tensor together.
  explicit RandomWeights(int threads) : threads(threads) {}
  bool fill(const WeightSpec &spec, const MarimbaTensor &tensor,
            std::string &error) const override;

private:
  int threads;
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_RANDOMWEIGHTS_H
