//===- QuantizedMatmul.h - Builds quantized_matmul --------------*- C++ -*-===//
//
// Part of Marimba. Shared by the passes that choose it.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_PASSES_QUANTIZED_QUANTIZEDMATMUL_H
#define MARIMBA_PASSES_QUANTIZED_QUANTIZEDMATMUL_H

#include "dialects/Marimba/IR/Marimba.h"
#include "mlir/IR/Builders.h"

namespace mlir::marimba {

/// A quantised tensor and the index of one of its matrices; null where it is
/// one matrix.
struct QuantizedMatrix {
  Value weight, matrix;
  /// Of a weight [N, K], perhaps a slice of a stack [E, N, K].
  static QuantizedMatrix of(OpBuilder &b, Value weight);
};

/// Whether a sequence has one row here, or a handful.
bool hasFewRows(LinearOp op);

/// `quantized_matmul` of `input` [..., K] with `weight` [N, K], perhaps a slice
/// of a stack, and `bias`, which may be null. With `integers` of activations
/// in 8 bits, which matmuls of the same input share. The result is f32.
Value buildQuantizedMatmul(OpBuilder &b, Location loc, Value input,
                           Value weight, Value bias, bool integers);

} // namespace mlir::marimba

#endif // MARIMBA_PASSES_QUANTIZED_QUANTIZEDMATMUL_H
