//===- MatmulChoice.h - Library, kernel or loops ----------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_MARIMBATOONEDNN_MATMULCHOICE_H
#define MARIMBA_LOWERING_CPU_MARIMBATOONEDNN_MATMULCHOICE_H

#include "dialects/Marimba/IR/Marimba.h"
#include "lowering/CPU/MarimbaToOneDNN/MatmulTable.h"

#include <string>

namespace mlir::marimba {

/// What the choice depends on besides the op.
struct MatmulTarget {
  /// Whether the target multiplies bf16 (AVX512-BF16, AMX), and the library
  /// may.
  bool bf16Dots = false;
  /// With one row: weights of fewer elements are not worth a call.
  int64_t smallestCall = 0;
  /// Whether the library's packed weights are in blocks of 64 channels, which
  /// generated code can stream.
  bool streams = false;
  /// Whether generated kernels compute, and the library nothing but what
  /// `table` says that it does faster with many rows on `unit`, and that only
  /// over the same copies (`streams`).
  bool generated = false;
  const MatmulTable *table = nullptr;
  std::string unit = "";
};

/// Who computes a projection, and why, as a phrase for a remark.
struct MatmulChoice {
  enum Kind {
    Loops,   // linalg, over the weight as it is stored
    Library, // onednn.matmul
    Packed,  // marimba.packed_matmul
  } kind;
  std::string reason;
};

/// Whether a bf16 input is multiplied as f32: the target has no products of
/// bf16, and what the code multiplies are weights that it widens anyway.
bool widensInput(LinearOp op, const MatmulTarget &target);

/// By shape, rows and target.
MatmulChoice chooseMatmul(LinearOp op, const MatmulTarget &target);

/// The element type of the copy that a generated kernel reads: what the input
/// has where that is bf16, or what the weight is stored in; f16 as f32.
Type packedType(LinearOp op);

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_MARIMBATOONEDNN_MATMULCHOICE_H
