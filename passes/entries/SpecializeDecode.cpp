//===- SpecializeDecode.cpp - An entry for one token a row -*- C++ -*-===//
//
// Part of Marimba. See passes/entries/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "passes/entries/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::marimba {
#define GEN_PASS_DEF_SPECIALIZEDECODE
#include "passes/entries/SpecializeDecode.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// The dimension of a tensor that is time: the second of two leading dynamic
/// ones (behind an optional static one: [layers, B, T, H]). -1 where there is
/// none: states and caches have static dimensions behind the batch.
int64_t timeDimension(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return -1;
  for (int64_t first : {0, 1})
    if (tensor.getRank() > first + 1 + first && tensor.isDynamicDim(first) &&
        tensor.isDynamicDim(first + 1))
      return first + 1;
  return -1;
}

Type withTimeOne(Type type) {
  int64_t time = timeDimension(type);
  if (time < 0)
    return type;
  auto tensor = cast<RankedTensorType>(type);
  SmallVector<int64_t> shape(tensor.getShape());
  shape[time] = 1;
  return tensor.clone(shape);
}

/// Sets dimension `time` of a mixed list of sizes to 1.
SmallVector<OpFoldResult>
withTimeOne(OpBuilder &b, SmallVector<OpFoldResult> sizes, int64_t time) {
  if (time >= 0)
    sizes[time] = b.getIndexAttr(1);
  return sizes;
}

/// Rebuilds ops that carry sizes as operands; all others only change types.
/// `time` is the time dimension of the op's (old) shape.
void specialize(Operation *op) {
  OpBuilder b(op);
  Location loc = op->getLoc();
  if (auto empty = dyn_cast<tensor::EmptyOp>(op)) {
    int64_t time = timeDimension(empty.getType());
    if (time < 0)
      return;
    op->replaceAllUsesWith(tensor::EmptyOp::create(
        b, loc, withTimeOne(b, empty.getMixedSizes(), time),
        empty.getType().getElementType()));
    op->erase();
    return;
  }
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    int64_t time = timeDimension(slice.getType());
    if (time < 0)
      return;
    // Sizes are the source's: count past dimensions that the slice drops.
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    int64_t sourceTime = 0;
    for (int64_t kept = -1;; ++sourceTime)
      if (!dropped[sourceTime] && ++kept == time)
        break;
    op->replaceAllUsesWith(tensor::ExtractSliceOp::create(
        b, loc, cast<RankedTensorType>(withTimeOne(slice.getType())),
        slice.getSource(), slice.getMixedOffsets(),
        withTimeOne(b, slice.getMixedSizes(), sourceTime),
        slice.getMixedStrides()));
    op->erase();
    return;
  }
  if (auto slice = dyn_cast<tensor::InsertSliceOp>(op)) {
    // The destination's type is still the old one, its users follow it.
    Type type = withTimeOne(slice.getDest().getType());
    int64_t time = timeDimension(op->getResult(0).getType());
    slice.getDest().setType(cast<RankedTensorType>(type));
    op->replaceAllUsesWith(tensor::InsertSliceOp::create(
        b, loc, slice.getSource(), slice.getDest(), slice.getMixedOffsets(),
        withTimeOne(b, slice.getMixedSizes(), time), slice.getMixedStrides()));
    op->erase();
    return;
  }
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    int64_t time = timeDimension(expand.getType());
    if (time < 0)
      return;
    SmallVector<OpFoldResult> sizes = getMixedValues(
        expand.getStaticOutputShape(), expand.getOutputShape(), b);
    op->replaceAllUsesWith(tensor::ExpandShapeOp::create(
        b, loc, withTimeOne(expand.getType()), expand.getSrc(),
        expand.getReassociationIndices(), withTimeOne(b, sizes, time)));
    op->erase();
    return;
  }
  for (OpResult result : op->getResults())
    result.setType(withTimeOne(result.getType()));
}

struct SpecializeDecodePass
    : mlir::marimba::impl::SpecializeDecodeBase<SpecializeDecodePass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    func::FuncOp prefill;
    for (auto func : module.getOps<func::FuncOp>()) {
      auto entry = func->getAttrOfType<StringAttr>(kEntryAttr);
      if (entry && entry == "decode")
        return; // written by hand, or done before
      if (entry && entry == "prefill")
        prefill = func;
    }
    if (!prefill)
      return;
    for (unsigned i = 0; i < prefill.getNumArguments(); ++i)
      if (prefill.getArgAttr(i, kStateAttr) &&
          timeDimension(prefill.getArgumentTypes()[i]) >= 0)
        return; // a state that looks like an activation: which is time?

    // Everything that the entry calls, callees last.
    llvm::SetVector<func::FuncOp> reached;
    reached.insert(prefill);
    for (unsigned i = 0; i < reached.size(); ++i) {
      func::FuncOp caller = reached[i];
      caller.walk([&](func::CallOp call) {
        auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
        if (callee && !callee.isExternal())
          reached.insert(callee);
      });
    }

    llvm::DenseMap<StringAttr, StringAttr> clones;
    SmallVector<func::FuncOp> decode;
    for (func::FuncOp func : reached) {
      func::FuncOp clone = func.clone();
      clone.setSymName(func == prefill ? "decode"
                                       : (func.getSymName() + "_decode").str());
      symbols.insert(clone); // renames where the name is taken
      clones[func.getSymNameAttr()] = clone.getSymNameAttr();
      if (func == prefill)
        clone->setAttr(kEntryAttr, StringAttr::get(&getContext(), "decode"));
      decode.push_back(clone);
    }
    for (func::FuncOp func : decode) {
      func.walk([](Block *block) {
        for (BlockArgument arg : block->getArguments())
          arg.setType(withTimeOne(arg.getType()));
      });
      auto type = func.getFunctionType();
      auto convert = [](TypeRange types) {
        return llvm::map_to_vector(types,
                                   [](Type t) { return withTimeOne(t); });
      };
      func.setFunctionType(FunctionType::get(&getContext(),
                                             convert(type.getInputs()),
                                             convert(type.getResults())));
      SmallVector<Operation *> ops;
      func.getBody().walk([&](Operation *op) { ops.push_back(op); });
      for (Operation *op : ops) {
        if (auto call = dyn_cast<func::CallOp>(op))
          if (auto it = clones.find(call.getCalleeAttr().getAttr());
              it != clones.end())
            call.setCalleeAttr(FlatSymbolRefAttr::get(it->second));
        specialize(op);
      }
    }
  }
};

} // namespace
