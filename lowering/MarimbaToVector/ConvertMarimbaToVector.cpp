//===- ConvertMarimbaToVector.cpp - State-space ops in lanes ----*- C++ -*-===//
//
// Part of Marimba. See lowering/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "lowering/MarimbaToVector/ChannelBlocks.h"
#include "lowering/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace mlir::marimba {
#define GEN_PASS_DEF_CONVERTMARIMBATOVECTOR
#include "lowering/Passes.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

/// Tokens of one block: one vector's column of each tensor stays in the
/// first-level cache (64 tokens x 16 channels x 4 bytes = 4 KiB).
static constexpr int64_t kTokensPerBlock = 64;
/// Vectors of one group, the unit of work of a thread: 1 KiB of each row, so
/// that a page is not left after one or two lines (8 vectors cost 7 % where the
/// tensors are far larger than the caches).
static constexpr int64_t kVectorsPerGroup = 16;

void mlir::marimba::overChannelBlocks(
    KernelBuilder &b, int64_t lanes, Value output, Value valid,
    llvm::function_ref<void(const ChannelBlock &)> body) {
  Value zero = b.index(0), time = b.dim(output, 1), channels = b.dim(output, 2);
  int64_t width = cast<MemRefType>(output.getType()).getDimSize(2);
  bool exact = !ShapedType::isDynamic(width) && width % lanes == 0;
  int64_t group = kVectorsPerGroup * lanes;
  auto overVectors = [&](Value begin, Value end,
                         llvm::function_ref<void(Value, Value)> each) {
    b.loop(
        begin, end,
        [&](Value d) {
          each(d, exact ? Value() : b.tailMask(lanes, b.subi(channels, d)));
        },
        lanes);
  };
  b.parallel(
      {b.dim(output, 0), channels},
      [&](ValueRange at) {
        Value row = at[0], first = at[1];
        Value last = b.mini(b.addi(first, b.index(group)), channels);
        Value tokens = b.rowTokens(valid, row, time);
        b.loop(
            zero, tokens,
            [&](Value begin) {
              Value end =
                  b.mini(b.addi(begin, b.index(kTokensPerBlock)), tokens);
              overVectors(first, last, [&](Value d, Value mask) {
                body({row, d, mask, begin, end});
              });
            },
            kTokensPerBlock);
        if (valid)
          b.loop(tokens, time, [&](Value t) {
            overVectors(first, last, [&](Value d, Value mask) {
              b.storeVector(b.zeros(lanes), output, {row, t, d}, mask);
            });
          });
      },
      group);
}

namespace {

struct ConvertMarimbaToVectorPass
    : mlir::marimba::impl::ConvertMarimbaToVectorBase<
          ConvertMarimbaToVectorPass> {
  using Base::Base;

  void runOnOperation() override {
    FailureOr<int64_t> lanes = lanesOf(getOperation(), vectorBits.getValue());
    if (failed(lanes))
      return signalPassFailure();
    RewritePatternSet patterns(&getContext());
    populateScanToVectorPatterns(patterns, *lanes);
    populateConvToVectorPatterns(patterns, *lanes);
    populateAttentionToVectorPatterns(patterns, *lanes);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};

} // namespace
