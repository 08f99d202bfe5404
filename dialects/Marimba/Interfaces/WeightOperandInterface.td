//===- WeightOperandInterface.td - Which operand is a weight --*- tablegen -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_INTERFACES_WEIGHT_OPERAND_INTERFACE_TD
#define MARIMBA_INTERFACES_WEIGHT_OPERAND_INTERFACE_TD

include "mlir/IR/OpBase.td"

def WeightOperandInterface : OpInterface<"WeightOperandInterface"> {
  let description = [{
    An op that reads matrices of weights which may be stored in other ways than
    as floating point. Norms, biases and the parameters of a state-space layer
    are no such weights: ops that read nothing else do not have the interface.
  }];
  let cppNamespace = "::mlir::marimba";
  let methods = [
    InterfaceMethod<
      /*desc=*/"What `operand` is and what may be done to it.",
      /*retTy=*/"::mlir::marimba::WeightOperand",
      /*methodName=*/"getWeightOperand",
      /*args=*/(ins "::mlir::OpOperand &":$operand)
    >,
  ];
}

/// An op whose operands decide what is computed, by which of them is larger: a
/// rounded operand chooses something else, so what makes it is neither narrowed
/// nor quantised.
def ComparesOperands : NativeOpTrait<"ComparesOperands"> {
  let cppNamespace = "::mlir::marimba";
}

#endif // MARIMBA_INTERFACES_WEIGHT_OPERAND_INTERFACE_TD
