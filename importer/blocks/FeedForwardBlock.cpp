//===- FeedForwardBlock.cpp - MLP and mixture of experts --------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "importer/blocks/Blocks.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::marimba {

/// act(gateScale gate h) up h, or relu2(up h) without a gate.
static Value emitActivated(LayerScope &scope, Value h, const Twine &gate,
                           const Twine &up, double gateScale = 1,
                           GateActivation activation = GateActivation::Silu) {
  std::string gateName = gate.str();
  bool gated = scope.weight(gateName) != nullptr;
  Value by = gated ? emitScaled(scope, emitLinear(scope, h, gateName),
                                gateScale, "gate_scale")
                   : Value();
  Value value = emitLinear(scope, h, up.str());
  OpBuilder &b = scope.builder;
  if (!gated)
    return Relu2Op::create(b, scope.loc("relu2"), value);
  if (activation == GateActivation::Silu)
    return SwiGLUOp::create(b, scope.loc("swiglu"), by, value);
  Value open = GeluOp::create(b, scope.loc("gelu"), by.getType(), by,
                              /*with_tanh=*/b.getUnitAttr());
  return arith::MulFOp::create(b, scope.loc("gated"), open, value);
}

Value emitDenseFeedForward(LayerScope &scope, Value h, StringRef prefix,
                           double gateScale, GateActivation activation) {
  Value both = emitActivated(scope, h, prefix + "gate_proj", prefix + "up_proj",
                             gateScale, activation);
  return emitLinear(scope, both, (prefix + "down_proj").str());
}

/// Rows [begin, begin + size) of each expert of [E,2I,H].
static Value sliceRows(LayerScope &scope, StringRef part, Value value,
                       int64_t begin, int64_t size) {
  OpBuilder &b = scope.builder;
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<OpFoldResult> offsets{b.getIndexAttr(0), b.getIndexAttr(begin),
                                    b.getIndexAttr(0)};
  SmallVector<OpFoldResult> sizes{b.getIndexAttr(type.getDimSize(0)),
                                  b.getIndexAttr(size),
                                  b.getIndexAttr(type.getDimSize(2))};
  SmallVector<OpFoldResult> strides(3, b.getIndexAttr(1));
  auto result = RankedTensorType::get(
      {type.getDimSize(0), size, type.getDimSize(2)}, type.getElementType());
  return tensor::ExtractSliceOp::create(b, scope.loc(part), result, value,
                                        offsets, sizes, strides);
}

/// `value` [B,T,I] times the weight that each token gave to the expert, 0 where
/// it chose others.
static Value scaleByRoute(LayerScope &scope, Value value, RouteOp route,
                          int64_t expert) {
  OpBuilder &b = scope.builder;
  Location loc = scope.loc("experts.weighed");
  MLIRContext *context = b.getContext();
  AffineExpr batch, time, channel, choice;
  bindDims(context, batch, time, channel, choice);
  AffineMap channels = AffineMap::get(4, 0, {batch, time, channel}, context);
  AffineMap choices = AffineMap::get(4, 0, {batch, time, choice}, context);
  SmallVector<AffineMap> maps{channels, choices, choices, channels};
  SmallVector<utils::IteratorType> iterators(4, utils::IteratorType::parallel);
  iterators[3] = utils::IteratorType::reduction;
  Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0));
  int64_t size = cast<RankedTensorType>(value.getType()).getDimSize(2);
  Value none =
      linalg::FillOp::create(b, loc, zero, scope.empty(loc, size)).getResult(0);
  return linalg::GenericOp::create(
             b, loc, none.getType(),
             ValueRange{value, route->getResult(0), route->getResult(1)}, none,
             maps, iterators,
             [&](OpBuilder &nested, Location at, ValueRange args) {
               Value own = arith::ConstantOp::create(
                   nested, at, nested.getI32IntegerAttr(expert));
               Value chosen = arith::CmpIOp::create(
                   nested, at, arith::CmpIPredicate::eq, args[2], own);
               Value nothing = arith::ConstantOp::create(
                   nested, at, nested.getF32FloatAttr(0));
               Value weight = arith::SelectOp::create(nested, at, chosen,
                                                      args[1], nothing);
               Value product =
                   arith::MulFOp::create(nested, at, args[0], weight);
               Value sum = arith::AddFOp::create(nested, at, args[3], product);
               linalg::YieldOp::create(nested, at, sum);
             })
      .getResult(0);
}

/// Each expert as a feed-forward of all tokens.
static Value emitSeparateExperts(LayerScope &scope, Value h, RouteOp route) {
  Value sum;
  for (int64_t e = 0;; ++e) {
    std::string name = ("experts." + Twine(e) + ".").str();
    if (!scope.weight(name + "up"))
      return sum;
    Value both = emitActivated(scope, h, name + "gate", name + "up");
    Value y =
        emitLinear(scope, scaleByRoute(scope, both, route, e), name + "down");
    sum = sum ? emitResidual(scope, sum, y, "experts") : y;
  }
}

/// The experts of each token and their weights.
static RouteOp emitRoute(LayerScope &scope, const Routing &routing, Value h) {
  OpBuilder &b = scope.builder;
  Value logits = emitLinear(scope, h, "router");
  Location loc = scope.loc("route");
  Value weights = scope.empty(loc, routing.topK);
  Value experts = scope.empty(loc, routing.topK, b.getI32Type());
  return RouteOp::create(
      b, loc, TypeRange{weights.getType(), experts.getType()}, logits,
      scope.weight("correction_bias"), ValueRange{weights, experts},
      routing.sigmoid, routing.normalize, APFloat(routing.epsilon),
      APFloat(routing.scale), routing.groups, routing.topGroups);
}

/// The weighted sum of the chosen experts of x, which `route` chose.
static Value emitExperts(LayerScope &scope, Value x, RouteOp route) {
  if (scope.weight("experts.0.up"))
    return emitSeparateExperts(scope, x, route);
  SmallVector<Value> matrices;
  if (Value both = scope.weight("experts.gate_up")) {
    int64_t rows = cast<RankedTensorType>(both.getType()).getDimSize(1) / 2;
    matrices = {sliceRows(scope, "experts.gate", both, 0, rows),
                sliceRows(scope, "experts.up", both, rows, rows)};
  } else {
    if (Value gate = scope.weight("experts.gate"))
      matrices.push_back(gate);
    matrices.push_back(scope.weight("experts.up"));
  }
  matrices.push_back(scope.weight("experts.down"));
  return ExpertsOp::create(scope.builder, scope.loc("experts"), x.getType(), x,
                           route->getResult(0), route->getResult(1), matrices);
}

/// `value` [B,T,H] times the numbers [B,T,1].
static Value scaleTokens(LayerScope &scope, StringRef part, Value value,
                         Value factors) {
  OpBuilder &b = scope.builder;
  Location loc = scope.loc(part);
  auto type = cast<RankedTensorType>(value.getType());
  AffineMap all = b.getMultiDimIdentityMap(3);
  AffineMap token =
      AffineMap::get(3, 0,
                     {b.getAffineDimExpr(0), b.getAffineDimExpr(1),
                      b.getAffineConstantExpr(0)},
                     b.getContext());
  SmallVector<utils::IteratorType> iterators(3, utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             b, loc, type, ValueRange{value, factors},
             scope.empty(loc, type.getDimSize(2)), ArrayRef{all, token, all},
             iterators,
             [](OpBuilder &nested, Location at, ValueRange args) {
               Value y = arith::MulFOp::create(nested, at, args[0], args[1]);
               linalg::YieldOp::create(nested, at, y);
             })
      .getResult(0);
}

/// The feed-forward that every token takes, with its gate if it has one.
static Value emitSharedExpert(LayerScope &scope, Value h, StringRef prefix) {
  Value y = emitDenseFeedForward(scope, h, prefix);
  if (!scope.weight("shared_expert_gate"))
    return y;
  Value open = SigmoidOp::create(scope.builder, scope.loc("shared_open"),
                                 emitLinear(scope, h, "shared_expert_gate"));
  return scaleTokens(scope, "shared_gated", y, open);
}

Value emitMixtureOfExperts(LayerScope &scope, const Routing &routing, Value h) {
  RouteOp route = emitRoute(scope, routing, h);
  bool latent = scope.weight("fc1_latent_proj") != nullptr;
  Value x = latent ? emitLinear(scope, h, "fc1_latent_proj") : h;
  Value y = emitExperts(scope, x, route);
  if (latent)
    y = emitLinear(scope, y, "fc2_latent_proj");
  StringRef shared = "shared_experts.";
  if (!scope.weight((shared + "up_proj").str()))
    return y;
  return emitResidual(scope, y, emitSharedExpert(scope, h, shared),
                      "shared_experts");
}

} // namespace mlir::marimba
