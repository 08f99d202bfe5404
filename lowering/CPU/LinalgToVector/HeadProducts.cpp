//===- HeadProducts.cpp - A matrix for each head ----------------*- C++ -*-===//
//
// Part of Marimba. y[b,t,h,:] = x[b,t,h,:] W[h] of latent attention, as
// products of small matrices (TileContraction.cpp): rows are the tokens of a
// sequence or, of one token each, the sequences.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/LinalgToVector/TileContraction.h"
#include "lowering/Common/Builders/KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// Rows of a task: a head's matrix comes from memory once for all of them.
constexpr int64_t kTaskRows = 64;

bool isHeadProducts(linalg::GenericOp op) {
  if (!op.hasPureBufferSemantics() || op.getNumDpsInputs() != 2 ||
      op.getNumDpsInits() != 1 || op.getNumLoops() != 5)
    return false;
  auto map = [&](ArrayRef<unsigned> dims) {
    return AffineMap::getMultiDimMapWithTargets(5, dims, op.getContext());
  };
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  auto kinds = op.getIteratorTypesArray();
  return maps[0] == map({0, 1, 2, 4}) && maps[1] == map({2, 4, 3}) &&
         maps[2] == map({0, 1, 2, 3}) &&
         kinds.back() == utils::IteratorType::reduction &&
         llvm::count(kinds, utils::IteratorType::parallel) == 4;
}

struct HeadProducts : OpRewritePattern<linalg::GenericOp> {
  HeadProducts(MLIRContext *ctx, const TileFacts &facts)
      : OpRewritePattern(ctx), facts(facts) {}

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    if (!isHeadProducts(op))
      return rewriter.notifyMatchFailure(op, "no products of heads");
    KernelBuilder b(op.getLoc(), rewriter);
    Value x = op.getDpsInputs()[0], w = op.getDpsInputs()[1];
    Value y = op.getDpsInits()[0];
    bool oneToken = cast<MemRefType>(x.getType()).getDimSize(1) == 1;
    int64_t rowDim = oneToken ? 0 : 1;
    Value rows = b.dim(x, rowDim);
    Value tasks = arith::CeilDivUIOp::create(b, rows, b.index(kTaskRows));
    Value others = oneToken ? b.index(1) : b.dim(x, 0);
    b.parallel({b.dim(w, 0), others, tasks}, [&](ValueRange at) {
      Value first = b.muli(at[2], b.index(kTaskRows));
      Value count = b.mini(b.index(kTaskRows), b.subi(rows, first));
      auto rowsOf = [&](Value memory) -> Value {
        int64_t size = cast<MemRefType>(memory.getType()).getDimSize(3);
        SmallVector<OpFoldResult> offsets{at[1], first, at[0],
                                          b.getIndexAttr(0)};
        SmallVector<OpFoldResult> sizes{
            b.getIndexAttr(1), count, b.getIndexAttr(1), b.getIndexAttr(size)};
        if (oneToken) {
          std::swap(offsets[0], offsets[1]);
          std::swap(sizes[0], sizes[1]);
        }
        return slice(b, memory, offsets, sizes, {ShapedType::kDynamic, size});
      };
      auto type = cast<MemRefType>(w.getType());
      SmallVector<int64_t> shape(type.getShape().drop_front());
      SmallVector<OpFoldResult> offsets(3, b.getIndexAttr(0));
      offsets[0] = at[0];
      Value matrix = slice(b, w, offsets,
                           {b.getIndexAttr(1), b.getIndexAttr(shape[0]),
                            b.getIndexAttr(shape[1])},
                           shape);
      emitProduct(b, rowsOf(x), matrix, rowsOf(y), facts);
    });
    rewriter.eraseOp(op);
    return success();
  }

  static Value slice(KernelBuilder &b, Value memory,
                     ArrayRef<OpFoldResult> offsets,
                     ArrayRef<OpFoldResult> sizes, ArrayRef<int64_t> shape) {
    SmallVector<OpFoldResult> strides(offsets.size(), b.getIndexAttr(1));
    auto type = memref::SubViewOp::inferRankReducedResultType(
        shape, cast<MemRefType>(memory.getType()), offsets, sizes, strides);
    return memref::SubViewOp::create(b, cast<MemRefType>(type), memory, offsets,
                                     sizes, strides);
  }

  TileFacts facts;
};

} // namespace

void mlir::marimba::populateHeadProductsPatterns(RewritePatternSet &patterns,
                                                 const TileFacts &facts) {
  patterns.add<HeadProducts>(patterns.getContext(), facts);
}
