//===- Passes.h - Conversions for processors --------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_PASSES_H
#define MARIMBA_LOWERING_CPU_PASSES_H

#include "dialects/Marimba/Transforms/PassStatistic.h"
#include "lowering/Target/IntegerUnit.h"

#include "mlir/Pass/Pass.h"

namespace mlir::marimba {

#define GEN_PASS_DECL
#include "lowering/CPU/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "lowering/CPU/Passes.h.inc"

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_PASSES_H
