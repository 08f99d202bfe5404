//===- EntryRules.h - Entries of modules written by hand --------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_ENTRYRULES_H
#define MARIMBA_TOOLS_LIBMARIMBA_ENTRYRULES_H

#include "mlir/IR/BuiltinOps.h"
#include <string>

namespace marimba {

/// Each function with `marimba.entry` has a name that no other entry has, and
/// arguments that are named inputs, states, outputs or, in `prepare`, derived
/// weights, of types that a file of tensors has. The first fault is a
/// diagnostic at the argument.
mlir::LogicalResult checkEntries(mlir::ModuleOp module);

/// What is wrong with the rank or the static sizes of `type`, as the rest of a
/// message; empty where nothing is.
std::string checkTensorSize(mlir::ShapedType type);

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_ENTRYRULES_H
