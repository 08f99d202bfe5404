//===- PostOps.h - What a matmul does to its sums ---------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_COMMON_BUILDERS_POSTOPS_H
#define MARIMBA_LOWERING_COMMON_BUILDERS_POSTOPS_H

#include "dialects/Marimba/IR/Marimba.h"
#include "lowering/Common/Builders/KernelBuilder.h"

namespace mlir::marimba {

/// One post-op of a matmul on memrefs.
struct PostOp {
  PostOpKind kind;
  Value operand;     // null where the kind takes none
  double factor = 1; // of Scale
};

/// Those of `op`, in their order.
SmallVector<PostOp> postOpsOf(PostOpsInterface op);

/// `sum`, a scalar or a vector, after `postOps`; `load` reads what lies at its
/// place in an operand, or in the destination, which it gets as null.
Value applyPostOps(KernelBuilder &b, ArrayRef<PostOp> postOps, Value sum,
                   llvm::function_ref<Value(Value)> load);

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_COMMON_BUILDERS_POSTOPS_H
