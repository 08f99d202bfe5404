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

/// Activations in 8 bits: none, with a scale for each group of inputs, or with
/// one for all inputs of a row.
enum class RowScales { None, Groups, OneARow };

/// `quantized_matmul` of `input` [..., K] with `weight` [N, K], perhaps a slice
/// of a stack, and `bias`, which may be null. Activations in 8 bits are shared
/// by matmuls of the same input. The result is f32.
Value buildQuantizedMatmul(OpBuilder &b, Location loc, Value input,
                           Value weight, Value bias, RowScales activations);

} // namespace mlir::marimba

#endif // MARIMBA_PASSES_QUANTIZED_QUANTIZEDMATMUL_H
