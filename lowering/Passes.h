//===- Passes.h - Conversions -----------------------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_PASSES_H
#define MARIMBA_LOWERING_PASSES_H

#include "lowering/CPU/Passes.h"
#include "lowering/Common/Passes.h"

namespace mlir::marimba {

/// Makes every pass of lowering/ known by its name.
inline void registerMarimbaLoweringPasses() {
  registerMarimbaCPULoweringPasses();
  registerMarimbaCommonLoweringPasses();
}

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_PASSES_H
