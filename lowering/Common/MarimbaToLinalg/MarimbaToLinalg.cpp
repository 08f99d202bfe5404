//===- MarimbaToLinalg.cpp - Ops without memory -----------------*- C++ -*-===//
//
// Part of Marimba. See lowering/Common/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "lowering/Common/MarimbaToLinalg/GenericBuilder.h"
#include "lowering/Common/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

#define DEBUG_TYPE "convert-marimba-to-linalg"

namespace mlir::marimba {
#define GEN_PASS_DEF_CONVERTMARIMBATOLINALG
#include "lowering/Common/ConvertMarimbaToLinalg.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// Element by element: every operand is indexed alike.
template <typename OpTy> struct ConvertElementwise : LinalgPattern<OpTy> {
  using LinalgPattern<OpTy>::LinalgPattern;
  SmallVector<Value> convert(GenericBuilder &g, OpTy op) const override {
    auto type = cast<RankedTensorType>(op.getType());
    SmallVector<GenericBuilder::Operand> inputs;
    for (Value operand : op->getOperands())
      inputs.push_back({operand, range(type.getRank())});
    Value empty = g.empty(g.sizes(op->getOperand(0)));
    return {g.build(type.getRank(), inputs, {empty, range(type.getRank())},
                    [&](KernelBuilder &b, ValueRange args) {
                      if constexpr (std::is_same_v<OpTy, SiluOp>)
                        return b.silu(args[0]);
                      else if constexpr (std::is_same_v<OpTy, SigmoidOp>)
                        return b.sigmoid(args[0]);
                      else if constexpr (std::is_same_v<OpTy, Relu2Op>)
                        return b.relu2(args[0]);
                      else if constexpr (std::is_same_v<OpTy, GeluOp>)
                        return op.getWithTanh() ? b.geluWithTanh(args[0])
                                                : b.gelu(args[0]);
                      else if constexpr (std::is_same_v<OpTy, SoftcapOp>)
                        return b.softcap(args[0],
                                         op.getCap().convertToDouble());
                      else
                        return b.mul(b.silu(args[0]), args[1]);
                    })};
  }
};

struct ConvertSoftplus : LinalgPattern<SoftplusOp> {
  using LinalgPattern::LinalgPattern;
  SmallVector<Value> convert(GenericBuilder &g, SoftplusOp op) const override {
    unsigned rank = op.getType().getRank();
    SmallVector<GenericBuilder::Operand> inputs{{op.getInput(), range(rank)}};
    if (op.getBias())
      inputs.push_back({op.getBias(), {rank - 1}});
    return {
        g.build(rank, inputs, {g.empty(g.sizes(op.getInput())), range(rank)},
                [&](KernelBuilder &b, ValueRange args) {
                  Value x = op.getBias() ? b.add(args[0], args[1]) : args[0];
                  Value y = b.softplus(x);
                  if (std::optional<APFloat> least = op.getMinimum())
                    y = b.atLeast(y, least->convertToDouble());
                  if (std::optional<APFloat> most = op.getMaximum())
                    y = b.atMost(y, most->convertToDouble());
                  return y;
                })};
  }
};

struct ConvertScale : LinalgPattern<ScaleOp> {
  using LinalgPattern::LinalgPattern;
  SmallVector<Value> convert(GenericBuilder &g, ScaleOp op) const override {
    unsigned rank = op.getType().getRank();
    SmallVector<unsigned> all = range(rank);
    double factor = op.getFactor().convertToDouble();
    return {g.build(rank, {{op.getInput(), all}},
                    {g.empty(g.sizes(op.getInput())), all},
                    [&](KernelBuilder &b, ValueRange args) {
                      return b.mul(args[0], b.constant(factor));
                    })};
  }
};

struct ConvertEmbedding : LinalgPattern<EmbeddingOp> {
  using LinalgPattern::LinalgPattern;
  SmallVector<Value> convert(GenericBuilder &g, EmbeddingOp op) const override {
    unsigned rank = op.getType().getRank();
    SmallVector<OpFoldResult> sizes = g.sizes(op.getIds());
    sizes.push_back(g.sizes(op.getTable())[1]);
    return {g.build(
        rank, {{op.getIds(), range(rank - 1)}}, {g.empty(sizes), range(rank)},
        [&](KernelBuilder &b, ValueRange args) -> Value {
          Value id = arith::IndexCastOp::create(b, b.getIndexType(), args[0]);
          Value column = linalg::IndexOp::create(b, rank - 1);
          Value value = tensor::ExtractOp::create(b, op.getTable(),
                                                  ValueRange{id, column});
          if (value.getType().isF32())
            return value;
          return arith::ExtFOp::create(b, b.getF32Type(), value);
        })};
  }
};

struct ConvertGatherTokens : LinalgPattern<GatherTokensOp> {
  using LinalgPattern::LinalgPattern;
  SmallVector<Value> convert(GenericBuilder &g,
                             GatherTokensOp op) const override {
    SmallVector<OpFoldResult> sizes = g.sizes(op.getPositions());
    sizes.push_back(g.sizes(op.getInput())[2]);
    return {g.build(
        3, {{op.getPositions(), {0, 1}}}, {g.empty(sizes), range(3)},
        [&](KernelBuilder &b, ValueRange args) -> Value {
          Value t = arith::IndexCastOp::create(b, b.getIndexType(), args[0]);
          return tensor::ExtractOp::create(
              b, op.getInput(),
              ValueRange{linalg::IndexOp::create(b, 0), t,
                         linalg::IndexOp::create(b, 2)});
        })};
  }
};

struct ConvertPermuteChannels : LinalgPattern<PermuteChannelsOp> {
  using LinalgPattern::LinalgPattern;
  SmallVector<Value> convert(GenericBuilder &g,
                             PermuteChannelsOp op) const override {
    unsigned rank = op.getType().getRank();
    return {g.build(rank, {{op.getOrder(), {rank - 1}}},
                    {g.empty(g.sizes(op.getInput())), range(rank)},
                    [&](KernelBuilder &b, ValueRange args) -> Value {
                      SmallVector<Value> place;
                      for (unsigned dim = 0; dim + 1 < rank; ++dim)
                        place.push_back(linalg::IndexOp::create(b, dim));
                      place.push_back(arith::IndexCastOp::create(
                          b, b.getIndexType(), args[0]));
                      return tensor::ExtractOp::create(b, op.getInput(), place);
                    })};
  }
};

struct ConvertLinear : LinalgPattern<LinearOp> {
  using LinalgPattern::LinalgPattern;
  SmallVector<Value> convert(GenericBuilder &g, LinearOp op) const override {
    // Leading dimensions, then out, then in.
    unsigned lead = op.getInput().getType().getRank() - 1;
    SmallVector<unsigned> inputDims = range(lead), outputDims = range(lead + 1);
    inputDims.push_back(lead + 1);
    SmallVector<OpFoldResult> sizes = g.sizes(op.getInput());
    sizes.back() = g.sizes(op.getWeight())[0];
    Value init = g.zeros(sizes);
    if (op.getBias())
      init = g.build(lead + 1, {{op.getBias(), {lead}}},
                     {g.empty(sizes), outputDims},
                     [](KernelBuilder &, ValueRange args) { return args[0]; });
    return {g.build(
        lead + 2,
        {{op.getInput(), inputDims}, {op.getWeight(), {lead, lead + 1}}},
        {init, outputDims}, [](KernelBuilder &b, ValueRange args) {
          return b.add(args[2], b.mul(args[0], args[1]));
        })};
  }
};

struct ConvertLogDecay : LinalgPattern<LogDecayOp> {
  using LinalgPattern::LinalgPattern;
  SmallVector<Value> convert(GenericBuilder &g, LogDecayOp op) const override {
    unsigned rank = op.getType().getRank();
    SmallVector<GenericBuilder::Operand> inputs{{op.getInput(), range(rank)},
                                                {op.getA(), {2}}};
    if (op.getBias())
      inputs.push_back({op.getBias(), rank == 4 ? SmallVector<unsigned>{2, 3}
                                                : SmallVector<unsigned>{2}});
    return {
        g.build(rank, inputs, {g.empty(g.sizes(op.getInput())), range(rank)},
                [&](KernelBuilder &b, ValueRange args) {
                  Value x = op.getBias() ? b.add(args[0], args[2]) : args[0];
                  return b.mul(args[1], b.softplus(x));
                })};
  }
};

struct ConvertDiscretize : LinalgPattern<DiscretizeOp> {
  using LinalgPattern::LinalgPattern;
  SmallVector<Value> convert(GenericBuilder &g,
                             DiscretizeOp op) const override {
    // d0 = B, d1 = T, d2 = N, d3 = D
    SmallVector<OpFoldResult> sizes = g.sizes(op.getDelta());
    sizes.insert(sizes.begin() + 2, g.sizes(op.getA())[0]);
    DiscretizationRule rule = op.getRule();
    auto half = [](KernelBuilder &b, Value delta, Value a) {
      return b.mul(b.mul(delta, a), b.constant(0.5));
    };
    Value decay = g.build(
        4, {{op.getDelta(), {0, 1, 3}}, {op.getA(), {2, 3}}},
        {g.empty(sizes), range(4)}, [&](KernelBuilder &b, ValueRange args) {
          if (rule != DiscretizationRule::Bilinear)
            return b.exp(b.mul(args[0], args[1]));
          Value h = half(b, args[0], args[1]);
          return b.div(b.add(b.constant(1.0), h), b.sub(b.constant(1.0), h));
        });
    Value input =
        g.build(4,
                {{op.getDelta(), {0, 1, 3}},
                 {op.getA(), {2, 3}},
                 {op.getB(), {0, 1, 2}},
                 {op.getU(), {0, 1, 3}}},
                {g.empty(sizes), range(4)},
                [&](KernelBuilder &b, ValueRange args) -> Value {
                  Value delta = args[0], a = args[1];
                  Value bu = b.mul(args[2], args[3]);
                  if (rule == DiscretizationRule::Euler)
                    return b.mul(delta, bu);
                  if (rule == DiscretizationRule::Bilinear)
                    return b.div(b.mul(delta, bu),
                                 b.sub(b.constant(1.0), half(b, delta, a)));
                  // expm1 keeps its digits for small steps; A = 0 integrates B
                  // u.
                  Value grown = math::ExpM1Op::create(b, b.mul(delta, a));
                  Value zero = arith::CmpFOp::create(
                      b, arith::CmpFPredicate::OEQ, a, b.constant(0.0));
                  Value safe = b.select(zero, b.constant(1.0), a);
                  return b.mul(b.select(zero, delta, b.div(grown, safe)), bu);
                });
    return {decay, input};
  }
};

struct ConvertReadout : LinalgPattern<ReadoutOp> {
  using LinalgPattern::LinalgPattern;
  SmallVector<Value> convert(GenericBuilder &g, ReadoutOp op) const override {
    // d0 = B, d1 = T, d2 = D, d3 = N
    SmallVector<OpFoldResult> all = g.sizes(op.getStates());
    SmallVector<OpFoldResult> sizes = {all[0], all[1], all[3]};
    Value sum = g.build(
        4, {{op.getStates(), {0, 1, 3, 2}}, {op.getC(), {0, 1, 3}}},
        {g.zeros(sizes), range(3)}, [](KernelBuilder &b, ValueRange args) {
          return b.add(args[2], b.mul(args[0], args[1]));
        });
    if (!op.getD())
      return {sum};
    return {g.build(
        3, {{sum, range(3)}, {op.getD(), {2}}, {op.getU(), range(3)}},
        {g.empty(sizes), range(3)}, [](KernelBuilder &b, ValueRange args) {
          return b.add(args[0], b.mul(args[1], args[2]));
        })};
  }
};

struct ConvertDiscretizeHeads : LinalgPattern<DiscretizeHeadsOp> {
  using LinalgPattern::LinalgPattern;
  SmallVector<Value> convert(GenericBuilder &g,
                             DiscretizeHeadsOp op) const override {
    auto product = [](KernelBuilder &b, ValueRange args) {
      return b.mul(args[0], args[1]);
    };
    Value delta = op.getDelta();
    Value decay = g.build(3, {{delta, range(3)}, {op.getA(), {2}}},
                          {g.empty(g.sizes(delta)), range(3)}, product);
    Value values = g.build(4, {{delta, range(3)}, {op.getU(), range(4)}},
                           {g.empty(g.sizes(op.getU())), range(4)}, product);
    return {decay, values};
  }
};

struct ConvertMarimbaToLinalgPass
    : mlir::marimba::impl::ConvertMarimbaToLinalgBase<
          ConvertMarimbaToLinalgPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns
        .add<ConvertElementwise<SiluOp>, ConvertElementwise<SigmoidOp>,
             ConvertElementwise<Relu2Op>, ConvertElementwise<GeluOp>,
             ConvertElementwise<SoftcapOp>, ConvertElementwise<SwiGLUOp>,
             ConvertSoftplus, ConvertLogDecay, ConvertScale, ConvertEmbedding,
             ConvertGatherTokens, ConvertPermuteChannels, ConvertLinear,
             ConvertDiscretize, ConvertReadout, ConvertDiscretizeHeads>(
            &getContext());
    populateNormsToLinalgPatterns(patterns);
    populateLTIToLinalgPatterns(patterns);
    CountRewrites counter(DEBUG_TYPE, numConverted, [](Operation *op) {
      return isa_and_present<MarimbaDialect>(op->getDialect());
    });
    walkAndApplyPatterns(getOperation(), std::move(patterns), &counter);
  }
};

} // namespace
