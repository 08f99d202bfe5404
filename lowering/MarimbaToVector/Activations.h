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

/// x / (1 + 2^(-x log2 e)). The product with log2 e rounds: the error relative
/// to the result is about 1e-7 (1 + |x|) for negative x.
Value kernelSilu(KernelBuilder &b, Value x);

/// max(x, 0) + log1p(2^(-|x| log2 e)), the logarithm as a polynomial of degree
/// 9 on [0, 1] (Remez; 6.5e-8 relative); error as for silu.
Value kernelSoftplus(KernelBuilder &b, Value x);

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_MARIMBATOVECTOR_ACTIVATIONS_H
