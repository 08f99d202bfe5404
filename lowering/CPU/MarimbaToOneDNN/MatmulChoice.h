//===- MatmulChoice.h - Library or loops ------------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_MARIMBATOONEDNN_MATMULCHOICE_H
#define MARIMBA_LOWERING_CPU_MARIMBATOONEDNN_MATMULCHOICE_H

#include "dialects/Marimba/IR/Marimba.h"

#include <string>

namespace mlir::marimba {

/// What the choice depends on besides the op.
struct MatmulTarget {
  /// Whether the target multiplies bf16 (AVX512-BF16, AMX), and the library
  /// may.
  bool bf16Dots = false;
  /// With one row: weights of fewer elements are not worth a call.
  int64_t smallestCall = 0;
  /// Whether packed weights are in blocks of 64 channels, which generated code
  /// can stream.
  bool streams = false;
};

/// Who computes a projection, and why, as a phrase for a remark.
struct MatmulChoice {
  bool library;
  std::string reason;
  /// Generated code over the library's packed weights; `library` is true.
  bool stream = false;
};

/// Whether the library gets a bf16 input as f32: the target has no products of
/// bf16, and only the library multiplies many rows by quantised weights, which
/// it widens anyway.
bool widensInput(LinearOp op, const MatmulTarget &target);

/// Library, generated code over packed weights, or loops: by shape, rows and
/// target.
MatmulChoice chooseMatmul(LinearOp op, const MatmulTarget &target);

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_MARIMBATOONEDNN_MATMULCHOICE_H
