//===- BFloat16AsBits.cpp - bf16 as what it is in memory --------*- C++ -*-===//
//
// Part of Marimba. See lowering/Common/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "lowering/Common/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/TypeUtilities.h"

#define DEBUG_TYPE "bf16-as-bits"

namespace mlir::marimba {
#define GEN_PASS_DEF_BFLOAT16ASBITS
#include "lowering/Common/BFloat16AsBits.h.inc"
} // namespace mlir::marimba

using namespace mlir;

namespace {

/// bf16 and vectors of it become integers of 16 bits; null for other types.
Type bitsOf(Type type) {
  if (!getElementTypeOrSelf(type).isBF16())
    return {};
  Type bits = IntegerType::get(type.getContext(), 16);
  if (auto vector = dyn_cast<VectorType>(type))
    return vector.clone(bits);
  return type.isBF16() ? bits : Type();
}

Attribute bitsOf(Attribute value, Type type) {
  auto pattern = [](const APFloat &x) { return x.bitcastToAPInt(); };
  if (auto scalar = dyn_cast<FloatAttr>(value))
    return IntegerAttr::get(type, pattern(scalar.getValue()));
  return cast<DenseFPElementsAttr>(value).mapValues(getElementTypeOrSelf(type),
                                                    pattern);
}

struct BFloat16AsBitsPass
    : mlir::marimba::impl::BFloat16AsBitsBase<BFloat16AsBitsPass> {
  void runOnOperation() override {
    // Before anything changes: a message shows the op as it was.
    WalkResult walked = getOperation().walk([&](Operation *op) {
      if (!isa<LLVM::FPExtOp, LLVM::FPTruncOp>(op) || !touches(op))
        return WalkResult::advance();
      op->emitOpError("computes in bf16, expected arith-expand to have "
                      "replaced it");
      return WalkResult::interrupt();
    });
    if (walked.wasInterrupted())
      return signalPassFailure();
    // Intrinsics have the types that they have.
    SmallVector<std::pair<OpOperand *, Type>> fixed;
    getOperation().walk([&](LLVM::CallIntrinsicOp call) {
      for (OpOperand &operand : call->getOpOperands())
        if (bitsOf(operand.get().getType()))
          fixed.push_back({&operand, operand.get().getType()});
    });
    SmallVector<OpResult> made;
    SmallVector<LLVM::BitcastOp> noCasts;
    getOperation().walk([&](Operation *op) {
      for (Region &region : op->getRegions())
        for (Block &block : region)
          for (BlockArgument argument : block.getArguments())
            if (Type bits = bitsOf(argument.getType()))
              argument.setType(bits);
      for (OpResult result : op->getResults())
        if (Type bits = bitsOf(result.getType())) {
          if (isa<LLVM::CallIntrinsicOp>(op)) {
            made.push_back(result);
            continue;
          }
          LDBG(2) << "as bits: " << *op;
          ++numValues;
          result.setType(bits);
          if (auto constant = dyn_cast<LLVM::ConstantOp>(op))
            constant.setValueAttr(bitsOf(constant.getValue(), bits));
        }
      if (auto cast = dyn_cast<LLVM::BitcastOp>(op))
        noCasts.push_back(cast);
    });
    for (OpResult result : made) {
      OpBuilder b(result.getContext());
      b.setInsertionPointAfter(result.getOwner());
      auto cast = LLVM::BitcastOp::create(b, result.getLoc(),
                                          bitsOf(result.getType()), result);
      result.replaceAllUsesExcept(cast, cast);
    }
    for (LLVM::BitcastOp cast : noCasts)
      if (cast.getArg().getType() == cast.getType()) {
        cast.replaceAllUsesWith(cast.getArg());
        cast.erase();
      }
    for (auto [operand, type] : fixed) {
      OpBuilder b(operand->getOwner());
      operand->set(LLVM::BitcastOp::create(b, operand->getOwner()->getLoc(),
                                           type, operand->get()));
    }
  }

private:
  static bool touches(Operation *op) {
    return getElementTypeOrSelf(op->getOperand(0).getType()).isBF16() ||
           getElementTypeOrSelf(op->getResult(0).getType()).isBF16();
  }
};

} // namespace
