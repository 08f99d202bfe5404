//===- Passes.td - Conversions --------------------------------*- tablegen -*-===//
//
// Part of Marimba. One folder a conversion; Pipelines.cpp knows their order.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_PASSES_TD
#define MARIMBA_LOWERING_PASSES_TD

include "lowering/CPU/Passes.td"
include "lowering/Common/Passes.td"
include "lowering/Target/Passes.td"

#endif // MARIMBA_LOWERING_PASSES_TD
