//===- QuantizedParts.h - Views of a quantised matrix -----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_COMMON_BUILDERS_QUANTIZEDPARTS_H
#define MARIMBA_LOWERING_COMMON_BUILDERS_QUANTIZEDPARTS_H

#include "dialects/Marimba/IR/Quantized.h"
#include "lowering/Common/Builders/KernelBuilder.h"

namespace mlir::marimba {

/// The parts of one matrix as memrefs (formats::Layout), from its bytes.
class QuantizedParts {
public:
  /// `bytes` is the memref of the whole tensor, of the type `stored`; `matrix`
  /// picks one of a stack and may be null.
  QuantizedParts(KernelBuilder &b, Value bytes, RankedTensorType stored,
                 Value matrix);

  const formats::Layout layout;
  Value words;  // [blocks, words, 64] of i32
  Value scales; // [blocks, groups, 64]
  // [blocks, groups, 64], null where there are none:
  Value zeros;    // of i8
  Value minimums; // as scales

  /// W[n, k] in f32: the definition.
  Value element(Value n, Value k) const;
  /// What is subtracted from the codes of `lanes` channels from `lane` on:
  /// their zero points or 8, in f32. Null where nothing is.
  Value zeroPoints(int64_t lanes, Value block, Value group, Value lane) const;

  /// Scales, and minimums, of such channels in f32. Minimums are null where
  /// there are none.
  Value loadScales(int64_t lanes, Value block, Value group, Value lane) const;
  Value loadMinimums(int64_t lanes, Value block, Value group, Value lane) const;

  /// Code `j` of a word of each channel (vector of i32) as f32, minus the
  /// encoding's center or, where it has none, minus `zero` if that is not null.
  Value unpack(Value words, int64_t j, Value zero) const;
  /// `sum` plus the four signed bytes of a word, or of each of a vector of
  /// words.
  Value addBytes(Value words, Value sum) const;

private:
  KernelBuilder &b;
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_COMMON_BUILDERS_QUANTIZEDPARTS_H
