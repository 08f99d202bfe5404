//===- ApproximateMath.cpp - exp, exp2 and log1p polynomials ----*- C++ -*-===//
//
// Part of Marimba. See lowering/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "lowering/Common/KernelBuilder.h"
#include "lowering/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::marimba {
#define GEN_PASS_DEF_APPROXIMATEMATH
#include "lowering/Passes.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// A kernel builder that can also take floats apart.
class F32Builder : public KernelBuilder {
public:
  F32Builder(Operation *op, PatternRewriter &rewriter)
      : KernelBuilder(op->getLoc(), rewriter), type(op->getResult(0).getType()),
        intType(like(getI32Type())) {}

  Value intConstant(int32_t value) {
    TypedAttr attr = getI32IntegerAttr(value);
    if (auto vector = dyn_cast<VectorType>(intType))
      attr = DenseElementsAttr::get(vector, Attribute(attr));
    return arith::ConstantOp::create(*this, attr);
  }
  Value shiftLeft(Value x, int32_t bits) {
    return arith::ShLIOp::create(*this, x, intConstant(bits));
  }
  Value toFloat(Value bits) {
    return arith::BitcastOp::create(*this, type, bits);
  }
  Value toBits(Value x) { return arith::BitcastOp::create(*this, intType, x); }
  /// 2^n as a float, for -127 <= n <= 128 (from 0 to infinity), of n + 127 in
  /// the low bits.
  Value powerOfTwo(Value biased) { return toFloat(shiftLeft(biased, 23)); }

  Type type, intType;

private:
  Type like(Type element) {
    auto vector = dyn_cast<VectorType>(type);
    return vector ? vector.clone(element) : element;
  }
};

/// Adding it leaves no bits for a fraction, and the integer in the low ones,
/// for what is between -2^22 and 2^22.
constexpr double kRound = 12582912.0; // 1.5 * 2^23
constexpr int32_t kRoundBits = 0x4b400000;
constexpr int32_t kExponentBias = 127;

constexpr double kLog2E = 1.44269504088896341;
/// What f32 leaves of it.
constexpr double kLog2ELow = kLog2E - static_cast<float>(kLog2E);

/// 2^f for |f| <= 1/2 (Remez; 1.1e-7 relative, exact at 0).
Value powerOfFraction(KernelBuilder &b, Value f) {
  return b.polynomial(f, {1.0, 0.6931470036506653, 0.24022242426872253,
                          0.05550733581185341, 0.009671512991189957,
                          0.001326472731307149});
}

/// 2^x = 2^n * 2^f with n the integer nearest to x. 2^n by adding to the
/// exponent. From 2^-126 down the result goes to 0, from 2^128 on it is
/// infinity; a NaN stays one where its last nine bits are zero, as in all that
/// arithmetic makes.
struct Exp2Polynomial : OpRewritePattern<math::Exp2Op> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::Exp2Op op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "not f32");
    F32Builder b(op, rewriter);
    Value x = b.atMost(b.atLeast(op.getOperand(), -127.0), 128.0);
    Value shifted = b.add(x, b.constant(kRound));
    Value n = b.sub(shifted, b.constant(kRound));
    Value p = powerOfFraction(b, b.sub(x, n));
    Value exponent = b.shiftLeft(b.toBits(shifted), 23);
    rewriter.replaceOp(
        op, b.toFloat(arith::AddIOp::create(b, b.toBits(p), exponent)));
    return success();
  }
};

/// exp(x) with `afn`: 2^n * 2^f, where f = x log2 e - n is exact to the last
/// bit, so that the error does not grow with x. From 2^-126.5 down the result
/// is 0, from 2^127.5 on infinity.
Value fastExp(F32Builder &b, Value x) {
  // Beyond these n is -127 and 128, and 2^n zero and infinity.
  x = b.atMost(b.atLeast(x, -88.0), 88.7);
  Value log2e = b.constant(kLog2E);
  Value shifted = b.fma(x, log2e, b.constant(kRound + kExponentBias));
  Value n = b.sub(shifted, b.constant(kRound + kExponentBias));
  Value f = b.fma(x, log2e, b.neg(n));
  f = b.fma(x, b.constant(kLog2ELow), f);
  Value p = powerOfFraction(b, f);
  return b.mul(p, b.powerOfTwo(b.toBits(shifted)));
}

/// exp(x) = 2^n * e^r with n = round(x / ln 2) and |r| <= ln 2 / 2; e^r by a
/// polynomial of degree 6 (Cephes expf, Moshier). 2^n is applied in two
/// factors, so that results near the largest and below the smallest normal
/// number come out right.
Value accurateExp(F32Builder &b, Value x) {
  // Beyond these exp is 0 or infinity, and so is 2^n.
  x = b.atMost(b.atLeast(x, -104.0), 89.0);
  Value shifted = b.fma(x, b.constant(kLog2E), b.constant(kRound));
  Value n = b.sub(shifted, b.constant(kRound));
  Value r = b.fma(n, b.constant(-0.693359375), x);
  r = b.fma(n, b.constant(2.12194440e-4), r);
  Value p =
      b.polynomial(r, {5.0000001201e-1, 1.6666665459e-1, 4.1665795894e-2,
                       8.3334519073e-3, 1.3981999507e-3, 1.9875691500e-4});
  Value e = b.add(b.fma(p, b.mul(r, r), r), b.constant(1.0));

  Value whole =
      arith::SubIOp::create(b, b.toBits(shifted), b.intConstant(kRoundBits));
  Value half = arith::ShRSIOp::create(b, whole, b.intConstant(1));
  Value rest = arith::SubIOp::create(b, whole, half);
  auto power = [&](Value n) {
    return b.powerOfTwo(
        arith::AddIOp::create(b, n, b.intConstant(kExponentBias)));
  };
  return b.mul(b.mul(e, power(half)), power(rest));
}

struct ExpPolynomial : OpRewritePattern<math::ExpOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::ExpOp op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "not f32");
    F32Builder b(op, rewriter);
    bool fast = bitEnumContainsAll(op.getFastmath(), arith::FastMathFlags::afn);
    rewriter.replaceOp(op, fast ? fastExp(b, op.getOperand())
                                : accurateExp(b, op.getOperand()));
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
