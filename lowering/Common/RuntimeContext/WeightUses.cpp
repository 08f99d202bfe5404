//===- WeightUses.cpp - How a module reads its weights ----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/Common/RuntimeContext/WeightUses.h"

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/OneDNN/IR/OneDNN.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::marimba;

static void join(WeightUse &use, const WeightUse &other) {
  if (use.packed && other.packed && use.packed != other.packed)
    use.stored = true;
  use.packed = !use.packed                                   ? other.packed
               : !other.packed || use.packed == other.packed ? use.packed
                                                             : Type();
  use.blocks |= other.blocks;
  use.apart |= other.apart;
  use.stored |= other.stored;
}

/// Whether `view` is one matrix of the stack that it is taken from.
static bool isWholeMatrix(memref::SubViewOp view) {
  MemRefType from = view.getSourceType(), to = view.getType();
  if (from.getRank() < 3 || to.getRank() < 2 || !from.hasStaticShape() ||
      !to.hasStaticShape() ||
      from.getShape().take_back(2) != to.getShape().take_back(2) ||
      to.getNumElements() != from.getDimSize(from.getRank() - 1) *
                                 from.getDimSize(from.getRank() - 2))
    return false;
  auto all = [](ArrayRef<int64_t> values, int64_t expected) {
    return llvm::all_of(values, [=](int64_t v) { return v == expected; });
  };
  return all(view.getStaticOffsets().take_back(2), 0) &&
         all(view.getStaticStrides(), 1);
}

WeightUse WeightUses::usesOf(Value value) {
  if (auto it = byValue.find(value); it != byValue.end())
    return it->second;
  // Functions that call each other in circles end here.
  byValue[value] = {.stored = true};
  WeightUse result;
  for (OpOperand &operand : value.getUses()) {
    Operation *op = operand.getOwner();
    if (auto matmul = dyn_cast<onednn::MatmulOp>(op);
        matmul && operand.get() == matmul.getWeight() &&
        operand.get() != matmul.getBias()) {
      join(result,
           {.packed = getElementTypeOrSelf(matmul.getInput().getType())});
    } else if (auto packed = dyn_cast<PackedMatmulOp>(op);
               packed && operand.get() == packed.getWeight() &&
               operand.get() != packed.getBias()) {
      join(result, {.packed = packed.getPacked(), .blocks = true});
    } else if (auto rows = dyn_cast<PackedEmbeddingOp>(op)) {
      join(result, {.packed = rows.getPacked(), .blocks = true});
    } else if (isa<GroupedMatmulOp>(op)) {
      join(result, {.apart = true});
    } else if (isa<memref::DimOp>(op)) {
      // Its size is no part of it.
    } else if (auto cast = dyn_cast<memref::CastOp>(op)) {
      join(result, usesOf(cast));
    } else if (auto view = dyn_cast<memref::SubViewOp>(op);
               view && isWholeMatrix(view)) {
      join(result, usesOf(view));
    } else if (auto call = dyn_cast<func::CallOp>(op)) {
      auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
      if (callee && callee.isPrivate() && !callee.isExternal())
        join(result, usesOf(callee.getArgument(operand.getOperandNumber())));
      else
        result.stored = true;
    } else {
      result.stored = true;
    }
  }
  return byValue[value] = result;
}

WeightUses::WeightUses(ModuleOp module) : symbols(module) {
  module.walk([&](GetWeightOp get) {
    auto [it, fresh] = byName.try_emplace(get.getWeight());
    join(it->second, usesOf(get->getResult(0)));
  });
}
