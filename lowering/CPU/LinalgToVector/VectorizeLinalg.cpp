//===- VectorizeLinalg.cpp - Elementwise ops and row sums -------*- C++ -*-===//
//
// Part of Marimba. See lowering/CPU/Passes.td. Projections:
// ContractionToVector.cpp; products of matrices: TileContraction.cpp.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/LinalgToVector/ContractionToVector.h"
#include "lowering/CPU/LinalgToVector/TileContraction.h"
#include "lowering/CPU/Passes.h"
#include "lowering/Common/Builders/KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

#define DEBUG_TYPE "vectorize-linalg"

namespace mlir::marimba {
#define GEN_PASS_DEF_VECTORIZELINALG
#include "lowering/CPU/VectorizeLinalg.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// Elements one by one, nothing but arithmetic on the operands. Not what may
/// trap: the lanes of a tail hold zeros, by which an integer is not divided.
bool isArithmetic(linalg::LinalgOp op) {
  return llvm::all_of(*op.getBlock(), [](Operation &inner) {
    return isa<linalg::YieldOp>(inner) ||
           (isa<arith::ArithDialect, math::MathDialect>(inner.getDialect()) &&
            isSpeculatable(&inner));
  });
}

/// The dimension for the lanes: each operand either ignores it or runs through
/// it contiguously. A parallel one if there is any, else a reduction.
std::optional<unsigned> laneDimension(linalg::LinalgOp op) {
  auto suits = [&](unsigned d) {
    bool used = false;
    for (AffineMap map : op.getIndexingMapsArray()) {
      if (!map.isProjectedPermutation())
        return false;
      for (auto [i, expr] : llvm::enumerate(map.getResults())) {
        if (cast<AffineDimExpr>(expr).getPosition() != d)
          continue;
        if (i + 1 != map.getNumResults())
          return false;
        used = true;
      }
    }
    return used;
  };
  SmallVector<utils::IteratorType> kinds = op.getIteratorTypesArray();
  int64_t reductions = llvm::count(kinds, utils::IteratorType::reduction);
  for (auto kind :
       {utils::IteratorType::parallel, utils::IteratorType::reduction})
    for (int64_t d = kinds.size() - 1; d >= 0; --d)
      // A reduction beside the lanes would be a loop of one-element vectors:
      // such ops stay scalar.
      if (kinds[d] == kind && suits(d) &&
          reductions == (kind == utils::IteratorType::reduction))
        return d;
  return std::nullopt;
}

LogicalResult vectorizeRows(IRRewriter &rewriter, linalg::LinalgOp op,
                            int64_t lanes) {
  if (op.getNumLoops() == 0 || !isArithmetic(op))
    return failure();
  std::optional<unsigned> lane = laneDimension(op);
  if (!lane)
    return failure();
  rewriter.setInsertionPoint(op);

  // Rows outside, in parallel; reductions of no concern to the lanes inside.
  SmallVector<int64_t> rows(op.getNumLoops(), 1), columns(op.getNumLoops(), 0);
  rows[*lane] = 0;
  columns[*lane] = lanes;
  linalg::LinalgTilingOptions outer, inner;
  outer.setTileSizes(rows).setLoopType(
      linalg::LinalgTilingLoopType::ParallelLoops);
  inner.setTileSizes(columns);
  linalg::LinalgOp row = op;
  if (op.getNumLoops() > 1) {
    FailureOr<linalg::TiledLinalgOp> tiled =
        linalg::tileLinalgOp(rewriter, op, outer);
    if (failed(tiled))
      return failure();
    rewriter.eraseOp(op);
    row = tiled->op;
  }
  rewriter.setInsertionPoint(row);
  FailureOr<linalg::TiledLinalgOp> tile =
      linalg::tileLinalgOp(rewriter, row, inner);
  if (failed(tile))
    return failure();
  rewriter.eraseOp(row);
  SmallVector<int64_t> sizes(tile->op.getNumLoops(), 1);
  sizes[*lane] = lanes;
  rewriter.setInsertionPoint(tile->op);
  FailureOr<linalg::VectorizationResult> vectorized =
      linalg::vectorize(rewriter, tile->op, sizes,
                        SmallVector<bool>(sizes.size(), /*scalable=*/false));
  if (failed(vectorized))
    return success(); // stays a small loop nest: convert-linalg-to-loops
  rewriter.eraseOp(tile->op);
  return success();
}

struct VectorizeLinalgPass
    : mlir::marimba::impl::VectorizeLinalgBase<VectorizeLinalgPass> {
  using Base::Base;

  void runOnOperation() override {
    FailureOr<int64_t> lanes = lanesOf(getOperation(), vectorBits.getValue());
    if (failed(lanes))
      return signalPassFailure();
    RewritePatternSet projections(&getContext());
    populateContractionToVectorPatterns(projections, *lanes);
    auto facts = TileFacts::of(*lanes, /*threads=*/1);
    populateTileContractionPatterns(projections, facts, bf16Dots);
    populateHeadProductsPatterns(projections, facts);
    CountRewrites counter(DEBUG_TYPE, numContractions,
                          isAnyOf<linalg::GenericOp>);
    walkAndApplyPatterns(getOperation(), std::move(projections), &counter);

    SmallVector<linalg::LinalgOp> ops;
    getOperation().walk([&](linalg::LinalgOp op) {
      if (op.hasPureBufferSemantics())
        ops.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp op : ops)
      if (Location loc = op.getLoc();
          succeeded(vectorizeRows(rewriter, op, *lanes))) {
        ++numVectorized;
      } else {
        LDBG() << "stays scalar: " << loc;
        ++numScalar;
      }

    // 1x1x16 vectors become 16, masks of reads and writes become operands.
    RewritePatternSet patterns(&getContext());
    vector::populateCastAwayVectorLeadingOneDimPatterns(patterns);
    vector::populateVectorMaskLoweringPatternsForSideEffectingOps(patterns);
    vector::populateVectorMultiReductionLoweringPatterns(
        patterns, vector::VectorMultiReductionLowering::InnerReduction);
    vector::populateVectorTransferLoweringPatterns(patterns);
    if (failed(applyPatternsGreedily(
            getOperation(), std::move(patterns),
            GreedyRewriteConfig().setRegionSimplificationLevel(
                GreedySimplifyRegionLevel::Disabled))))
      return signalPassFailure();
    // The lanes of one vector may be summed in any order.
    getOperation().walk([](vector::ReductionOp op) {
      if (op.getKind() == vector::CombiningKind::ADD)
        op.setFastmath(arith::FastMathFlags::reassoc);
    });
  }
};

} // namespace
