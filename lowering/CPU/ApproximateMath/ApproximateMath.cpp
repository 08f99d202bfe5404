//===- ApproximateMath.cpp - exp, sin, ... as polynomials ------*- C++ -*-===//
//
// Part of Marimba. See lowering/CPU/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/Passes.h"
#include "lowering/Common/Builders/KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

#define DEBUG_TYPE "approximate-math"

namespace mlir::marimba {
#define GEN_PASS_DEF_APPROXIMATEMATH
#include "lowering/CPU/ApproximateMath.h.inc"
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

/// sin or cos: x = n pi/2 + r with n the integer nearest to x / (pi/2) and
/// |r| <= pi/4; sin r or cos r, as the quadrant n says, by polynomials of
/// degree 7 and 8 (Cephes sinf, cosf; Moshier). pi/2 is in three parts: n times
/// the first, subtracted from x, is exact in a fused multiply-add. Within 7e-8
/// for |x| <= 2^17, a position times a frequency of 1; beyond 2^22 the result
/// is of no use. Infinities give NaN.
template <typename OpTy> struct TrigPolynomial : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "not f32");
    F32Builder b(op, rewriter);
    Value x = op.getOperand();
    Value shifted =
        b.fma(x, b.constant(0.63661977236758134), b.constant(kRound));
    Value n = b.sub(shifted, b.constant(kRound));
    Value bits = b.toBits(shifted);
    Value r = b.fma(n, b.constant(-1.5707963705062866), x);
    r = b.fma(n, b.constant(4.371138828673793e-08), r);
    r = b.fma(n, b.constant(1.7151245100058819e-15), r);
    Value z = arith::MulFOp::create(b, r, r);
    Value cubic =
        b.polynomial(z, {-1.6666654611e-1, 8.3321608736e-3, -1.9515295891e-4});
    Value sine = b.fma(arith::MulFOp::create(b, r, z), cubic, r);
    Value cosine =
        b.polynomial(z, {1.0, -0.5, 4.166664568298827e-2, -1.388731625493765e-3,
                         2.443315711809948e-5});
    // cos x is the sine of a quadrant later.
    if constexpr (std::is_same_v<OpTy, math::CosOp>)
      bits = arith::AddIOp::create(b, bits, b.intConstant(1));
    Value odd = arith::AndIOp::create(b, bits, b.intConstant(1));
    Value isOdd = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, odd,
                                        b.intConstant(0));
    Value y = arith::SelectOp::create(b, isOdd, cosine, sine);
    // Bit 1 of the quadrant is the sign.
    Value sign =
        b.shiftLeft(arith::AndIOp::create(b, bits, b.intConstant(2)), 30);
    Value plain = arith::BitcastOp::create(b, b.intType, y);
    rewriter.replaceOp(op, b.toFloat(arith::XOrIOp::create(b, plain, sign)));
    return success();
  }
};

/// erf(x): up to 0.9277 x times a polynomial of degree 12, beyond
/// 1 - exp(polynomial of degree 7), by `fastExp` (Juffa 2018; docs/numerics.md
/// has the error). NaN stays one.
struct ErfPolynomial : OpRewritePattern<math::ErfOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::ErfOp op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "not f32");
    F32Builder b(op, rewriter);
    Value x = op.getOperand();
    Value magnitude = math::AbsFOp::create(b, x);
    Value square = b.mul(x, x);
    Value inner =
        b.polynomial(square, {1.28379166e-1, -3.76125336e-1, 1.12819925e-1,
                              -2.67681349e-2, 4.99119423e-3, -5.96761703e-4});
    inner = b.fma(inner, x, x);

    // From here on erf is 1.
    Value t = b.atMost(magnitude, 4.0);
    Value exponent = b.polynomial(
        t, {0.0, -1.0 - 1.28717512e-1, -6.34846687e-1, -1.06777877e-1,
            2.42546219e-2, -3.88396438e-3, 3.83197126e-4, -1.72853470e-5});
    Value outer = b.sub(b.constant(1.0), fastExp(b, exponent));
    outer = math::CopySignOp::create(b, outer, x);
    Value limit = b.constant(0.927734375);
    if (auto vector = dyn_cast<VectorType>(b.type))
      limit = vector::BroadcastOp::create(b, vector, limit);
    Value isOuter =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, magnitude, limit);
    rewriter.replaceOp(op, b.select(isOuter, outer, inner));
    return success();
  }
};

/// log1p(e) with `afn` for e = exp(-|y|), as in softplus, which is in [0, 1]:
/// e times a polynomial of degree 8 (Remez; 6.5e-8 relative; exact limit 1 at 0
/// but for one ulp).
struct Log1pOfExp : OpRewritePattern<math::Log1pOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::Log1pOp op,
                                PatternRewriter &rewriter) const override {
    Value e = op.getOperand();
    if (!getElementTypeOrSelf(e.getType()).isF32() ||
        !bitEnumContainsAll(op.getFastmath(), arith::FastMathFlags::afn))
      return rewriter.notifyMatchFailure(op, "not f32 or not afn");
    auto exp = e.getDefiningOp<math::ExpOp>();
    auto minus =
        exp ? exp.getOperand().getDefiningOp<arith::NegFOp>() : nullptr;
    if (!minus || !minus.getOperand().getDefiningOp<math::AbsFOp>())
      return rewriter.notifyMatchFailure(op, "may be beyond 1");
    F32Builder b(op, rewriter);
    Value p = b.polynomial(
        e, {0.9999999403953552, -0.4999949336051941, 0.3331909775733948,
            -0.2484298199415207, 0.19106006622314453, -0.13663245737552643,
            0.07822594791650772, -0.029505237936973572, 0.0052326940931379795});
    rewriter.replaceOp(op, b.mul(p, e));
    return success();
  }
};

struct ApproximateMathPass
    : mlir::marimba::impl::ApproximateMathBase<ApproximateMathPass> {
  void runOnOperation() override {
    // While exp is still there to be seen.
    RewritePatternSet softplus(&getContext());
    softplus.add<Log1pOfExp>(&getContext());
    auto isMath = [](Operation *op) {
      return isa_and_present<math::MathDialect>(op->getDialect()) &&
             !isa<math::FmaOp>(op); // of the polynomials
    };
    CountRewrites counter(DEBUG_TYPE, numApproximated, isMath);
    walkAndApplyPatterns(getOperation(), std::move(softplus), &counter);

    RewritePatternSet patterns(&getContext());
    patterns.add<ExpPolynomial, Exp2Polynomial, ErfPolynomial,
                 TrigPolynomial<math::SinOp>, TrigPolynomial<math::CosOp>>(
        &getContext());
    populateMathPolynomialApproximationPatterns(patterns, [](StringRef name) {
      return name == math::ExpM1Op::getOperationName() ||
             name == math::Log1pOp::getOperationName() ||
             name == math::LogOp::getOperationName() ||
             name == math::TanhOp::getOperationName();
    });
    if (failed(applyPatternsGreedily(
            getOperation(), std::move(patterns),
            GreedyRewriteConfig()
                .setListener(&counter)
                .setRegionSimplificationLevel(
                    GreedySimplifyRegionLevel::Disabled))))
      signalPassFailure();
  }
};

} // namespace
