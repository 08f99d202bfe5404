//===- TriangularSolve.h - Values that depend on earlier ones ---*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_PASSES_RECURRENCE_TRIANGULARSOLVE_H
#define MARIMBA_PASSES_RECURRENCE_TRIANGULARSOLVE_H

#include "passes/recurrence/ChunkBuilder.h"

namespace mlir::marimba {

/// Tokens that depend on each other in registers.
constexpr int64_t kSolveTokens = 16;

/// U of U = right + L U, for L [T, T] whose elements on and above the diagonal
/// count as 0 and are not read. Its rows are those up to `end`, rounded up to
/// kSolveTokens, as many as `lower` and `right` [T, P] have at least; what is
/// in rows behind `end` reaches no row before it. P is a multiple of `lanes`.
/// All of f32. `right` is overwritten.
///
/// Forward substitution: each 16 rows first lose what earlier ones contribute,
/// as a product, and then depend on each other vector by vector.
Value solveUnitLower(ChunkBuilder &b, Value lower, Value right, Value end,
                     int64_t lanes);

} // namespace mlir::marimba

#endif // MARIMBA_PASSES_RECURRENCE_TRIANGULARSOLVE_H
