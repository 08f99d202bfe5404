//===- Runtime.h - What the runtime does for a call -------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_DIALECTS_RUNTIME_IR_RUNTIME_H
#define MARIMBA_DIALECTS_RUNTIME_IR_RUNTIME_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mlir {
class PatternRewriter;
} // namespace mlir

#include "dialects/Runtime/IR/RuntimeDialect.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Runtime/IR/RuntimeTypes.h.inc"

#define GET_OP_CLASSES
#include "dialects/Runtime/IR/RuntimeOps.h.inc"

#endif // MARIMBA_DIALECTS_RUNTIME_IR_RUNTIME_H
