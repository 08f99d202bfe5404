//===- GatedDeltaModel.cpp - Gated delta nets and attention -----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/GatedDeltaModel.h"
#include "importer/blocks/EmbeddingAndHead.h"
#include "importer/gguf/GgufKeys.h"
#include "importer/hub/RotaryConfig.h"

namespace mlir::marimba {

static constexpr StringLiteral kTypes = "layer_types";
static constexpr StringLiteral kLinear = "linear_attention";
static constexpr StringLiteral kFull = "full_attention";
static constexpr StringLiteral kInterval = "full_attention_interval";

/// layer_types or, without it, one layer of attention in so many.
void GatedDeltaModel::readTypes(Config &c) {
  std::vector<std::string> types = c.getStrings(kTypes);
  for (const std::string &type : types) {
    if (type != kLinear && type != kFull)
      return c.error(kTypes, "a list of \"linear_attention\" and "
                             "\"full_attention\"");
    isLinear.push_back(type == kLinear);
  }
  if (!c.find(kTypes)) {
    int64_t interval = c.getPositive(kInterval, 4, kMaxLayers);
    for (int64_t i = 0; i < layers; ++i)
      isLinear.push_back((i + 1) % interval != 0);
  }
  if (int64_t(isLinear.size()) != layers)
    c.error(kTypes,
            "a list of num_hidden_layers (" + Twine(layers) + ") elements");
}

void GatedDeltaModel::read(Config &c, const GatedDeltaDefaults &defaults) {
  constexpr int64_t mostHeads = 1 << 16;
  vocab = c.getPositive("vocab_size", defaults.vocab, kMaxSize);
  hidden = c.getPositive("hidden_size", defaults.hidden, kMaxSize);
  layers = c.getPositive("num_hidden_layers", defaults.layers, kMaxLayers);
  epsilon = c.getPositiveReal("rms_norm_eps", 1e-6);
  tied = c.getBool("tie_word_embeddings", false);
  attentionBias = c.getBool("attention_bias", false);
  zeroCentered = !c.getBool("norm_weights_include_one", false);
  AttentionSizes &a = attention;
  a.heads = c.getPositive("num_attention_heads", 16, mostHeads);
  a.keyHeads =
      c.getPositive("num_key_value_heads", defaults.keyHeads, mostHeads);
  a.headDim = c.getPositive("head_dim", 256, mostHeads);
  if (a.heads % a.keyHeads != 0)
    c.error("num_key_value_heads",
            "a divisor of num_attention_heads (" + Twine(a.heads) + ")");
  a.gated = true;
  a.norm = QueryKeyNorm::OfHeads;
  a.normEpsilon = epsilon;
  a.zeroCenteredNorm = zeroCentered;
  rotation = readRotation(c, a.headDim, /*defaultTheta=*/1e4,
                          /*defaultShare=*/0.25);
  a.rotary = rotation.size();

  GatedDeltaSizes sizes{
      /*keyHeads=*/16,  /*valueHeads=*/32, /*keyDim=*/128,
      /*valueDim=*/128, /*window=*/4,      epsilon};
  sizes.tiledHeads = c.getBool("tiled_value_heads", false);
  mixer = readGatedDelta(c, sizes);
  byKeyHead = defaults.byKeyHead;
  draftLayers = c.getNonNegative("draft_layers", 0, kMaxLayers);
  readTypes(c);
  isDense.assign(layers, true);
  c.checkSupported();
}

void GatedDeltaModel::readExperts(Config &c,
                                  const GatedDeltaDefaults &defaults) {
  experts = c.getNonNegative("num_experts", defaults.experts, kMaxExperts);
  if (!experts)
    return;
  routing.topK =
      c.getPositive("num_experts_per_tok", defaults.topK, kMaxExperts);
  routing.normalize = true;
  expertWidth = c.getPositive("moe_intermediate_size", 512, kMaxSize);
  sharedWidth = c.getPositive("shared_expert_intermediate_size", 512, kMaxSize);
  isDense.assign(layers, false);
}

Value GatedDeltaModel::emitLayer(LayerScope &scope, int64_t index) const {
  auto norm = [&](Value value, StringRef name) {
    return emitNorm(scope, value, name, epsilon, /*groups=*/1, zeroCentered);
  };
  Value h = norm(scope.x, "input_layernorm");
  Value mixed = isLinear[index]
                    ? emitGatedDelta(scope, mixer,
                                     emitGatedDeltaProjections(scope, mixer, h))
                    : emitAttention(scope, attention, h);
  Value x = emitResidual(scope, scope.x, mixed, "mixer_residual");
  h = norm(x, "post_attention_layernorm");
  Value fed = isDense[index] ? emitDenseFeedForward(scope, h)
                             : emitMixtureOfExperts(scope, routing, h);
  return emitResidual(scope, x, fed, "feed_forward_residual");
}

LayerPlan GatedDeltaModel::planLayer(WeightTable &weights, int64_t index,
                                     StringRef module) const {
  Dim hiddenDim{hidden, "hidden_size"};
  bool linear = isLinear[index], dense = isDense[index];
  LayerPlan layer;
  layer.kind = linear ? "gated_delta" : "attention";
  layer.kind += dense ? "+dense" : "+moe";
  layer.prefix = ("layers." + Twine(index)).str();
  layer.location = (module + "." + layer.prefix).str();
  takeTensor(layer, weights, "", "input_layernorm", hiddenDim);
  if (linear) {
    GatedDeltaNames names;
    addGatedDeltaProjections(layer, weights, names.module, mixer, hiddenDim,
                             byKeyHead);
    addGatedDelta(layer, weights, names, mixer, hiddenDim);
  } else {
    addAttention(layer, weights, attention, hiddenDim, attentionBias);
  }
  takeTensor(layer, weights, "", "post_attention_layernorm", hiddenDim);
  if (dense) {
    addDenseFeedForward(layer, weights, "mlp", hiddenDim,
                        {intermediate, "intermediate_size"});
  } else {
    ExpertNames names{"mlp", "mlp.gate", "mlp.experts"};
    addMixtureOfExperts(layer, weights, names, {experts, "num_experts"},
                        hiddenDim, {expertWidth, "moe_intermediate_size"});
    addSharedExpert(layer, weights, "mlp.shared_expert",
                    "mlp.shared_expert_gate", hiddenDim,
                    {sharedWidth, "shared_expert_intermediate_size"});
  }
  layer.location += linear ? ".linear_attn" : ".self_attn";
  layer.emit = [model = *this, index](LayerScope &scope) {
    return model.emitLayer(scope, index);
  };
  return layer;
}

/// "one tensor" or "24 tensors".
static std::string countTensors(size_t count) {
  return count == 1 ? "one tensor" : std::to_string(count) + " tensors";
}

/// Sets aside what is of drafts and of images, and says so.
static void setAside(WeightTable &weights, ModelInfo &info, int64_t layers,
                     int64_t drafts) {
  size_t images = weights.setAside({"model.visual.", "visual."});
  if (images)
    info.notes.push_back(weights.file().str() + ": " + countTensors(images) +
                         " of the vision part, model.visual.*, set aside: "
                         "images are not read, text only");
  std::vector<std::string> prefixes{"mtp.", "model.mtp."};
  for (int64_t i = layers; i < layers + drafts; ++i) {
    prefixes.push_back("model.layers." + std::to_string(i) + ".");
    prefixes.push_back("blk." + std::to_string(i) + ".");
  }
  size_t drafting = weights.setAside(prefixes);
  if (drafting)
    info.notes.push_back(
        weights.file().str() + ": " + countTensors(drafting) +
        " of the draft head, " +
        (drafts ? "blk." + std::to_string(layers) + ".*" : "mtp.*") +
        ", set aside: it predicts further tokens (MTP), which is not used");
}

void GatedDeltaModel::plan(Config &file, WeightTable &weights, ModelPlan &plan,
                           ModelInfo &info, StringRef module) const {
  plan.zeroCenteredNorm = zeroCentered;
  plan.rotations = {rotation};
  ModelFrame frame{vocab, hidden, layers, epsilon, tied};
  frame.names.module = module;
  frame.names.norm = "norm";
  frame.names.draftLayers = draftLayers;
  planFrame(plan, info, weights, frame, file.file(),
            [&](int64_t i) { return planLayer(weights, i, module); });
  setAside(weights, info, layers, draftLayers);

  if (llvm::is_contained(isDense, true))
    info.sizes.push_back({"intermediate_size", intermediate});
  llvm::append_range(info.sizes,
                     std::initializer_list<std::pair<std::string, int64_t>>{
                         {"num_attention_heads", attention.heads},
                         {"num_key_value_heads", attention.keyHeads},
                         {"head_dim", attention.headDim},
                         {"rotary_dim", attention.rotary},
                         {"linear_num_key_heads", mixer.keyHeads},
                         {"linear_num_value_heads", mixer.valueHeads},
                         {"linear_key_head_dim", mixer.keyDim},
                         {"linear_value_head_dim", mixer.valueDim},
                         {"linear_conv_kernel_dim", mixer.window}});
  if (llvm::is_contained(isDense, false))
    llvm::append_range(info.sizes,
                       std::initializer_list<std::pair<std::string, int64_t>>{
                           {"moe_intermediate_size", expertWidth},
                           {"shared_expert_intermediate_size", sharedWidth},
                           {"num_experts", experts},
                           {"num_experts_per_tok", routing.topK}});
}

/// Layers of attention: a list of booleans says which are not, or an interval.
static void readGgufTypes(GgufFields &f, int64_t layers) {
  std::string listed = f.key("attention.recurrent_layers");
  if (!f.file.find(listed)) {
    f.copy(kInterval, kInterval, /*required=*/false);
    return;
  }
  std::optional<std::vector<int64_t>> recurrent = f.file.getIntegers(listed);
  if (!recurrent || int64_t(recurrent->size()) < layers)
    return f.keyError(listed, "a list of " + Twine(layers) + " booleans");
  llvm::json::Array types;
  for (int64_t i = 0; i < layers; ++i)
    types.push_back((*recurrent)[i] ? kLinear : kFull);
  f.set(kTypes, std::move(types), listed);
}

void readGgufGatedDelta(GgufFields &f) {
  f.copy("attention.layer_norm_rms_epsilon", "rms_norm_eps");
  f.copy("attention.head_count", "num_attention_heads");
  f.copy("attention.head_count_kv", "num_key_value_heads");
  f.copy("attention.key_length", "head_dim");
  readGgufRotary(f, f.positive("attention.key_length", kMaxSize),
                 /*mayBePart=*/true);
  f.set("norm_weights_include_one", true, "general.architecture");

  f.copy("ssm.conv_kernel", "linear_conv_kernel_dim");
  f.copy("ssm.state_size", "linear_key_head_dim");
  f.copy("ssm.group_count", "linear_num_key_heads");
  f.copy("ssm.time_step_rank", "linear_num_value_heads");
  int64_t heads = f.positive("ssm.time_step_rank", 1 << 16);
  int64_t inner = f.positive("ssm.inner_size", kMaxSize);
  std::string width = f.key("ssm.inner_size");
  if (heads && inner % heads != 0)
    f.keyError(width, "a multiple of " + f.key("ssm.time_step_rank") + " (" +
                          Twine(heads) + ")");
  else if (heads)
    f.set("linear_value_head_dim", inner / heads, width);

  // Layers that predict further tokens follow the others.
  std::string ahead = f.key("nextn_predict_layers");
  int64_t drafts = 0;
  if (f.file.find(ahead)) {
    std::optional<int64_t> count = f.file.getInteger(ahead);
    if (!count || *count < 0 || *count >= f.layers)
      f.keyError(ahead, "an integer of 0 or more, below " +
                            f.key("block_count") + " (" + Twine(f.layers) +
                            ")");
    else
      drafts = *count;
  }
  f.set("num_hidden_layers", f.layers - drafts, f.key("block_count"));
  f.set("draft_layers", drafts, ahead);
  readGgufTypes(f, f.layers - drafts);
}

void writeGgufGatedDelta(GgufKeys &k) {
  k.common();
  // Of layers that the model may not have.
  StringRef width = "intermediate_size";
  if (k.config.find(width))
    k.integer("feed_forward_length", k.config.getPositive(width, 1, kMaxSize));
  k.sizes({{"feed_forward_length", "intermediate_size"},
           {"attention.head_count", "num_attention_heads"},
           {"attention.head_count_kv", "num_key_value_heads"},
           {"attention.key_length", "head_dim"},
           {"attention.value_length", "head_dim"},
           {"ssm.conv_kernel", "linear_conv_kernel_dim"},
           {"ssm.state_size", "linear_key_head_dim"},
           {"ssm.group_count", "linear_num_key_heads"},
           {"ssm.time_step_rank", "linear_num_value_heads"},
           {"expert_count", "num_experts"},
           {"expert_used_count", "num_experts_per_tok"},
           {"expert_feed_forward_length", "moe_intermediate_size"},
           {"expert_shared_feed_forward_length",
            "shared_expert_intermediate_size"}});
  k.integer("ssm.inner_size",
            k.size("linear_num_value_heads") * k.size("linear_value_head_dim"));
  k.rotary(k.size("head_dim"), /*defaultTheta=*/1e4, /*defaultShare=*/0.25);
  std::vector<bool> recurrent;
  for (size_t i = 0; i < k.info.layerKinds.size(); ++i)
    recurrent.push_back(k.isKind(i, "gated_delta"));
  k.metadata.setBools(k.key("attention.recurrent_layers"), recurrent);
  k.integer(kInterval, k.config.getPositive(kInterval, 4, kMaxLayers));
}

void readGgufGatedExperts(GgufFields &f) {
  f.config.expertsField = "num_experts";
  f.config.experts = f.positive("expert_count", kMaxExperts);
  f.copy("expert_count", "num_experts");
  f.copy("expert_used_count", "num_experts_per_tok");
  f.copy("expert_feed_forward_length", "moe_intermediate_size");
  f.copy("expert_shared_feed_forward_length",
         "shared_expert_intermediate_size");
}

} // namespace mlir::marimba
