//===- Consumers.h - From sums to outputs -----------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_CONTRACTION_CONSUMERS_H
#define MARIMBA_LOWERING_CPU_CONTRACTION_CONSUMERS_H

#include "lowering/Common/Builders/PostOps.h"

namespace mlir::marimba {

/// What a contraction with a weight [N, K] works on besides its inputs.
struct ContractionOperands {
  Value words;          // [blocks, words, 64] of i32 or f32
  Value bias;           // [N]; may be null
  Value output;         // [..., N]
  int64_t channels = 0; // N: those of the weight that are not padding
  SmallVector<PostOp> postOps = {};
};

/// Makes outputs of a tile's sums: bias, then the post-ops in their order.
class Consumers {
public:
  static constexpr int64_t kChannels = 64; // of a block of weights

  Consumers(KernelBuilder &b, int64_t lanes,
            const ContractionOperands &operands)
      : b(b), lanes(lanes), operands(operands) {}

  /// Whether the output's old value counts.
  bool readsOutput() const;
  /// One vector of sums for each of `rows`, which are the indices before the
  /// last one and may be there twice; from `channel` on, of which the whole
  /// vector may be padding.
  void store(ArrayRef<SmallVector<Value>> rows, Value channel, ValueRange sums);

private:
  KernelBuilder &b;
  int64_t lanes;
  const ContractionOperands &operands;
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_CONTRACTION_CONSUMERS_H
