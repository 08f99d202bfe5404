//===- MarimbaDialect.cpp - The model dialect -----------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include "dialects/Marimba/IR/OpDefinitions.h"

using namespace mlir;
using namespace mlir::marimba;

#include "dialects/Marimba/IR/MarimbaDialect.cpp.inc"
#include "dialects/Marimba/IR/MarimbaEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Marimba/IR/MarimbaAttributes.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/Marimba/IR/MarimbaOps.cpp.inc"

void MarimbaDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Marimba/IR/MarimbaAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Marimba/IR/MarimbaOps.cpp.inc"
      >();
}
