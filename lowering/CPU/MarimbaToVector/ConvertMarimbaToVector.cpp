//===- ConvertMarimbaToVector.cpp - State-space ops in lanes ----*- C++ -*-===//
//
// Part of Marimba. See lowering/CPU/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/OneDNN/IR/OneDNN.h"
#include "dialects/Runtime/IR/Runtime.h"
#include "lowering/CPU/MarimbaToVector/ChannelBlocks.h"
#include "lowering/CPU/Passes.h"
#include "lowering/CPU/Quantized/QuantizedToVector.h"

#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

#define DEBUG_TYPE "convert-marimba-to-vector"

namespace mlir::marimba {
#define GEN_PASS_DEF_CONVERTMARIMBATOVECTOR
#include "lowering/CPU/ConvertMarimbaToVector.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

void mlir::marimba::overChannels(
    KernelBuilder &b, int64_t lanes, Value output, Value valid,
    llvm::function_ref<void(const ChannelBlock &)> body) {
  int64_t channelDim = cast<MemRefType>(output.getType()).getRank() - 1;
  Value zero = b.index(0), time = b.dim(output, 1);
  Value channels = b.dim(output, channelDim);
  int64_t width = cast<MemRefType>(output.getType()).getDimSize(channelDim);
  bool exact = !ShapedType::isDynamic(width) && width % lanes == 0;
  b.loop(zero, b.dim(output, 0), [&](Value row) {
    Value tokens = b.rowTokens(valid, row, time);
    b.loop(
        zero, channels,
        [&](Value d) {
          Value mask = exact ? Value() : b.tailMask(lanes, b.subi(channels, d));
          Value next =
              b.mini(b.addi(d, b.index(lanes)), b.subi(channels, b.index(1)));
          body({row, d, next, mask, tokens, time});
        },
        lanes);
  });
}

void mlir::marimba::inSweeps(KernelBuilder &b, int64_t count, int64_t most,
                             llvm::function_ref<void(const Sweep &)> body) {
  if (count <= most)
    return body({b.index(0), count, /*begins=*/true, /*ends=*/true});
  int64_t last = (count - 1) / most * most;
  body({b.index(0), most, /*begins=*/true, /*ends=*/false});
  if (last > most)
    b.loop(
        b.index(most), b.index(last),
        [&](Value first) {
          body({first, most, /*begins=*/false, /*ends=*/false});
        },
        most);
  body({b.index(last), count - last, /*begins=*/false, /*ends=*/true});
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
    populateLinearAttentionToVectorPatterns(patterns, *lanes);
    populateConvToVectorPatterns(patterns, *lanes);
    populateLTIToVectorPatterns(patterns, *lanes);
    populateAttentionToVectorPatterns(patterns, *lanes, threads);
    TileFacts facts = TileFacts::of(*lanes, threads);
    facts.matrixTiles = tiles;
    populatePackedEmbeddingToVectorPatterns(patterns);
    populatePackedMatmulToVectorPatterns(patterns, facts);
    populateGroupedMatmulToVectorPatterns(patterns, facts, bf16Dots);
    populateRotaryToVectorPatterns(patterns, *lanes);
    populateQuantizedEmbeddingToVectorPatterns(patterns, *lanes);
    populateQuantizedToVectorPatterns(patterns, facts, integerUnit, byteTables);
    CountRewrites counter(DEBUG_TYPE, numConverted, [](Operation *op) {
      return isa_and_present<MarimbaDialect, onednn::OneDNNDialect>(
          op->getDialect());
    });
    walkAndApplyPatterns(getOperation(), std::move(patterns), &counter);
  }
};

} // namespace
