//===- Quantized.h - Where the parts of a matrix lie ------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_DIALECTS_MARIMBA_IR_QUANTIZED_H
#define MARIMBA_DIALECTS_MARIMBA_IR_QUANTIZED_H

#include "dialects/Marimba/IR/Marimba.h"

namespace mlir::marimba {

/// The memory of a quantised tensor, a matrix [N, K] or a stack of them
/// (docs/quantization.md). All of one matrix lies together:
///
///   codes   [blocks, depth / codesPerWord, 64] words of 32 bits, i.e.
///           8 bits: [blocks, depth / 4, 64, 4] bytes
///           4 bits: [blocks, depth / 8, 64, 4] bytes; byte j of a word holds
///                   input j of its eight in the low half, j + 4 in the high
///   scales  [blocks, groups, 64]
///   zeros   [blocks, groups, 64] bytes, where there are zero points
struct QuantizedLayout {
  static constexpr int64_t kChannels = 64; // of a block
  static constexpr int64_t kDepth = 64;    // K is padded to a multiple

  /// Of a type with the encoding #marimba.quantized.
  static QuantizedLayout of(RankedTensorType type);
  static QuantizedLayout of(int64_t matrices, int64_t channels, int64_t inputs,
                            unsigned bits, int64_t group, Type scale,
                            bool zeroPoint);

  int64_t matrices = 1;
  int64_t channels = 0, inputs = 0; // N, K
  unsigned bits = 8;
  int64_t blocks = 0; // of 64 channels
  int64_t depth = 0;  // K with its padding
  int64_t group = 0;  // inputs of a group: `depth` where there is one
  int64_t groups = 0; // of a channel
  Type scale;
  bool zeroPoint = false;

  /// Codes in a word of 32 bits, and words of a channel.
  int64_t codesPerWord() const { return 32 / bits; }
  int64_t words() const { return depth / codesPerWord(); }
  int64_t codeBytes() const { return blocks * words() * kChannels * 4; }
  int64_t scaleBytes() const {
    return blocks * groups * kChannels * scale.getIntOrFloatBitWidth() / 8;
  }
  int64_t zeroBytes() const {
    return zeroPoint ? blocks * groups * kChannels : 0;
  }
  int64_t matrixBytes() const {
    return codeBytes() + scaleBytes() + zeroBytes();
  }
  /// Of all matrices.
  int64_t bytes() const { return matrices * matrixBytes(); }
};

/// The type of `bytes` of a quantised tensor: tensor<bytes x i8>.
RankedTensorType bytesOfQuantized(RankedTensorType type);

} // namespace mlir::marimba

#endif // MARIMBA_DIALECTS_MARIMBA_IR_QUANTIZED_H
