//===- ApproximateMath.cpp - exp, exp2 and log1p polynomials ----*- C++ -*-===//
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

/// Constants and operations of one element type: f32 or a vector of it.
class F32Builder : public ImplicitLocOpBuilder {
public:
  F32Builder(Operation *op, PatternRewriter &rewriter)
      : ImplicitLocOpBuilder(op->getLoc(), rewriter),
        type(op->getResult(0).getType()), intType(like(getI32Type())) {}

  Value constant(double value) { return splat(type, getF32FloatAttr(value)); }
  Value intConstant(int32_t value) {
    return splat(intType, getI32IntegerAttr(value));
  }
  Value fma(Value x, Value y, Value z) {
    return math::FmaOp::create(*this, x, y, z);
  }
  /// `bound` where x compares so to it, else x: NaN stays NaN.
  Value clamp(Value x, arith::CmpFPredicate beyond, double bound) {
    Value limit = constant(bound);
    Value out = arith::CmpFOp::create(*this, beyond, x, limit);
    return arith::SelectOp::create(*this, out, limit, x);
  }
  /// c[0] + c[1] x + c[2] x^2 + ...
  Value polynomial(Value x, ArrayRef<double> c) {
    Value p = constant(c.back());
    for (double next : llvm::reverse(c.drop_back()))
      p = fma(p, x, constant(next));
    return p;
  }
  /// The integer nearest to x, for |x| < 2^22, as float and in the low bits of
  /// the second: adding 1.5 * 2^23 leaves no bits for a fraction.
  std::pair<Value, Value> round(Value x) {
    Value magic = constant(12582912.0);
    Value shifted = arith::AddFOp::create(*this, x, magic);
    Value n = arith::SubFOp::create(*this, shifted, magic);
    return {n, arith::BitcastOp::create(*this, intType, shifted)};
  }
  Value shiftLeft(Value x, int32_t bits) {
    return arith::ShLIOp::create(*this, x, intConstant(bits));
  }
  Value toFloat(Value bits) {
    return arith::BitcastOp::create(*this, type, bits);
  }

  Type type, intType;

private:
  Type like(Type element) {
    auto vector = dyn_cast<VectorType>(type);
    return vector ? vector.clone(element) : element;
  }
  Value splat(Type of, TypedAttr value) {
    if (auto vector = dyn_cast<VectorType>(of))
      value = DenseElementsAttr::get(vector, Attribute(value));
    return arith::ConstantOp::create(*this, value);
  }
};

/// 2^x = 2^n * 2^f with n the integer nearest to x and |f| <= 1/2. 2^f by a
/// polynomial of degree 5 (Remez; 1.1e-7 relative, exact at 0), 2^n by adding
/// to the exponent. From 2^-126 down the result goes to 0, from 2^128 on it is
/// infinity; only the default NaN stays NaN.
struct Exp2Polynomial : OpRewritePattern<math::Exp2Op> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::Exp2Op op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "not f32");
    F32Builder b(op, rewriter);
    Value x = b.clamp(op.getOperand(), arith::CmpFPredicate::OLT, -127.0);
    x = b.clamp(x, arith::CmpFPredicate::OGT, 128.0);
    auto [n, bits] = b.round(x);
    Value f = arith::SubFOp::create(b, x, n);
    Value p = b.polynomial(f, {1.0, 0.6931470036506653, 0.24022242426872253,
                               0.05550733581185341, 0.009671512991189957,
                               0.001326472731307149});
    Value exponent = b.shiftLeft(bits, 23);
    Value mantissa = arith::BitcastOp::create(b, b.intType, p);
    rewriter.replaceOp(op,
                       b.toFloat(arith::AddIOp::create(b, mantissa, exponent)));
    return success();
  }
};

/// exp(x) = 2^n * e^r with n = round(x / ln 2) and |r| <= ln 2 / 2; e^r by a
/// polynomial of degree 6 (Cephes expf, Moshier). 2^n is applied in two
/// factors, so that results near the largest and below the smallest normal
/// number come out right. NaN stays NaN: the clamps compare and select.
struct ExpPolynomial : OpRewritePattern<math::ExpOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::ExpOp op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "not f32");
    F32Builder b(op, rewriter);
    // Beyond these exp is 0 or infinity, and so is 2^n.
    Value x = b.clamp(op.getOperand(), arith::CmpFPredicate::OLT, -104.0);
    x = b.clamp(x, arith::CmpFPredicate::OGT, 89.0);
    auto [n, bits] =
        b.round(arith::MulFOp::create(b, x, b.constant(1.44269504088896341)));
    Value r = b.fma(n, b.constant(-0.693359375), x);
    r = b.fma(n, b.constant(2.12194440e-4), r);
    Value p =
        b.polynomial(r, {5.0000001201e-1, 1.6666665459e-1, 4.1665795894e-2,
                         8.3334519073e-3, 1.3981999507e-3, 1.9875691500e-4});
    Value squared = arith::MulFOp::create(b, r, r);
    Value e = arith::AddFOp::create(b, b.fma(p, squared, r), b.constant(1.0));

    // The integer without the bits of the rounding constant, in two halves.
    Value whole = arith::SubIOp::create(b, bits, b.intConstant(0x4b400000));
    Value half = arith::ShRSIOp::create(b, whole, b.intConstant(1));
    Value rest = arith::SubIOp::create(b, whole, half);
    auto power = [&](Value exponent) {
      Value biased = arith::AddIOp::create(b, exponent, b.intConstant(127));
      return b.toFloat(b.shiftLeft(biased, 23));
    };
    Value partly = arith::MulFOp::create(b, e, power(half));
    rewriter.replaceOpWithNewOp<arith::MulFOp>(op, partly, power(rest));
    return success();
  }
};

struct ApproximateMathPass
    : mlir::marimba::impl::ApproximateMathBase<ApproximateMathPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpPolynomial, Exp2Polynomial>(&getContext());
    populateMathPolynomialApproximationPatterns(patterns, [](StringRef name) {
      return name == math::ExpM1Op::getOperationName() ||
             name == math::Log1pOp::getOperationName() ||
             name == math::LogOp::getOperationName();
    });
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
