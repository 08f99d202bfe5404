//===- Activations.h - softplus and silu inside kernels ---------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_MARIMBATOVECTOR_ACTIVATIONS_H
#define MARIMBA_LOWERING_MARIMBATOVECTOR_ACTIVATIONS_H

#include "lowering/Common/KernelBuilder.h"

namespace mlir::marimba {

/// exp(x) = 2^(x log2 e)
inline constexpr double kLog2E = 1.44269504088896341;

/// x / (1 + exp(-x)) and max(x, 0) + log1p(exp(-|x|)), the logarithm as a
/// polynomial of degree 9 on [0, 1] (Remez; 6.5e-8 relative). Both with the
/// fast exponential; docs/numerics.md has their errors.
Value kernelSilu(KernelBuilder &b, Value x);
Value kernelSoftplus(KernelBuilder &b, Value x);

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_MARIMBATOVECTOR_ACTIVATIONS_H
