//===- Passes.h - Parts of every pipeline -----------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_TARGET_PASSES_H
#define MARIMBA_LOWERING_TARGET_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlir {
class ModuleOp;
} // namespace mlir

namespace mlir::marimba {

#define GEN_PASS_DECL
#include "lowering/Target/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "lowering/Target/Passes.h.inc"

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_TARGET_PASSES_H
