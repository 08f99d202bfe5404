//===- LTIToLinalg.cpp - Discretisation and tables of S4D -------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "lowering/Common/MarimbaToLinalg/GenericBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// Of nothing MLIR has no slices.
bool isEmpty(Value tensor) {
  return llvm::is_contained(cast<RankedTensorType>(tensor.getType()).getShape(),
                            0);
}

/// The real parts of a tensor of states and, if complex, the imaginary ones:
/// both halves of dimension `rows`.
SmallVector<Value> split(GenericBuilder &g, Value tensor, int64_t rows,
                         bool complex) {
  if (!complex)
    return {tensor};
  SmallVector<OpFoldResult> sizes = g.sizes(tensor);
  int64_t half = cast<RankedTensorType>(tensor.getType()).getDimSize(rows) / 2;
  SmallVector<Value> parts;
  for (int64_t part : {0, 1}) {
    SmallVector<OpFoldResult> offsets(sizes.size(), g.rewriter.getIndexAttr(0));
    SmallVector<OpFoldResult> strides(sizes.size(), g.rewriter.getIndexAttr(1));
    offsets[rows] = g.rewriter.getIndexAttr(part * half);
    sizes[rows] = g.rewriter.getIndexAttr(half);
    parts.push_back(isEmpty(tensor) ? g.empty(sizes)
                                    : tensor::ExtractSliceOp::create(
                                          g.rewriter, g.loc, tensor, offsets,
                                          sizes, strides));
  }
  return parts;
}

/// The parts below each other, in front of `into`'s rows from `at` on.
Value insertParts(GenericBuilder &g, ValueRange parts, Value into,
                  SmallVector<OpFoldResult> at) {
  if (isEmpty(into))
    return into;
  for (Value part : parts) {
    SmallVector<OpFoldResult> sizes = g.sizes(part);
    while (sizes.size() < at.size())
      sizes.insert(sizes.begin(), g.rewriter.getIndexAttr(1));
    SmallVector<OpFoldResult> strides(at.size(), g.rewriter.getIndexAttr(1));
    into = tensor::InsertSliceOp::create(g.rewriter, g.loc, part, into, at,
                                         sizes, strides);
    int64_t rows = cast<RankedTensorType>(part.getType()).getDimSize(0);
    at[at.size() - 2] = g.rewriter.getIndexAttr(rows);
  }
  return into;
}

//===----------------------------------------------------------------------===//
// discretize_lti
//===----------------------------------------------------------------------===//

/// A complex number in f64; `im` is null where it is real.
struct Wide {
  Value re, im;
};

/// Arithmetic in f64.
class WideBuilder {
public:
  WideBuilder(KernelBuilder &b) : b(b) {}

  Value constant(double value) {
    return arith::ConstantOp::create(b, b.getF64FloatAttr(value));
  }
  Value widen(Value x) { return arith::ExtFOp::create(b, b.getF64Type(), x); }
  Value narrow(Value x) {
    return arith::TruncFOp::create(b, b.getF32Type(), x);
  }
  Wide scale(Wide x, Value by) {
    return {b.mul(x.re, by), x.im ? b.mul(x.im, by) : Value()};
  }
  Wide addReal(Wide x, double value) {
    return {b.add(x.re, constant(value)), x.im};
  }
  Wide mul(Wide x, Wide y) {
    if (!x.im)
      return {b.mul(x.re, y.re), {}};
    return {b.sub(b.mul(x.re, y.re), b.mul(x.im, y.im)),
            b.add(b.mul(x.re, y.im), b.mul(x.im, y.re))};
  }
  Wide div(Wide x, Wide y) {
    if (!x.im)
      return {b.div(x.re, y.re), {}};
    Value square = b.add(b.mul(y.re, y.re), b.mul(y.im, y.im));
    Wide conjugate = {y.re, b.neg(y.im)};
    Wide product = mul(x, conjugate);
    return {b.div(product.re, square), b.div(product.im, square)};
  }
  Wide exp(Wide x) {
    Value grown = b.exp(x.re);
    if (!x.im)
      return {grown, {}};
    return {b.mul(grown, math::CosOp::create(b, x.im)),
            b.mul(grown, math::SinOp::create(b, x.im))};
  }
  /// (exp(x) - 1) / x given exp(x); near 0, where that cancels, its series.
  Wide grownOver(Wide x, Wide grown) {
    Value size =
        x.im ? b.add(b.mul(x.re, x.re), b.mul(x.im, x.im)) : b.mul(x.re, x.re);
    Value small = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, size,
                                        constant(1e-8));
    Wide one = {constant(1.0), x.im ? constant(0.0) : Value()};
    Wide series = one; // 1 + x/2 (1 + x/3 (1 + x/4))
    for (double k : {4.0, 3.0, 2.0})
      series = addReal(mul(scale(x, constant(1.0 / k)), series), 1.0);
    Wide safe = select(small, one, x);
    return select(small, series, div(addReal(grown, -1.0), safe));
  }
  Wide select(Value condition, Wide x, Wide y) {
    return {b.select(condition, x.re, y.re),
            x.im ? b.select(condition, x.im, y.im) : Value()};
  }

  KernelBuilder &b;
};

struct ConvertDiscretizeLTI : LinalgPattern<DiscretizeLTIOp> {
  using LinalgPattern::LinalgPattern;

  /// decay and gain of one state.
  static std::pair<Wide, Wide> discretize(WideBuilder &w,
                                          DiscretizationRule rule, Value dt,
                                          Wide a, Wide in) {
    Wide x = w.scale(a, dt), step = w.scale(in, dt);
    if (rule == DiscretizationRule::Bilinear) {
      Wide half = w.scale(x, w.constant(0.5));
      Wide below = w.addReal(w.scale(half, w.constant(-1.0)), 1.0);
      return {w.div(w.addReal(half, 1.0), below), w.div(step, below)};
    }
    Wide decay = w.exp(x);
    if (rule == DiscretizationRule::Euler)
      return {decay, step};
    return {decay, w.mul(w.grownOver(x, decay), step)};
  }

  SmallVector<Value> convert(GenericBuilder &g,
                             DiscretizeLTIOp op) const override {
    bool complex = op.getComplex();
    SmallVector<Value> a = split(g, op.getA(), 0, complex);
    SmallVector<Value> in = split(g, op.getB(), 0, complex);
    SmallVector<OpFoldResult> sizes = g.sizes(a[0]);
    SmallVector<GenericBuilder::Operand> inputs = {{op.getDt(), {1}}}, inits;
    for (ArrayRef<Value> parts : {ArrayRef(a), ArrayRef(in)})
      for (Value part : parts) {
        inputs.push_back({part, range(2)});
        inits.push_back({g.empty(sizes), range(2)});
      }
    // decay's parts, then gain's.
    SmallVector<Value> parts =
        g.buildMany(2, inputs, inits, [&](KernelBuilder &b, ValueRange args) {
          WideBuilder w(b);
          SmallVector<Value> x;
          for (Value arg : args.take_front(inputs.size()))
            x.push_back(w.widen(arg));
          Wide rate = {x[1], complex ? x[2] : Value()};
          Wide input = complex ? Wide{x[3], x[4]} : Wide{x[2], {}};
          auto [decay, gain] = discretize(w, op.getRule(), x[0], rate, input);
          if (!complex)
            return SmallVector<Value>{w.narrow(decay.re), w.narrow(gain.re)};
          return SmallVector<Value>{w.narrow(decay.re), w.narrow(decay.im),
                                    w.narrow(gain.re), w.narrow(gain.im)};
        });
    if (!complex)
      return parts;
    SmallVector<Value> results;
    for (size_t first : {0, 2}) {
      Value whole = g.empty(g.sizes(op.getA()));
      results.push_back(insertParts(
          g, ArrayRef(parts).slice(first, 2), whole,
          SmallVector<OpFoldResult>(2, g.rewriter.getIndexAttr(0))));
    }
    return results;
  }
};

//===----------------------------------------------------------------------===//
// lti_powers, lti_kernel
//===----------------------------------------------------------------------===//

struct ConvertLTIPowers : LinalgPattern<LTIPowersOp> {
  using LinalgPattern::LinalgPattern;

  /// power * decay in the place of power.
  static SmallVector<Value> next(GenericBuilder &g, ValueRange power,
                                 ArrayRef<Value> decay) {
    SmallVector<GenericBuilder::Operand> inputs, inits;
    for (auto [part, factor] : llvm::zip(power, decay)) {
      inputs.push_back({factor, range(2)});
      inits.push_back({part, range(2)});
    }
    return g.buildMany(
        2, inputs, inits, [&](KernelBuilder &b, ValueRange args) {
          if (decay.size() == 1)
            return SmallVector<Value>{b.mul(args[0], args[1])};
          Value dre = args[0], dim = args[1], re = args[2], im = args[3];
          return SmallVector<Value>{b.sub(b.mul(re, dre), b.mul(im, dim)),
                                    b.add(b.mul(re, dim), b.mul(im, dre))};
        });
  }

  SmallVector<Value> convert(GenericBuilder &g, LTIPowersOp op) const override {
    PatternRewriter &r = g.rewriter;
    SmallVector<Value> decay = split(g, op.getDecay(), 0, op.getComplex());
    SmallVector<Value> carried;
    for (Value part : split(g, op.getInput(), 0, op.getComplex()))
      carried.push_back(
          g.build(2, {{part, range(2)}}, {g.empty(g.sizes(part)), range(2)},
                  [](KernelBuilder &, ValueRange args) { return args[0]; }));
    auto index = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(r, g.loc, value);
    };
    auto loop =
        [&](int64_t count, ValueRange inits,
            llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
          auto forOp = scf::ForOp::create(
              r, g.loc, index(0), index(count), index(1), inits,
              [&](OpBuilder &, Location loc, Value j, ValueRange args) {
                OpBuilder::InsertionGuard guard(r);
                r.setInsertionPointToEnd(j.getParentBlock());
                scf::YieldOp::create(r, loc, body(j, args));
              });
          return SmallVector<Value>(forOp.getResults());
        };
    if (op.getFirst() > 0)
      carried = loop(op.getFirst(), carried, [&](Value, ValueRange power) {
        return next(g, power, decay);
      });
    SmallVector<OpFoldResult> sizes = g.sizes(op.getInput());
    sizes.insert(sizes.begin(), r.getIndexAttr(op.getType().getDimSize(0)));
    carried.push_back(g.empty(sizes));
    return {loop(op.getType().getDimSize(0), carried,
                 [&](Value j, ValueRange args) {
                   ValueRange power = args.drop_back();
                   Value all =
                       insertParts(g, power, args.back(),
                                   {j, r.getIndexAttr(0), r.getIndexAttr(0)});
                   SmallVector<Value> following = next(g, power, decay);
                   following.push_back(all);
                   return following;
                 })
                .back()};
  }
};

struct ConvertLTIKernel : LinalgPattern<LTIKernelOp> {
  using LinalgPattern::LinalgPattern;
  SmallVector<Value> convert(GenericBuilder &g, LTIKernelOp op) const override {
    // d0 = L, d1 = D, d2 = N
    SmallVector<OpFoldResult> all = g.sizes(op.getPowers());
    SmallVector<GenericBuilder::Operand> inputs;
    for (Value part : split(g, op.getC(), 0, op.getComplex()))
      inputs.push_back({part, {2, 1}});
    for (Value part : split(g, op.getPowers(), 1, op.getComplex()))
      inputs.push_back({part, {0, 2, 1}});
    return {g.build(3, inputs, {g.zeros({all[0], all[2]}), range(2)},
                    [&](KernelBuilder &b, ValueRange x) {
                      if (!op.getComplex())
                        return b.add(x[2], b.mul(x[0], x[1]));
                      Value real = b.sub(b.mul(x[0], x[2]), b.mul(x[1], x[3]));
                      return b.add(x[4], b.mul(b.constant(2.0), real));
                    })};
  }
};

} // namespace

void mlir::marimba::populateLTIToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<ConvertDiscretizeLTI, ConvertLTIPowers, ConvertLTIKernel>(
      patterns.getContext());
}
