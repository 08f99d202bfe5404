//===- QuantizedAsBytes.cpp - Quantised tensors become bytes ----*- C++ -*-===//
//
// Part of Marimba. See passes/quantized/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Marimba/IR/Quantized.h"
#include "dialects/OneDNN/IR/OneDNN.h"
#include "passes/quantized/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#define DEBUG_TYPE "quantized-as-bytes"

namespace mlir::marimba {
#define GEN_PASS_DEF_QUANTIZEDASBYTES
#include "passes/quantized/QuantizedAsBytes.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

Type asBytes(Type type) {
  return isQuantized(type) ? bytesOfQuantized(cast<RankedTensorType>(type))
                           : type;
}

/// Whether the op only hands a quantised operand on, or reads bytes as well.
bool takesBytes(OpOperand &operand) {
  Operation *op = operand.getOwner();
  if (auto reader = dyn_cast<WeightOperandInterface>(op))
    return reader.getWeightOperand(operand).readsBytes;
  return isa<onednn::IntegerMatmulOp, func::CallOp, func::ReturnOp>(op);
}

struct QuantizedAsBytesPass
    : mlir::marimba::impl::QuantizedAsBytesBase<QuantizedAsBytesPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    // Slices that picked a matrix have lost their readers to its index.
    SmallVector<tensor::ExtractSliceOp> slices;
    module.walk([&](tensor::ExtractSliceOp slice) {
      if (isQuantized(slice.getType()) && slice->use_empty())
        slices.push_back(slice);
    });
    for (tensor::ExtractSliceOp slice : slices)
      slice.erase();

    WalkResult result = module.walk([&](Operation *op) {
      for (OpOperand &operand : op->getOpOperands())
        if (isQuantized(operand.get().getType()) && !takesBytes(operand)) {
          op->emitError("reads a quantised tensor, ")
              << operand.get().getType() << ", and knows no way to do it";
          return WalkResult::interrupt();
        }
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      return signalPassFailure();

    module.walk([&](Operation *op) {
      for (OpResult value : op->getResults())
        value.setType(asBytes(value.getType()));
      for (Region &region : op->getRegions())
        for (Block &block : region)
          for (BlockArgument argument : block.getArguments())
            argument.setType(asBytes(argument.getType()));
      if (auto weight = dyn_cast<WeightOp>(op);
          weight && isQuantized(weight.getType())) {
        LDBG() << "bytes: @" << weight.getSymName();
        ++numWeights;
        weight.setStoredAttr(weight.getTypeAttr());
        weight.setType(asBytes(weight.getType()));
      }
      if (auto func = dyn_cast<func::FuncOp>(op)) {
        auto convert = [](TypeRange types) {
          return llvm::map_to_vector(types, asBytes);
        };
        FunctionType type = func.getFunctionType();
        func.setFunctionType(FunctionType::get(func.getContext(),
                                               convert(type.getInputs()),
                                               convert(type.getResults())));
      }
    });
  }
};

} // namespace
