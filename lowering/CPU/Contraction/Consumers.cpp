//===- Consumers.cpp - From sums to outputs ---------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/Contraction/Consumers.h"

using namespace mlir;
using namespace mlir::marimba;

bool Consumers::readsOutput() const {
  return llvm::any_of(operands.postOps, [](const PostOp &post) {
    return post.kind == PostOpKind::Sum;
  });
}

void Consumers::store(ArrayRef<SmallVector<Value>> rows, Value channel,
                      ValueRange sums) {
  // Channels of the last block that are padding.
  Value mask;
  if (operands.channels % kChannels)
    mask = b.maskFrom(lanes, channel, operands.channels);
  Value bias = operands.bias ? b.loadVector(lanes, operands.bias, channel, mask)
                             : Value();
  // All of a tile's rows are read before one is written: one that is there
  // twice is summed up once.
  SmallVector<Value> results;
  for (auto [row, sum] : llvm::zip_equal(rows, sums)) {
    Value result = bias ? b.add(sum, bias) : sum;
    results.push_back(
        applyPostOps(b, operands.postOps, result, [&](Value operand) {
          return b.loadVector(lanes, operand ? operand : operands.output,
                              elementOf(row, channel), mask);
        }));
  }
  for (auto [row, result] : llvm::zip_equal(rows, results))
    b.storeVector(result, operands.output, elementOf(row, channel), mask);
}
