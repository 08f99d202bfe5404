//===- AttentionWeights.cpp - An attention block's tensors ------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/AttentionWeights.h"

namespace mlir::marimba {

AttentionSizes readAttention(Config &c, int64_t hidden, int64_t defaultKeyHeads,
                             int64_t defaultHeads, int64_t defaultHeadDim) {
  AttentionSizes sizes;
  sizes.heads = c.getPositive("num_attention_heads", defaultHeads, 1 << 16);
  bool all = defaultKeyHeads == 0 || c.has("num_key_value_heads");
  sizes.keyHeads = c.getPositive("num_key_value_heads",
                                 all ? sizes.heads : defaultKeyHeads, 1 << 16);
  if (!defaultHeadDim)
    defaultHeadDim = std::max<int64_t>(hidden / sizes.heads, 1);
  sizes.headDim = c.getPositive("head_dim", defaultHeadDim, 1 << 16);
  return sizes;
}

void checkAttention(Config &c, int64_t hidden, const AttentionSizes &sizes) {
  if (!c.find("head_dim") && sizes.headDim == hidden / sizes.heads &&
      hidden % sizes.heads != 0)
    c.error("num_attention_heads",
            "a divisor of hidden_size (" + Twine(hidden) + ")");
  if (sizes.heads % sizes.keyHeads != 0)
    c.error("num_key_value_heads",
            "a divisor of num_attention_heads (" + Twine(sizes.heads) + ")");
}

void addAttention(LayerPlan &layer, WeightTable &weights,
                  const AttentionSizes &s, Dim hidden, bool bias,
                  StringRef module, const AttentionNames &names,
                  bool outputBias) {
  Dim queries{s.heads * s.headDim, "num_attention_heads"};
  Dim keys{s.keyHeads * s.headDim, "num_key_value_heads"};
  std::string m = (module + ".").str();
  auto add = [&](StringRef name, StringRef disk, Dim out, Dim in) {
    takeTensorAs(layer, weights, m, name, disk, {out, in});
    if (bias && (outputBias || name != "o_proj"))
      takeTensorAs(layer, weights, m, name, disk, out, ".bias");
  };
  add("q_proj", "q_proj",
      s.gated ? Dim{2 * queries.size, queries.field} : queries, hidden);
  add("k_proj", "k_proj", keys, hidden);
  add("v_proj", "v_proj", keys, hidden);
  add("o_proj", names.output, hidden, queries);
  if (s.norm != QueryKeyNorm::None) {
    bool each = s.norm == QueryKeyNorm::OfHeads;
    Dim head{s.headDim, "head_dim"};
    takeTensorAs(layer, weights, m, "q_norm", names.queryNorm,
                 each ? head : queries);
    takeTensorAs(layer, weights, m, "k_norm", names.keyNorm,
                 each ? head : keys);
  }
  addKeyValueStates(layer, s);
}

void addKeyValueStates(LayerPlan &layer, const AttentionSizes &s) {
  int64_t any = ShapedType::kDynamic;
  Type f32 = Float32Type::get(layer.weights.back().weight.type.getContext());
  auto cache = RankedTensorType::get({any, s.keyHeads, any, s.headDim}, f32);
  layer.states.append({{"key", cache}, {"value", cache}});
  layer.usesPast = true;
  layer.usesRotary = s.rotary > 0;
}

void setCacheType(LayerPlan &layer, KeyValueType type) {
  if (type == KeyValueType::F32)
    return;
  SmallVector<LayerState> scales;
  for (LayerState &state : layer.states) {
    if (state.name != "key" && state.name != "value")
      continue;
    Builder b(state.type.getContext());
    if (type == KeyValueType::BF16) {
      state.type = state.type.clone(b.getBF16Type());
      continue;
    }
    // A scale for each vector of a head.
    scales.push_back({state.name + "_scales",
                      RankedTensorType::get(state.type.getShape().drop_back(),
                                            b.getF32Type())});
    state.type = state.type.clone(b.getI8Type());
  }
  layer.states.append(scales);
}

} // namespace mlir::marimba
