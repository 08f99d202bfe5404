//===- Passes.h - Conversions that every target has -------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_COMMON_PASSES_H
#define MARIMBA_LOWERING_COMMON_PASSES_H

#include "dialects/Marimba/Transforms/PassStatistic.h"

#include "mlir/Pass/Pass.h"

namespace mlir::marimba {

#define GEN_PASS_DECL
#include "lowering/Common/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "lowering/Common/Passes.h.inc"

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_COMMON_PASSES_H
