//===- PostOpsInterface.h - What a matmul does to its sums ------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_DIALECTS_MARIMBA_INTERFACES_POSTOPSINTERFACE_H
#define MARIMBA_DIALECTS_MARIMBA_INTERFACES_POSTOPSINTERFACE_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/OpDefinition.h"

namespace mlir::marimba {

/// Defined with the dialect's other enums.
enum class PostOpKind : uint32_t;

/// Whether a post-op takes an operand.
bool takesOperand(PostOpKind kind);

// Of the attribute `post_ops`, implemented beside the attribute
// (IR/PostOps.cpp).
SmallVector<PostOpKind> postOpKindsOf(ArrayAttr postOps);
bool hasSum(ArrayAttr postOps);
/// The factor of a post-op of the list that is a scale; 1 for others.
double factorOf(Attribute postOp);
/// The list with one more at its end; no scale, or one.
ArrayAttr withPostOp(ArrayAttr postOps, PostOpKind kind);
ArrayAttr withScale(ArrayAttr postOps, FloatAttr factor);

} // namespace mlir::marimba

#include "dialects/Marimba/Interfaces/PostOpsInterface.h.inc"

#endif // MARIMBA_DIALECTS_MARIMBA_INTERFACES_POSTOPSINTERFACE_H
