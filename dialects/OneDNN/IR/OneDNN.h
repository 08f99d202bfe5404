//===- OneDNN.h - What becomes a oneDNN primitive ---------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_DIALECTS_ONEDNN_IR_ONEDNN_H
#define MARIMBA_DIALECTS_ONEDNN_IR_ONEDNN_H

#include "dialects/Marimba/IR/Marimba.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/OneDNN/IR/OneDNNDialect.h.inc"

#define GET_OP_CLASSES
#include "dialects/OneDNN/IR/OneDNNOps.h.inc"

#endif // MARIMBA_DIALECTS_ONEDNN_IR_ONEDNN_H
