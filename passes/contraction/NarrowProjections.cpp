//===- NarrowProjections.cpp - Products in bf16 -----------------*- C++ -*-===//
//
// Part of Marimba. See passes/contraction/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Marimba/IR/ProductAttributes.h"
#include "dialects/Marimba/IR/Quantized.h"
#include "passes/contraction/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/TypeUtilities.h"

#define DEBUG_TYPE "narrow-projections"

namespace mlir::marimba {
#define GEN_PASS_DEF_NARROWPROJECTIONS
#include "passes/contraction/NarrowProjections.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

/// Of bf16, in a row of AMX's registers.
static constexpr int64_t kInputsOfTile = 32;

namespace {

/// One token, or a few, times a quantised weight is no product of bf16.
bool readsQuantized(LinearOp op) {
  ArrayRef<int64_t> shape = op.getInput().getType().getShape();
  return isQuantized(op.getWeight().getType()) &&
         (op.getFewRows() || (shape.size() == 3 && shape[1] == 1));
}

/// Whether the activations would be rounded to bytes otherwise. Tiles take
/// whole registers of inputs.
bool wouldBeBytes(LinearOp op) {
  Type weight = op.getWeight().getType();
  if (!isQuantized(weight) || op->hasAttr(kExactProductsAttr))
    return false;
  formats::Layout layout = layoutOf(cast<RankedTensorType>(weight));
  return layout.encoding.hasIntegers() && layout.inputs % kInputsOfTile == 0;
}

/// Experts that are stored as f32 are read as f32: as bf16 they would be
/// rounded in every call.
bool readsFloats(GroupedMatmulOp op) {
  return !getElementTypeOrSelf(op.getUp()).isBF16() ||
         (op.getGate() && !getElementTypeOrSelf(op.getGate()).isBF16());
}

struct NarrowProjectionsPass
    : mlir::marimba::impl::NarrowProjectionsBase<NarrowProjectionsPass> {
  using Base::Base;

  void runOnOperation() override {
    OpBuilder builder(&getContext());
    // Projections of one tensor share its rounded copy.
    DenseMap<Value, Value> narrowed;
    auto narrow = [&](Operation *op, OpOperand &input) {
      ++numNarrowed;
      auto type = cast<RankedTensorType>(input.get().getType());
      Value &rounded = narrowed[input.get()];
      if (!rounded) {
        ++numRounded;
        builder.setInsertionPointAfterValue(input.get());
        rounded = arith::TruncFOp::create(builder, op->getLoc(),
                                          type.clone(builder.getBF16Type()),
                                          input.get());
      }
      input.set(rounded);
    };
    getOperation().walk([&](Operation *op) {
      if (auto linear = dyn_cast<LinearOp>(op)) {
        if (linear.getInput().getType().getElementType().isF32() &&
            !isCompared(linear.getResult()) && !readsQuantized(linear) &&
            (!forBytes || wouldBeBytes(linear)))
          return narrow(op, linear.getInputMutable());
      } else if (auto grouped = dyn_cast<GroupedMatmulOp>(op)) {
        if (!forBytes && getElementTypeOrSelf(grouped.getInput()).isF32() &&
            !readsFloats(grouped))
          return narrow(op, grouped.getInputMutable());
      } else {
        return;
      }
      LDBG() << "not narrowed: " << op->getLoc();
    });
  }
};

} // namespace
