//===- PostOpsInterface.td - What a matmul does to its sums ---*- tablegen -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_INTERFACES_POST_OPS_INTERFACE_TD
#define MARIMBA_INTERFACES_POST_OPS_INTERFACE_TD

include "mlir/IR/OpBase.td"

def PostOpsInterface : OpInterface<"PostOpsInterface"> {
  let description = [{
    A matmul in destination style that goes on with its sums `r` before it
    stores them to y, in the order of `post_ops`:

    | post-op | meaning |
    |---|---|
    | `sum` | `r = r + y`, with the old value of the destination: the residual sum |
    | `silu` | `r = r * sigmoid(r)` |
    | `mul(%m)` | `r = r * m`, element by element |
    | `add(%m)` | `r = r + m`, element by element |
    | `scale(f)` | `r = f * r`; not of `onednn.matmul` |
    | `relu2` | `r = max(r, 0)^2` |

    At most four, `sum` at most once. Operands have y's shape.
  }];
  let cppNamespace = "::mlir::marimba";
  let methods = [
    InterfaceMethod<"Kinds, of PostOpKindAttr, and the factors of scales.",
                    "::mlir::ArrayAttr", "getPostOps">,
    InterfaceMethod<"Whether `scale` may be one of them.", "bool", "canScale",
                    (ins), "", "return true;">,
    InterfaceMethod<"", "void", "setPostOpsAttr",
                    (ins "::mlir::ArrayAttr":$kinds)>,
    InterfaceMethod<"Operands of those that take one, in their order.",
                    "::mlir::OperandRange", "getPostOperands">,
    InterfaceMethod<"", "::mlir::MutableOperandRange",
                    "getPostOperandsMutable">,
    InterfaceMethod<"", "::mlir::MutableOperandRange", "getDpsInitsMutable">,
  ];
  let extraSharedClassDeclaration = [{
    /// A matmul has at most so many post-ops (MARIMBA_MAX_POST_OPS).
    static constexpr size_t kMostPostOps = 4;
    ::llvm::SmallVector<::mlir::marimba::PostOpKind> getPostOpKinds() {
      return ::mlir::marimba::postOpKindsOf($_op.getPostOps());
    }
    /// Whether the destination's old value is read.
    bool readsDestination() {
      return ::mlir::marimba::hasSum($_op.getPostOps());
    }
    /// Adds a post-op after those that are there; `operand` where it takes
    /// one.
    void appendPostOp(::mlir::marimba::PostOpKind kind,
                      ::mlir::Value operand = {}) {
      $_op.setPostOpsAttr(
          ::mlir::marimba::withPostOp($_op.getPostOps(), kind));
      if (operand)
        $_op.getPostOperandsMutable().append(operand);
    }
    /// Adds a product with `factor` after those that are there.
    void appendScale(::mlir::FloatAttr factor) {
      $_op.setPostOpsAttr(
          ::mlir::marimba::withScale($_op.getPostOps(), factor));
    }
  }];
}

#endif // MARIMBA_INTERFACES_POST_OPS_INTERFACE_TD
