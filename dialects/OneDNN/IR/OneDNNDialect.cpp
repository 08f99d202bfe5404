//===- OneDNNDialect.cpp - What becomes a oneDNN primitive ----------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/OneDNN/IR/OneDNN.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::onednn;

#include "dialects/OneDNN/IR/OneDNNDialect.cpp.inc"

void OneDNNDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/OneDNN/IR/OneDNNOps.cpp.inc"
      >();
}
