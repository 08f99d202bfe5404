//===- NarrowProjections.cpp - Products in bf16 -----------------*- C++ -*-===//
//
// Part of Marimba. See passes/contraction/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "passes/contraction/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

#define DEBUG_TYPE "narrow-projections"

namespace mlir::marimba {
#define GEN_PASS_DEF_NARROWPROJECTIONS
#include "passes/contraction/NarrowProjections.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// One token, or a few, times a quantised weight is no product of bf16.
bool readsQuantized(LinearOp op) {
  ArrayRef<int64_t> shape = op.getInput().getType().getShape();
  return isQuantized(op.getWeight().getType()) &&
         (op.getFewRows() || (shape.size() == 3 && shape[1] == 1));
}

struct NarrowProjectionsPass
    : mlir::marimba::impl::NarrowProjectionsBase<NarrowProjectionsPass> {
  void runOnOperation() override {
    OpBuilder builder(&getContext());
    // Projections of one tensor share its rounded copy.
    DenseMap<Value, Value> narrowed;
    getOperation().walk([&](LinearOp op) {
      Value input = op.getInput();
      auto type = cast<RankedTensorType>(input.getType());
      if (!type.getElementType().isF32() || isCompared(op.getResult()) ||
          readsQuantized(op)) {
        LDBG() << "not narrowed: " << op.getLoc();
        return;
      }
      ++numNarrowed;
      Value &narrow = narrowed[input];
      if (!narrow) {
        ++numRounded;
        builder.setInsertionPointAfterValue(input);
        narrow = arith::TruncFOp::create(
            builder, op.getLoc(), type.clone(builder.getBF16Type()), input);
      }
      op.getInputMutable().assign(narrow);
    });
  }
};

} // namespace
