//===- ModuleRules.h - What a module written by hand may hold ---*- C++ -*-===//
//
// Part of Marimba. MLIR's parser takes much more than the stages of
// lowering/Pipelines.h are made for: graph regions whose values depend on
// themselves, other dialects, functions that call themselves, arguments that
// no tensor file has. All that is told here, where it stands, before any pass
// runs.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_MODULERULES_H
#define MARIMBA_TOOLS_LIBMARIMBA_MODULERULES_H

#include "mlir/IR/BuiltinOps.h"

namespace marimba {

/// Functions and weights, and nothing else, at the top; in functions one block
/// of ops on tensors and numbers; entries with arguments that the runtime can
/// bind (docs/modules.md). The first fault is a diagnostic at its place.
mlir::LogicalResult checkModuleRules(mlir::ModuleOp module);

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_MODULERULES_H
