//===- ApproximateMath.cpp - exp and log1p as polynomials -------*- C++ -*-===//
//
// Part of Marimba. See lowering/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "lowering/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::marimba {
#define GEN_PASS_DEF_APPROXIMATEMATH
#include "lowering/Passes.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// exp(x) = 2^n * e^r with n = round(x / ln 2) and |r| <= ln 2 / 2; e^r by a
/// polynomial of degree 6 (Cephes expf, Moshier). 2^n is applied in two
/// factors, so that results near the largest and below the smallest normal
/// number come out right. NaN stays NaN: the clamps compare and select.
struct ExpPolynomial : OpRewritePattern<math::ExpOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::ExpOp op,
                                PatternRewriter &rewriter) const override {
    Type type = op.getType();
    if (!getElementTypeOrSelf(type).isF32())
      return rewriter.notifyMatchFailure(op, "not f32");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto constant = [&](double value) -> Value {
      Attribute attr = b.getF32FloatAttr(value);
      if (auto vector = dyn_cast<VectorType>(type))
        attr = DenseElementsAttr::get(vector, attr);
      return arith::ConstantOp::create(b, cast<TypedAttr>(attr));
    };
    Type intType = b.getI32Type();
    if (auto vector = dyn_cast<VectorType>(type))
      intType = vector.clone(intType);
    auto intConstant = [&](int32_t value) -> Value {
      Attribute attr = b.getI32IntegerAttr(value);
      if (auto vector = dyn_cast<VectorType>(intType))
        attr = DenseElementsAttr::get(vector, attr);
      return arith::ConstantOp::create(b, cast<TypedAttr>(attr));
    };
    auto clamp = [&](Value x, arith::CmpFPredicate beyond, double bound) {
      Value limit = constant(bound);
      Value out = arith::CmpFOp::create(b, beyond, x, limit);
      return arith::SelectOp::create(b, out, limit, x).getResult();
    };
    auto fma = [&](Value x, Value y, Value z) -> Value {
      return math::FmaOp::create(b, x, y, z);
    };

    // Beyond these exp is 0 or infinity, and so is 2^n.
    Value x = clamp(op.getOperand(), arith::CmpFPredicate::OLT, -104.0);
    x = clamp(x, arith::CmpFPredicate::OGT, 89.0);
    Value scaled = arith::MulFOp::create(b, x, constant(1.44269504088896341));
    Value n = math::RoundEvenOp::create(b, scaled);
    Value r = fma(n, constant(-0.693359375), x);
    r = fma(n, constant(2.12194440e-4), r);
    Value p = constant(1.9875691500e-4);
    for (double c : {1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2,
                     1.6666665459e-1, 5.0000001201e-1})
      p = fma(p, r, constant(c));
    Value squared = arith::MulFOp::create(b, r, r);
    Value tail = fma(p, squared, r);
    Value e = arith::AddFOp::create(b, tail, constant(1.0));

    auto power = [&](Value exponent) -> Value {
      Value biased = arith::AddIOp::create(b, exponent, intConstant(127));
      Value bits = arith::ShLIOp::create(b, biased, intConstant(23));
      return arith::BitcastOp::create(b, type, bits);
    };
    Value whole = arith::FPToSIOp::create(b, intType, n);
    Value half = arith::ShRSIOp::create(b, whole, intConstant(1));
    Value rest = arith::SubIOp::create(b, whole, half);
    Value partly = arith::MulFOp::create(b, e, power(half));
    rewriter.replaceOpWithNewOp<arith::MulFOp>(op, partly, power(rest));
    return success();
  }
};

struct ApproximateMathPass
    : mlir::marimba::impl::ApproximateMathBase<ApproximateMathPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpPolynomial>(&getContext());
    populateMathPolynomialApproximationPatterns(patterns, [](StringRef name) {
      return name == math::Log1pOp::getOperationName() ||
             name == math::LogOp::getOperationName();
    });
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
