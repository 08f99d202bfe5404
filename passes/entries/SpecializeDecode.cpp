//===- SpecializeDecode.cpp - An entry for one token a row ------*- C++ -*-===//
//
// Part of Marimba. See passes/entries/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "passes/entries/Passes.h"
#include "passes/entries/RefineShapes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#define DEBUG_TYPE "specialize-decode"

namespace mlir::marimba {
#define GEN_PASS_DEF_SPECIALIZEDECODE
#include "passes/entries/SpecializeDecode.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// The dimension of an argument that looks like time, for modules without
/// marks: the second of two leading dynamic ones (after an optional static one:
/// [layers, B, T, H]). States and caches have static dimensions after the
/// batch.
std::optional<int64_t> guessTime(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return std::nullopt;
  for (int64_t first : {0, 1})
    if (tensor.getRank() > first + 1 + first && tensor.isDynamicDim(first) &&
        tensor.isDynamicDim(first + 1))
      return first + 1;
  return std::nullopt;
}

/// Marks time on the arguments of an entry that has no marks. False where a
/// state looks as if it had one: which is time?
bool markByPosition(func::FuncOp entry) {
  OpBuilder b(entry.getContext());
  for (auto [i, type] : llvm::enumerate(entry.getArgumentTypes())) {
    std::optional<int64_t> time = guessTime(type);
    if (!time)
      continue;
    if (entry.getArgAttr(i, kStateAttr))
      return false;
    entry.setArgAttr(i, kTimeAttr, b.getI64IntegerAttr(*time));
  }
  return true;
}

bool hasMarks(func::FuncOp entry) {
  for (unsigned i = 0; i < entry.getNumArguments(); ++i)
    if (entry.getArgAttr(i, kTimeAttr))
      return true;
  return false;
}

void removeMarks(func::FuncOp entry) {
  for (unsigned i = 0; i < entry.getNumArguments(); ++i)
    entry.removeArgAttr(i, kTimeAttr);
}

/// The types of an entry's arguments with one token a row.
SmallVector<Type> withOneToken(func::FuncOp entry) {
  SmallVector<Type> types(entry.getArgumentTypes());
  for (auto [i, type] : llvm::enumerate(types)) {
    auto mark = entry.getArgAttrOfType<IntegerAttr>(i, kTimeAttr);
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!mark || !tensor)
      continue;
    SmallVector<int64_t> shape(tensor.getShape());
    shape[mark.getInt()] = 1;
    type = tensor.clone(shape);
  }
  return types;
}

struct SpecializeDecodePass
    : mlir::marimba::impl::SpecializeDecodeBase<SpecializeDecodePass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    func::FuncOp prefill;
    for (auto func : module.getOps<func::FuncOp>()) {
      auto entry = func->getAttrOfType<StringAttr>(kEntryAttr);
      if (entry && entry == "decode")
        return; // written by hand, or done before
      if (entry && entry == "prefill")
        prefill = func;
    }
    if (!prefill || prefill.isExternal())
      return;
    bool marked = hasMarks(prefill);
    LDBG() << (marked ? "time is marked" : "time is guessed by position");
    if (marked || markByPosition(prefill)) {
      int64_t before = llvm::range_size(module.getOps<func::FuncOp>());
      ShapeRefiner refiner(module, "_decode");
      FailureOr<func::FuncOp> decode =
          refiner.copy(prefill, withOneToken(prefill), "decode");
      if (failed(decode))
        return signalPassFailure();
      refiner.eraseUnused(*decode);
      (*decode)->setAttr(kEntryAttr, StringAttr::get(&getContext(), "decode"));
      removeMarks(*decode);
      numCopies += llvm::range_size(module.getOps<func::FuncOp>()) - before;
    }
    removeMarks(prefill); // nobody asks any more
  }
};

} // namespace
