//===- LatentAttentionBlock.cpp - Multi-head latent attention ---*- C++ -*-===//
//
// Part of Marimba. DeepSeek-AI 2024, in the form that stays in the latent
// space: each head's key matrix is applied to its query, and its value matrix
// to its output, so that all heads share the keys that are kept. Without
// positions, as Kimi Linear has it (Kimi Team 2025).
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "importer/blocks/Blocks.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <cmath>

namespace mlir::marimba {

/// y[b,t,h,n] = sum_k x[b,t,h,k] matrices[h,k,n]. It becomes tiles
/// (lowering/CPU/LinalgToVector/HeadProducts.cpp).
static Value emitHeadProducts(LayerScope &scope, StringRef part, Value x,
                              Value matrices) {
  OpBuilder &b = scope.builder;
  Location loc = scope.loc(part);
  auto type = cast<RankedTensorType>(matrices.getType());
  int64_t heads = type.getDimSize(0), size = type.getDimSize(2);
  Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0));
  Value none =
      linalg::FillOp::create(b, loc, zero, scope.empty(loc, {heads, size}))
          .getResult(0);
  MLIRContext *context = b.getContext();
  AffineExpr batch, time, head, out, in;
  bindDims(context, batch, time, head, out, in);
  SmallVector<AffineMap> maps{
      AffineMap::get(5, 0, {batch, time, head, in}, context),
      AffineMap::get(5, 0, {head, in, out}, context),
      AffineMap::get(5, 0, {batch, time, head, out}, context)};
  SmallVector<utils::IteratorType> iterators(5, utils::IteratorType::parallel);
  iterators.back() = utils::IteratorType::reduction;
  return linalg::GenericOp::create(
             b, loc, none.getType(), ValueRange{x, matrices}, none, maps,
             iterators,
             [](OpBuilder &nested, Location at, ValueRange args) {
               Value product =
                   arith::MulFOp::create(nested, at, args[0], args[1]);
               Value sum = arith::AddFOp::create(nested, at, args[2], product);
               linalg::YieldOp::create(nested, at, sum);
             })
      .getResult(0);
}

Value emitLatentAttention(LayerScope &scope, const LatentAttentionSizes &s,
                          Value h) {
  OpBuilder &b = scope.builder;
  Value queries;
  if (s.queryRank) {
    Value narrow = emitNorm(scope, emitLinear(scope, h, "q_a_proj"),
                            "q_a_layernorm", s.normEpsilon);
    queries = emitLinear(scope, narrow, "q_b_proj");
  } else {
    queries = emitLinear(scope, h, "q_proj");
  }
  Value heads = splitChannels(scope, "query", queries, s.heads, s.query());
  Value absorbed =
      emitHeadProducts(scope, "absorbed_query",
                       sliceHeads(scope, "content", heads, 0, s.content),
                       scope.weight("into_latent"));
  Value query = concatHeads(
      scope, "latent_query", absorbed,
      sliceHeads(scope, "shared_query", heads, s.content, s.shared));

  Value both = emitLinear(scope, h, "kv_a_proj_with_mqa");
  Value latent =
      emitNorm(scope, sliceChannels(scope, "latent", both, 0, s.rank),
               "kv_a_layernorm", s.normEpsilon);
  Value keys = concatChannels(
      scope, "key",
      {latent, sliceChannels(scope, "shared_key", both, s.rank, s.shared)});
  Value key = splitChannels(scope, "key", keys, 1, s.key());

  Location loc = scope.loc("attention");
  Value &cache = scope.state("key");
  Value &scales = scope.state("key_scales");
  SmallVector<Value> inits{scope.empty(loc, {s.heads, s.rank}), cache};
  if (scales)
    inits.push_back(scales);
  auto attention =
      AttentionOp::create(b, loc, ValueRange(inits).getTypes(), query, key,
                          /*value=*/Value(), scope.past, scope.valid, inits,
                          b.getF64FloatAttr(1.0 / std::sqrt(double(s.query()))),
                          /*window=*/IntegerAttr(), /*softcap=*/FloatAttr());
  cache = attention->getResult(1);
  if (scales)
    scales = attention->getResult(2);
  Value values = emitHeadProducts(scope, "values", attention->getResult(0),
                                  scope.weight("out_of_latent"));
  return emitLinear(scope, joinChannels(scope, "attention", values), "o_proj");
}

} // namespace mlir::marimba
