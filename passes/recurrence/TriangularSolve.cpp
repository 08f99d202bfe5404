//===- TriangularSolve.cpp - Values that depend on earlier ones -----------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "passes/recurrence/TriangularSolve.h"

using namespace mlir;
using namespace mlir::marimba;

/// Rows [first, first + kSolveTokens) of U, of which `right` has what earlier
/// ones contribute.
static Value solveBlock(ChunkBuilder &b, Value lower, Value right, Value solved,
                        Value first, int64_t lanes) {
  int64_t columns = cast<RankedTensorType>(right.getType()).getDimSize(1);
  auto vector = [&](Value column, ValueRange now) {
    SmallVector<Value> rows;
    Value into = now[0];
    for (int64_t i = 0; i < kSolveTokens; ++i) {
      Value row = b.plus(first, i);
      Value u = b.readVector(right, {row, column}, lanes);
      for (int64_t j = 0; j < i; ++j)
        u = vector::FMAOp::create(
            b, b.spread(lower, {row, b.plus(first, j)}, lanes), rows[j], u);
      rows.push_back(u);
      into = b.writeVector(u, into, {row, column});
    }
    return SmallVector<Value>{into};
  };
  return b.loop(b.index(columns), {solved}, vector, lanes)[0];
}

Value mlir::marimba::solveUnitLower(ChunkBuilder &b, Value lower, Value right,
                                    Value end, int64_t lanes) {
  auto type = cast<RankedTensorType>(right.getType());
  Value solved = b.empty(type.getShape(), type.getElementType());
  int64_t columns = type.getDimSize(1);
  bool single = type.getDimSize(0) == kSolveTokens;
  if (single)
    return solveBlock(b, lower, right, solved, b.index(0), lanes);
  auto block = [&](Value first, ValueRange now) {
    Sizes at = {first, b.attr(0)};
    Sizes size = {b.attr(kSolveTokens), b.attr(columns)};
    Value factors = b.slice(lower, at, {b.attr(kSolveTokens), first}, {0, 1});
    Value earlier = b.corner(now[1], {first, b.attr(columns)});
    Value sums = b.product(factors, earlier, b.slice(now[0], at, size, {0, 1}));
    Value rest = b.insert(sums, now[0], at, size);
    return SmallVector<Value>{rest,
                              solveBlock(b, lower, rest, now[1], first, lanes)};
  };
  return b.loop(end, {right, solved}, block, kSolveTokens)[1];
}
