//===- Passes.h - Projections and what follows them -------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_PASSES_CONTRACTION_PASSES_H
#define MARIMBA_PASSES_CONTRACTION_PASSES_H

#include "dialects/Marimba/Transforms/PassStatistic.h"

#include "mlir/Pass/Pass.h"

namespace mlir::marimba {

#define GEN_PASS_DECL
#include "passes/contraction/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/contraction/Passes.h.inc"

} // namespace mlir::marimba

#endif // MARIMBA_PASSES_CONTRACTION_PASSES_H
