//===- StackScratch.cpp - Scratch of parallel loops -------------*- C++ -*-===//
//
// Part of Marimba. See lowering/Common/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "lowering/Common/Builders/ParallelLoops.h"
#include "lowering/Common/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"

#define DEBUG_TYPE "stack-scratch"

namespace mlir::marimba {
#define GEN_PASS_DEF_STACKSCRATCH
#include "lowering/Common/StackScratch.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// Most bytes of scratch that one buffer may take from a thread's stack.
constexpr int64_t kMostBytes = 256 * 1024;

/// An upper bound of the bytes of `alloc`.
FailureOr<int64_t> largestBytes(memref::AllocOp alloc) {
  MemRefType type = alloc.getType();
  if (!type.getElementType().isIntOrFloat() || !type.getLayout().isIdentity())
    return alloc.emitError("scratch of a parallel loop has type ")
           << type << ", expected a contiguous memref of numbers";
  int64_t bytes = (type.getElementTypeBitWidth() + 7) / 8;
  for (int64_t size : type.getShape())
    if (!ShapedType::isDynamic(size))
      bytes *= size;
  for (Value size : alloc.getDynamicSizes()) {
    FailureOr<int64_t> bound = ValueBoundsConstraintSet::computeConstantBound(
        presburger::BoundType::UB, size, /*stopCondition=*/nullptr,
        /*closedUB=*/true);
    if (failed(bound))
      return alloc.emitError(
          "scratch of a parallel loop has a size without a constant bound");
    bytes *= *bound;
  }
  if (bytes > kMostBytes)
    return alloc.emitError("scratch of a parallel loop takes ")
           << bytes << " bytes, expected at most " << kMostBytes
           << ": smaller tiles";
  return bytes;
}

struct StackScratchPass
    : mlir::marimba::impl::StackScratchBase<StackScratchPass> {
  void runOnOperation() override {
    SmallVector<memref::AllocOp> allocs;
    getOperation().walk([&](memref::AllocOp alloc) {
      if (outermostParallelLoop(alloc))
        allocs.push_back(alloc);
    });
    for (memref::AllocOp alloc : allocs) {
      FailureOr<int64_t> bytes = largestBytes(alloc);
      if (failed(bytes))
        return signalPassFailure();
      Location loc = alloc.getLoc();
      LDBG() << *bytes << " bytes of the stack: " << loc;
      ++numOnStack;
      numBytes += *bytes;
      OpBuilder b = OpBuilder::atBlockBegin(stackBlock(alloc));
      Value memory = memref::AllocaOp::create(
          b, loc, MemRefType::get({*bytes}, b.getI8Type()),
          b.getI64IntegerAttr(64));
      b.setInsertionPoint(alloc);
      Value zero = arith::ConstantIndexOp::create(b, loc, 0);
      Value view = memref::ViewOp::create(b, loc, alloc.getType(), memory, zero,
                                          alloc.getDynamicSizes());
      alloc.replaceAllUsesWith(view);
      alloc.erase();
    }
  }
};

} // namespace
