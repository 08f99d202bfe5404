//===- Passes.h - Tensor IR to tensor IR ------------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_PASSES_PASSES_H
#define MARIMBA_PASSES_PASSES_H

#include "passes/contraction/Passes.h"
#include "passes/entries/Passes.h"
#include "passes/experts/Passes.h"
#include "passes/quantized/Passes.h"
#include "passes/recurrence/Passes.h"

namespace mlir::marimba {

/// Makes every pass of passes/ known by its name.
inline void registerMarimbaPasses() {
  registerMarimbaRecurrencePasses();
  registerMarimbaExpertsPasses();
  registerMarimbaContractionPasses();
  registerMarimbaQuantizedPasses();
  registerMarimbaEntriesPasses();
}

} // namespace mlir::marimba

#endif // MARIMBA_PASSES_PASSES_H
