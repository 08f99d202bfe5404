//===- WeightOperandInterface.cpp - Which operand is a weight -------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/Interfaces/WeightOperandInterface.h"

#include "dialects/Marimba/Interfaces/WeightOperandInterface.cpp.inc"

using namespace mlir;

bool mlir::marimba::isCompared(Value value) {
  return llvm::any_of(value.getUsers(), [](Operation *user) {
    return user->hasTrait<ComparesOperands>();
  });
}
