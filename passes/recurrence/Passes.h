//===- Passes.h - Scans and other recurrences -------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_PASSES_RECURRENCE_PASSES_H
#define MARIMBA_PASSES_RECURRENCE_PASSES_H

#include "dialects/Marimba/Transforms/PassStatistic.h"

#include "mlir/Pass/Pass.h"

namespace mlir::marimba {

#define GEN_PASS_DECL
#include "passes/recurrence/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/recurrence/Passes.h.inc"

} // namespace mlir::marimba

#endif // MARIMBA_PASSES_RECURRENCE_PASSES_H
