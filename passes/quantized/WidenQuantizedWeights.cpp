//===- WidenQuantizedWeights.cpp - Tiles for the library --------*- C++ -*-===//
//
// Part of Marimba. See passes/quantized/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Marimba/IR/Quantized.h"
#include "dialects/OneDNN/IR/OneDNN.h"
#include "passes/quantized/Passes.h"
#include "passes/quantized/QuantizedMatmul.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

#define DEBUG_TYPE "widen-quantized-weights"

namespace mlir::marimba {
#define GEN_PASS_DEF_WIDENQUANTIZEDWEIGHTS
#include "passes/quantized/WidenQuantizedWeights.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

struct Widen : OpRewritePattern<onednn::MatmulOp> {
  Widen(MLIRContext *ctx, int64_t channels, int64_t fewRows, bool integers)
      : OpRewritePattern(ctx), channels(channels), fewRows(fewRows),
        integers(integers) {}

  LogicalResult matchAndRewrite(onednn::MatmulOp op,
                                PatternRewriter &rewriter) const override {
    auto weight = dyn_cast<RankedTensorType>(op.getWeight().getType());
    if (!weight || !isQuantized(weight))
      return rewriter.notifyMatchFailure(op, "weight is not quantised");
    if (fewRows < 1) {
      rewriter.replaceOp(op, byTiles(rewriter, op));
      return success();
    }
    // How many rows there are is known at run time.
    Location loc = op.getLoc();
    Value rows = arith::ConstantIndexOp::create(rewriter, loc, 1);
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(rewriter, loc, op.getInput());
    for (OpFoldResult size : ArrayRef(sizes).drop_back())
      rows = arith::MulIOp::create(
          rewriter, loc, rows,
          getValueOrCreateConstantIndexOp(rewriter, loc, size));
    Value limit = arith::ConstantIndexOp::create(rewriter, loc, fewRows);
    Value few = arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::ule,
                                      rows, limit);
    auto branch = scf::IfOp::create(
        rewriter, loc, few,
        [&](OpBuilder &b, Location) {
          scf::YieldOp::create(b, loc, directly(b, op));
        },
        [&](OpBuilder &b, Location) {
          scf::YieldOp::create(b, loc, byTiles(b, op));
        });
    rewriter.replaceOp(op, branch.getResults());
    return success();
  }

  /// Few rows: the weights as they are, then the post-ops.
  Value directly(OpBuilder &b, onednn::MatmulOp op) const {
    Location loc = op.getLoc();
    Value output = op.getInits()[0];
    Value sum = buildQuantizedMatmul(
        b, loc, op.getInput(), op.getWeight(), op.getBias(),
        integers && layoutOf(cast<RankedTensorType>(op.getWeight().getType()))
                        .encoding.hasIntegers()
            ? RowScales::Groups
            : RowScales::None);
    size_t operand = 0;
    for (PostOpKind kind : op.getPostOpKinds()) {
      switch (kind) {
      case PostOpKind::Sum:
        sum = arith::AddFOp::create(b, loc, sum, output);
        break;
      case PostOpKind::Silu:
        sum = SiluOp::create(b, loc, sum.getType(), sum);
        break;
      case PostOpKind::Relu2:
        sum = Relu2Op::create(b, loc, sum.getType(), sum);
        break;
      case PostOpKind::Scale: // not of the library
        break;
      case PostOpKind::Mul:
        sum =
            arith::MulFOp::create(b, loc, sum, op.getPostOperands()[operand++]);
        break;
      case PostOpKind::Add:
        sum =
            arith::AddFOp::create(b, loc, sum, op.getPostOperands()[operand++]);
        break;
      }
    }
    return bufferization::MaterializeInDestinationOp::create(b, loc, sum,
                                                             output)
        ->getResult(0);
  }

  Value byTiles(OpBuilder &b, onednn::MatmulOp op) const {
    Location loc = op.getLoc();
    int64_t all =
        cast<RankedTensorType>(op.getWeight().getType()).getDimSize(0);
    int64_t tail = all % channels;
    auto [stack, matrix] = QuantizedMatrix::of(b, op.getWeight());
    auto index = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(b, loc, value);
    };
    Value result = op.getInits()[0];
    if (all >= channels) {
      auto loop = scf::ForOp::create(
          b, loc, index(0), index(all - tail), index(channels), result,
          [&, stack = stack, matrix = matrix](OpBuilder &inner, Location,
                                              Value first, ValueRange old) {
            scf::YieldOp::create(
                inner, loc,
                tile(inner, op, stack, matrix, first, channels, old[0]));
          });
      result = loop.getResult(0);
    }
    if (tail)
      result = tile(b, op, stack, matrix, index(all - tail), tail, result);
    return result;
  }

  /// Columns [first, first + count) of the product, in `output`.
  static Value tile(OpBuilder &b, onednn::MatmulOp op, Value stack,
                    Value matrix, Value first, int64_t count, Value output) {
    Location loc = op.getLoc();
    auto inputs =
        cast<RankedTensorType>(op.getWeight().getType()).getDimSize(1);
    Type element =
        cast<RankedTensorType>(op.getInput().getType()).getElementType();
    Value empty =
        tensor::EmptyOp::create(b, loc, ArrayRef{inputs, count}, element);
    Value weight =
        DequantizeOp::create(b, loc, TypeRange(empty.getType()), stack, matrix,
                             first, empty, TypeAttr::get(stack.getType()))
            ->getResult(0);
    auto columns = [&](Value value) -> Value {
      if (!value)
        return value;
      SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, value);
      SmallVector<OpFoldResult> offsets(sizes.size(), b.getIndexAttr(0));
      SmallVector<OpFoldResult> strides(sizes.size(), b.getIndexAttr(1));
      offsets.back() = first;
      sizes.back() = b.getIndexAttr(count);
      return tensor::ExtractSliceOp::create(b, loc, value, offsets, sizes,
                                            strides);
    };
    Value part = columns(output);
    SmallVector<Value> operands =
        llvm::map_to_vector(op.getPostOperands(), columns);
    auto matmul = onednn::MatmulOp::create(
        b, loc, TypeRange(part.getType()), op.getInput(), weight,
        columns(op.getBias()), operands, part, op.getPostOpsAttr(),
        b.getUnitAttr());
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, part);
    SmallVector<OpFoldResult> offsets(sizes.size(), b.getIndexAttr(0));
    SmallVector<OpFoldResult> strides(sizes.size(), b.getIndexAttr(1));
    offsets.back() = first;
    return tensor::InsertSliceOp::create(b, loc, matmul->getResult(0), output,
                                         offsets, sizes, strides);
  }

  int64_t channels, fewRows;
  bool integers;
};

struct WidenQuantizedWeightsPass
    : mlir::marimba::impl::WidenQuantizedWeightsBase<
          WidenQuantizedWeightsPass> {
  using Base::Base;

  void runOnOperation() override {
    if (channels < 64 || channels % 64) {
      getOperation().emitError("channels is ")
          << channels << ", expected a multiple of 64";
      return signalPassFailure();
    }
    RewritePatternSet patterns(&getContext());
    patterns.add<Widen>(&getContext(), channels, fewRows, integers);
    CountRewrites counter(DEBUG_TYPE, numWidened, isAnyOf<onednn::MatmulOp>);
    walkAndApplyPatterns(getOperation(), std::move(patterns), &counter);
  }
};

} // namespace
