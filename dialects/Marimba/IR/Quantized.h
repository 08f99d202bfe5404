//===- Quantized.h - Types of quantised matrices ----------------*- C++ -*-===//
//
// Part of Marimba. What #marimba.quantized says, as runtime/formats/ has it.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_DIALECTS_MARIMBA_IR_QUANTIZED_H
#define MARIMBA_DIALECTS_MARIMBA_IR_QUANTIZED_H

#include "dialects/Marimba/IR/Marimba.h"
#include "marimba/formats/Layout.h"

namespace mlir::marimba {

namespace formats = ::marimba::formats;

/// f32, f16 or bf16.
Type typeOf(MLIRContext *context, formats::Scalar scalar);

/// The type of matrices [..., N, K] that are stored so.
RankedTensorType quantizedType(MLIRContext *context, ArrayRef<int64_t> shape,
                               const formats::Encoding &encoding);

/// Where the parts of a tensor of such a type are in memory.
formats::Layout layoutOf(RankedTensorType type);

/// The type of `bytes` of a quantised tensor: tensor<bytes x i8>.
RankedTensorType bytesOfQuantized(RankedTensorType type);

} // namespace mlir::marimba

#endif // MARIMBA_DIALECTS_MARIMBA_IR_QUANTIZED_H
