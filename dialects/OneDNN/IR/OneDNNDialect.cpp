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
#include "dialects/OneDNN/IR/OneDNNEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/OneDNN/IR/OneDNNAttributes.cpp.inc"

void OneDNNDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/OneDNN/IR/OneDNNAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/OneDNN/IR/OneDNNOps.cpp.inc"
      >();
}
