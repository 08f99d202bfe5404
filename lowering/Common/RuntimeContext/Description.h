//===- Description.h - The description in a compiled module -----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_COMMON_RUNTIMECONTEXT_DESCRIPTION_H
#define MARIMBA_LOWERING_COMMON_RUNTIMECONTEXT_DESCRIPTION_H

#include "llvm/ADT/StringRef.h"
#include <string>

namespace mlir {
class ModuleOp;
namespace marimba {

/// JSON text with the module's weights and the arguments of its entries, in
/// the order of the tables of MarimbaCall (docs/abi.md).
std::string describeModule(ModuleOp module);

/// Adds `text`, zero-terminated, as a constant that other programs can find by
/// the name `symbol`.
void addText(ModuleOp module, llvm::StringRef symbol, llvm::StringRef text);

} // namespace marimba
} // namespace mlir

#endif // MARIMBA_LOWERING_COMMON_RUNTIMECONTEXT_DESCRIPTION_H
