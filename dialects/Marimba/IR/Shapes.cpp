//===- Shapes.cpp - How the sizes and indices of an op relate -------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Shapes.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::marimba;

OpShapes mlir::marimba::shapesOfOp(Operation *op) {
  return llvm::TypeSwitch<Operation *, OpShapes>(op)
      .Case<
#define GET_OP_LIST
#include "dialects/Marimba/IR/MarimbaOps.cpp.inc"
          >([](auto known) { return shapesOf(known); })
      .Default([](Operation *) { return OpShapes(); });
}
