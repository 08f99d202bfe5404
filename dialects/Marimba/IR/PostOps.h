//===- PostOps.h - [silu, mul(%m : type)] -----------------------*- C++ -*-===//
//
// Part of Marimba. For the definitions of ops that have post-ops, of this
// dialect and of others.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_DIALECTS_MARIMBA_IR_POSTOPS_H
#define MARIMBA_DIALECTS_MARIMBA_IR_POSTOPS_H

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Marimba/IR/Verify.h"

namespace mlir::marimba {

// custom<PostOps>($postOps, $postOperands, type($postOperands))
ParseResult
parsePostOps(OpAsmParser &parser, ArrayAttr &postOps,
             SmallVectorImpl<OpAsmParser::UnresolvedOperand> &operands,
             SmallVectorImpl<Type> &types);
void printPostOps(OpAsmPrinter &printer, Operation *op, ArrayAttr postOps,
                  OperandRange operands, TypeRange types);

/// Rows may lie apart, their elements may not.
void requireUnitStride(ShapeChecker &shapes, StringRef name, Value value);

/// Their number, and their operands, whose shape is `letters`.
void checkPostOps(PostOpsInterface op, ShapeChecker &shapes, StringRef letters);

} // namespace mlir::marimba

#endif // MARIMBA_DIALECTS_MARIMBA_IR_POSTOPS_H
