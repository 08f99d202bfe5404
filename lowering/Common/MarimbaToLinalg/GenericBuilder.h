//===- GenericBuilder.h - Ops as linalg.generic -----------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_COMMON_MARIMBATOLINALG_GENERICBUILDER_H
#define MARIMBA_LOWERING_COMMON_MARIMBATOLINALG_GENERICBUILDER_H

#include "lowering/Common/Builders/KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::marimba {

/// Builds linalg.generic ops over one iteration space d0, d1, ...
class GenericBuilder {
public:
  GenericBuilder(PatternRewriter &rewriter, Operation *op)
      : rewriter(rewriter), op(op), loc(op->getLoc()) {}

  using Body = llvm::function_ref<Value(KernelBuilder &, ValueRange)>;
  using ManyBody =
      llvm::function_ref<SmallVector<Value>(KernelBuilder &, ValueRange)>;

  /// An operand and the iteration dimensions that index it.
  struct Operand {
    Value value;
    SmallVector<unsigned> dims;
  };

  /// Result of `body`, one element at a time, into `init`; dimensions that
  /// `init` lacks are reductions. bf16 and f16 operands are widened to f32.
  Value build(unsigned dimCount, ArrayRef<Operand> inputs, Operand init,
              Body body) {
    return buildMany(dimCount, inputs, init,
                     [&](KernelBuilder &b, ValueRange args) {
                       return SmallVector<Value>{body(b, args)};
                     })[0];
  }

  /// The same with several results; all inits are indexed like the first.
  SmallVector<Value> buildMany(unsigned dimCount, ArrayRef<Operand> inputs,
                               ArrayRef<Operand> inits, ManyBody body) {
    SmallVector<AffineMap> maps;
    SmallVector<Value> values, destinations;
    auto addMap = [&](const Operand &operand) {
      SmallVector<AffineExpr> exprs;
      for (unsigned d : operand.dims)
        exprs.push_back(rewriter.getAffineDimExpr(d));
      maps.push_back(AffineMap::get(dimCount, 0, exprs, rewriter.getContext()));
    };
    for (const Operand &input : inputs) {
      values.push_back(input.value);
      addMap(input);
    }
    for (const Operand &init : inits) {
      destinations.push_back(init.value);
      addMap(init);
    }
    SmallVector<utils::IteratorType> iterators(dimCount,
                                               utils::IteratorType::reduction);
    for (unsigned d : inits.front().dims)
      iterators[d] = utils::IteratorType::parallel;
    auto generic = linalg::GenericOp::create(
        rewriter, loc, ValueRange(destinations).getTypes(), values,
        destinations, maps, iterators,
        [&](OpBuilder &nested, Location, ValueRange args) {
          KernelBuilder b(loc, nested);
          SmallVector<Value> wide;
          for (Value arg : args)
            wide.push_back(arg.getType().isF32() || arg.getType().isInteger()
                               ? arg
                               : arith::ExtFOp::create(b, b.getF32Type(), arg));
          linalg::YieldOp::create(b, body(b, wide));
        });
    return SmallVector<Value>(generic.getResults());
  }

  Value empty(ArrayRef<OpFoldResult> sizes) {
    return tensor::EmptyOp::create(rewriter, loc, sizes, rewriter.getF32Type());
  }
  Value zeros(ArrayRef<OpFoldResult> sizes) {
    Value zero = arith::ConstantOp::create(rewriter, loc,
                                           rewriter.getF32FloatAttr(0.0f));
    return linalg::FillOp::create(rewriter, loc, zero, empty(sizes))
        .getResult(0);
  }
  SmallVector<OpFoldResult> sizes(Value value) {
    return tensor::getMixedSizes(rewriter, loc, value);
  }

  PatternRewriter &rewriter;
  Operation *op;
  Location loc;
};

inline SmallVector<unsigned> range(unsigned count) {
  return llvm::to_vector(llvm::seq(count));
}

template <typename OpTy> struct LinalgPattern : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    GenericBuilder g(rewriter, op);
    rewriter.replaceOp(op, convert(g, op));
    return success();
  }
  virtual SmallVector<Value> convert(GenericBuilder &g, OpTy op) const = 0;
};

/// rms_norm and l2_norm.
void populateNormsToLinalgPatterns(RewritePatternSet &patterns);
/// discretize_lti, lti_powers and lti_kernel.
void populateLTIToLinalgPatterns(RewritePatternSet &patterns);

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_COMMON_MARIMBATOLINALG_GENERICBUILDER_H
