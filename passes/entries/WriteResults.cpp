//===- WriteResults.cpp - Results stay where they were written -*- C++ -*-===//
//
// Part of Marimba. See passes/entries/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "passes/entries/Passes.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "llvm/ADT/SmallPtrSet.h"

#define DEBUG_TYPE "write-results"

namespace mlir::marimba {
#define GEN_PASS_DEF_WRITERESULTS
#include "passes/entries/WriteResults.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// Where a value was written to.
struct Destination {
  /// The argument; null where the value is a new tensor, or where that is not
  /// known.
  BlockArgument argument;
  /// Whether an op on the way may fold into what it copies.
  bool folds = false;
  /// Whether a loop is on the way: bufferisation sees no copy onto itself
  /// after one.
  bool loops = false;
  /// The op that makes a new tensor; null where that is not known.
  Operation *maker = nullptr;
};

Destination destinationOf(Value value) {
  Destination found;
  for (;;) {
    if ((found.argument = dyn_cast<BlockArgument>(value)))
      return found;
    auto result = cast<OpResult>(value);
    Operation *op = result.getOwner();
    found.folds |= isa<linalg::LinalgOp, tensor::InsertSliceOp>(op);
    found.loops |= isa<LoopLikeOpInterface>(op);
    if (auto copy = dyn_cast<bufferization::MaterializeInDestinationOp>(op))
      value = copy.getDest();
    else if (auto style = dyn_cast<DestinationStyleOpInterface>(op))
      value = style.getTiedOpOperand(result)->get();
    else if (auto loop = dyn_cast<scf::ForOp>(op))
      value = loop.getTiedLoopInit(result)->get();
    else if (auto cast = dyn_cast<tensor::CastOp>(op))
      value = cast.getSource();
    else {
      // What regions and calls give may be written to anything.
      if (op->getNumRegions() == 0 && !isa<func::CallOp>(op))
        found.maker = op;
      return found;
    }
  }
}

struct WriteResultsPass
    : mlir::marimba::impl::WriteResultsBase<WriteResultsPass> {
  using WriteResultsBase::WriteResultsBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (!func->hasAttr(kEntryAttr) || func.isExternal())
      return;
    auto end = cast<func::ReturnOp>(func.getBody().back().getTerminator());
    llvm::SmallPtrSet<Value, 8> written;
    for (OpOperand &result : end->getOpOperands())
      if (failed(write(func, end, result, written)))
        return signalPassFailure();
  }

  LogicalResult write(func::FuncOp func, func::ReturnOp end, OpOperand &result,
                      llvm::SmallPtrSet<Value, 8> &written) {
    Destination to = destinationOf(result.get());
    unsigned number = result.getOperandNumber();
    constexpr StringLiteral expected =
        ", expected what was written to an output or a state: "
        "bufferization.materialize_in_destination writes it";
    if (to.maker)
      return end.emitError("result #")
             << number << " is a new tensor, made by '" << to.maker->getName()
             << "'" << expected;
    if (!to.argument || to.argument.getOwner()->getParentOp() != func)
      return success();
    if (func.getArgAttr(to.argument.getArgNumber(), kInputAttr))
      return end.emitError("result #")
             << number << " is the input, argument #"
             << to.argument.getArgNumber() << expected;
    if (!written.insert(to.argument).second)
      return end.emitError("result #") << number << " was written to argument #"
                                       << to.argument.getArgNumber()
                                       << ", as another result was" << expected;
    if (!to.folds || to.loops)
      return success();
    LDBG() << "result #" << number << " is written to argument #"
           << to.argument.getArgNumber();
    ++numWritten;
    OpBuilder builder(end);
    result.set(bufferization::MaterializeInDestinationOp::create(
                   builder, end.getLoc(), result.get(), to.argument)
                   .getResult());
    return success();
  }
};

} // namespace
