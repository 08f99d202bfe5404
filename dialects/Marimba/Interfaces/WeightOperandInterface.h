//===- WeightOperandInterface.h - Which operand is a weight -----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_DIALECTS_MARIMBA_INTERFACES_WEIGHTOPERANDINTERFACE_H
#define MARIMBA_DIALECTS_MARIMBA_INTERFACES_WEIGHTOPERANDINTERFACE_H

#include "mlir/IR/OpDefinition.h"

namespace mlir::marimba {

enum class WeightRole {
  None,       // no matrix of weights
  Projection, // [..., out, in], whose products with activations are summed up
  Table,      // [V, H], of which tokens read a row each
  Stored,     // quantised, in the layout of its format
};

struct WeightOperand {
  WeightRole role = WeightRole::None;
  /// Whether it may be quantised, and products with it narrowed.
  bool quantize = false;
  /// Whether the op reads a quantised one as its bytes, too.
  bool readsBytes = false;
};

/// See ComparesOperands in WeightOperandInterface.td.
template <typename ConcreteType>
class ComparesOperands
    : public OpTrait::TraitBase<ConcreteType, ComparesOperands> {};

/// Whether an op compares `value` with others: it must not be rounded.
bool isCompared(Value value);

} // namespace mlir::marimba

#include "dialects/Marimba/Interfaces/WeightOperandInterface.h.inc"

#endif // MARIMBA_DIALECTS_MARIMBA_INTERFACES_WEIGHTOPERANDINTERFACE_H
