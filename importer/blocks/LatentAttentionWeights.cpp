//===- LatentAttentionWeights.cpp - Latent attention's tensors --*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/LatentAttentionWeights.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::marimba {

LatentAttentionSizes readLatentAttention(Config &c) {
  LatentAttentionSizes s;
  s.heads = c.getPositive("num_attention_heads", 32, 1 << 16);
  s.rank = c.getPositive("kv_lora_rank", 512, kMaxSize);
  s.queryRank = c.getPositiveOrNone("q_lora_rank", kMaxSize);
  s.content = c.getPositive("qk_nope_head_dim", 128, 1 << 16);
  s.shared = c.getPositive("qk_rope_head_dim", 64, 1 << 16);
  s.value = c.getPositive("v_head_dim", 128, 1 << 16);
  return s;
}

/// Part `begin` to `begin` + size of the second dimension of [heads,n,m].
static Value sliceRows(OpBuilder &b, Location loc, Value value, int64_t begin,
                       int64_t size) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<OpFoldResult> offsets(3, b.getIndexAttr(0));
  offsets[1] = b.getIndexAttr(begin);
  SmallVector<OpFoldResult> sizes, strides(3, b.getIndexAttr(1));
  SmallVector<int64_t> shape{type.getDimSize(0), size, type.getDimSize(2)};
  for (int64_t extent : shape)
    sizes.push_back(b.getIndexAttr(extent));
  return tensor::ExtractSliceOp::create(
      b, loc, RankedTensorType::get(shape, type.getElementType()), value,
      offsets, sizes, strides);
}

/// `matrices` [heads,n,m], each perhaps transposed, in f32.
static Value emitMatrices(OpBuilder &b, StringRef name, Value matrices,
                          Value destination, bool transposed) {
  Location loc = NameLoc::get(b.getStringAttr(name));
  // A loop that only copies folds away, and its destination with it.
  if (!transposed && getElementTypeOrSelf(matrices).isF32())
    return bufferization::MaterializeInDestinationOp::create(b, loc, matrices,
                                                             destination)
        ->getResult(0);
  MLIRContext *context = b.getContext();
  AffineExpr head, i, j;
  bindDims(context, head, i, j);
  SmallVector<AffineMap> maps{transposed
                                  ? AffineMap::get(3, 0, {head, j, i}, context)
                                  : b.getMultiDimIdentityMap(3),
                              b.getMultiDimIdentityMap(3)};
  SmallVector<utils::IteratorType> iterators(3, utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             b, loc, TypeRange{destination.getType()}, ValueRange{matrices},
             ValueRange{destination}, maps, iterators,
             [](OpBuilder &nested, Location at, ValueRange args) {
               Value value = args[0];
               if (!value.getType().isF32())
                 value = arith::ExtFOp::create(nested, at, nested.getF32Type(),
                                               value);
               linalg::YieldOp::create(nested, at, value);
             })
      .getResult(0);
}

/// The matrices by which queries go into the latent space, and outputs out of
/// it: kv_b_proj's, each head's by itself.
static void addPreparation(LayerPlan &layer, WeightTable &weights,
                           const LatentAttentionSizes &s) {
  std::string base = layer.prefix + ".self_attn.";
  std::string disk = layer.location + ".self_attn.";
  Dim heads{s.heads, "num_attention_heads"}, rank{s.rank, "kv_lora_rank"};
  Dim content{s.content, "qk_nope_head_dim"}, value{s.value, "v_head_dim"};
  Preparation preparation;
  preparation.function = "prepare_latent_attention";
  std::string keys = disk + "k_b_proj.weight";
  bool apart = weights.has(keys);
  if (apart) {
    preparation.function += "_of_two";
    preparation.inputs = {
        weights.get(base + "k_b_proj", keys, {heads, rank, content}),
        weights.get(base + "v_b_proj", disk + "v_b_proj.weight",
                    {heads, value, rank})};
  } else {
    Dim rows{s.heads * (s.content + s.value),
             "num_attention_heads * (qk_nope_head_dim + v_head_dim)"};
    preparation.inputs = {weights.get(base + "kv_b_proj",
                                      disk + "kv_b_proj.weight", {rows, rank})};
  }
  preparation.outputs = {
      weights.derive(base + "into_latent", {s.heads, s.content, s.rank}),
      weights.derive(base + "out_of_latent", {s.heads, s.rank, s.value})};
  layer.add("into_latent", preparation.outputs[0]);
  layer.add("out_of_latent", preparation.outputs[1]);
  preparation.emit = [s, apart](OpBuilder &b, Location loc, ValueRange inputs,
                                ValueRange outputs) {
    Value into = inputs.front(), out = inputs.back();
    if (!apart) {
      SmallVector<ReassociationIndices> groups{{0, 1}, {2}};
      auto type = cast<RankedTensorType>(into.getType());
      auto split = RankedTensorType::get({s.heads, s.content + s.value, s.rank},
                                         type.getElementType());
      Value both = tensor::ExpandShapeOp::create(b, loc, split, into, groups);
      into = sliceRows(b, loc, both, 0, s.content);
      out = sliceRows(b, loc, both, s.content, s.value);
    }
    return SmallVector<Value>{
        emitMatrices(b, "into_latent", into, outputs[0], /*transposed=*/apart),
        emitMatrices(b, "out_of_latent", out, outputs[1],
                     /*transposed=*/true)};
  };
  layer.preparation = std::move(preparation);
}

void addLatentAttention(LayerPlan &layer, WeightTable &weights,
                        const LatentAttentionSizes &s, Dim hidden) {
  Dim rank{s.rank, "kv_lora_rank"};
  Dim queries{s.heads * s.query(),
              "num_attention_heads * (qk_nope_head_dim + qk_rope_head_dim)"};
  auto add = [&](StringRef name, ArrayRef<Dim> shape) {
    takeTensor(layer, weights, "self_attn.", name, shape);
  };
  if (s.queryRank) {
    Dim queryRank{s.queryRank, "q_lora_rank"};
    add("q_a_proj", {queryRank, hidden});
    add("q_a_layernorm", queryRank);
    add("q_b_proj", {queries, queryRank});
  } else {
    add("q_proj", {queries, hidden});
  }
  add("kv_a_proj_with_mqa",
      {{s.key(), "kv_lora_rank + qk_rope_head_dim"}, hidden});
  add("kv_a_layernorm", rank);
  addPreparation(layer, weights, s);
  add("o_proj",
      {hidden, {s.heads * s.value, "num_attention_heads * v_head_dim"}});

  int64_t any = ShapedType::kDynamic;
  Type f32 = layer.preparation->outputs.front().type.getElementType();
  layer.states.push_back(
      {"key", RankedTensorType::get({any, 1, any, s.key()}, f32)});
  layer.usesPast = true;
}

} // namespace mlir::marimba
