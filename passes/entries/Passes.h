//===- Passes.h - Entries of a module ---------------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_PASSES_ENTRIES_PASSES_H
#define MARIMBA_PASSES_ENTRIES_PASSES_H

#include "dialects/Marimba/Transforms/PassStatistic.h"

#include "mlir/Pass/Pass.h"

namespace mlir::marimba {

#define GEN_PASS_DECL
#include "passes/entries/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/entries/Passes.h.inc"

} // namespace mlir::marimba

#endif // MARIMBA_PASSES_ENTRIES_PASSES_H
