//===- MarimbaOps.td - All ops of the dialect -----------------*- tablegen -*-===//
//
// Part of Marimba. One file per subject; this one only collects them.
//
//===----------------------------------------------------------------------===//

include "MarimbaBase.td"
include "ModelOps.td"
include "ContractionOps.td"
include "SSMOps.td"
include "LTIOps.td"
include "LinearAttentionOps.td"
include "AttentionOps.td"
include "MoEOps.td"
include "RotaryOps.td"
include "QuantizedOps.td"
