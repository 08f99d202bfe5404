//===- Passes.h - Mixtures of experts ---------------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_PASSES_EXPERTS_PASSES_H
#define MARIMBA_PASSES_EXPERTS_PASSES_H

#include "dialects/Marimba/Transforms/PassStatistic.h"

#include "mlir/Pass/Pass.h"

namespace mlir::marimba {

#define GEN_PASS_DECL
#include "passes/experts/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/experts/Passes.h.inc"

} // namespace mlir::marimba

#endif // MARIMBA_PASSES_EXPERTS_PASSES_H
