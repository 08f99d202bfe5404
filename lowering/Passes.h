//===- Passes.h - Conversions -----------------------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_PASSES_H
#define MARIMBA_LOWERING_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlir::marimba {

#define GEN_PASS_DECL
#include "lowering/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "lowering/Passes.h.inc"

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_PASSES_H
