//===- Marimba.h - The model dialect ----------------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_DIALECTS_MARIMBA_IR_MARIMBA_H
#define MARIMBA_DIALECTS_MARIMBA_IR_MARIMBA_H

#include "dialects/Marimba/Interfaces/PostOpsInterface.h"
#include "dialects/Marimba/Interfaces/RecurrenceOpInterface.h"
#include "dialects/Marimba/Interfaces/WeightOperandInterface.h"
#include "dialects/Marimba/Interfaces/WorkOpInterface.h"
#include "marimba/formats/Layout.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/TensorEncoding.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/TilingInterface.h"

#include "dialects/Marimba/IR/MarimbaDialect.h.inc"
#include "dialects/Marimba/IR/MarimbaEnums.h.inc"

namespace mlir::marimba {
/// An operand in the words of the dialect's description: "u", "B T D".
struct OperandShape {
  llvm::StringLiteral name;
  llvm::StringLiteral letters;
};
} // namespace mlir::marimba

namespace mlir::marimba {
/// Whether `type` is a tensor with the encoding #marimba.quantized.
bool isQuantized(Type type);
} // namespace mlir::marimba

#define GET_ATTRDEF_CLASSES
#include "dialects/Marimba/IR/MarimbaAttributes.h.inc"

#define GET_OP_CLASSES
#include "dialects/Marimba/IR/MarimbaOps.h.inc"

namespace mlir::marimba {

// Names of discardable attributes on functions, their arguments and the module.
// One place, because importer, passes and lowering all speak them;
// DiscardableAttributes.cpp verifies them.

/// Module: the family of the model, e.g. "jamba".
inline constexpr llvm::StringLiteral kFamilyAttr = "marimba.family";
/// Function: what it is to the caller: "prepare", "prefill" or "decode".
inline constexpr llvm::StringLiteral kEntryAttr = "marimba.entry";
/// Function: shared by all layers of one kind; the value names the kind.
inline constexpr llvm::StringLiteral kLayerAttr = "marimba.layer";
/// Argument of an entry: a named input, state, output or derived weight.
inline constexpr llvm::StringLiteral kInputAttr = "marimba.input";
inline constexpr llvm::StringLiteral kStateAttr = "marimba.state";
inline constexpr llvm::StringLiteral kOutputAttr = "marimba.output";
inline constexpr llvm::StringLiteral kWeightAttr = "marimba.weight";
/// Argument of the prefill entry: the dimension, of i64, that counts tokens, of
/// which a decode entry has one (--specialize-decode).
inline constexpr llvm::StringLiteral kTimeAttr = "marimba.time";

/// Verifies `marimba.time`: a dimension of argument `arg`, which is shaped, of
/// the function `op`, and open or of size 1. Types that are lowered to
/// something without dimensions pass.
LogicalResult verifyTimeAttribute(Operation *op, unsigned arg,
                                  NamedAttribute attribute);
/// Argument of a layer function: what its layers call it, e.g. "in_proj".
inline constexpr llvm::StringLiteral kNameAttr = "marimba.name";

} // namespace mlir::marimba

#endif // MARIMBA_DIALECTS_MARIMBA_IR_MARIMBA_H
