//===- Passes.td - Tensor IR to tensor IR ---------------------*- tablegen -*-===//
//
// Part of Marimba. All folders, for the reference page.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_PASSES_PASSES_TD
#define MARIMBA_PASSES_PASSES_TD

include "passes/recurrence/Passes.td"
include "passes/experts/Passes.td"
include "passes/contraction/Passes.td"
include "passes/quantized/Passes.td"
include "passes/entries/Passes.td"

#endif // MARIMBA_PASSES_PASSES_TD
