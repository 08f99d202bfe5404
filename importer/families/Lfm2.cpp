//===- Lfm2.cpp - LFM2 ------------------------------------------*- C++ -*-===//
//
// Part of Marimba. LFM2: Liquid AI 2025; gated short convolutions with some
// layers of attention, then a feed-forward, or in LFM2-MoE, but for the first
// layers, a mixture of experts.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/AttentionWeights.h"
#include "importer/blocks/EmbeddingAndHead.h"
#include "importer/blocks/FeedForwardWeights.h"
#include "importer/blocks/ShortConvWeights.h"
#include "importer/blocks/TransformerModel.h"
#include "importer/families/FamilyRegistry.h"
#include "importer/gguf/GgufKeys.h"
#include "importer/hub/RotaryConfig.h"

namespace mlir::marimba {

//===----------------------------------------------------------------------===//
// Fields
//===----------------------------------------------------------------------===//

namespace {

constexpr StringLiteral kTypes = "layer_types";
constexpr StringLiteral kWindow = "conv_L_cache";

struct Lfm2Config {
  int64_t vocab, hidden, layers;
  int64_t intermediate; // of dense layers
  StringRef widthField; // that says it
  StringRef tiedField;
  /// Of the layers from `denseLayers` on; 0: all are dense.
  int64_t experts = 0, expertIntermediate = 0, denseLayers = 0;
  Routing routing;
  bool expertBias = false;
  bool tied, convBias;
  double epsilon;
  ShortConvSizes conv;
  AttentionSizes attention;
  Rotation rotation;
  std::vector<bool> isAttention; // by layer

  /// Reads and checks all fields; errors have been reported on failure.
  LogicalResult read(Config &config, bool mixture);

private:
  void readWidth(Config &config);
  void readTypes(Config &config);
  void readExperts(Config &config);
};

} // namespace

/// The file has the width that a layer without gates would have: two thirds of
/// it, times a factor, and then up to a whole multiple. Without the factor
/// transformers does not round either.
void Lfm2Config::readWidth(Config &c) {
  // The older spelling goes before the other, as in transformers.
  widthField = c.find("block_ff_dim") ? "block_ff_dim" : "intermediate_size";
  intermediate = c.getPositive(widthField, 12288, kMaxSize);
  if (!c.getBool("block_auto_adjust_ff_dim", true))
    return;
  StringRef factorField = "block_ffn_dim_multiplier";
  intermediate = 2 * intermediate / 3;
  if (c.find(factorField) || !c.has(factorField)) {
    double factor = c.getPositiveReal(factorField, 1);
    int64_t multiple = c.getPositive("block_multiple_of", 256, kMaxSize);
    intermediate =
        int64_t(std::min(factor * double(intermediate), double(kMaxSize)));
    intermediate = llvm::divideCeil(intermediate, multiple) * multiple;
  }
  if (intermediate < 1 || intermediate > kMaxSize)
    c.error(widthField, "a width of 1 to " + Twine(kMaxSize) +
                            " after block_auto_adjust_ff_dim");
}

/// layer_types, or the older full_attn_idxs, which may be absent: then all
/// layers are attention.
void Lfm2Config::readTypes(Config &c) {
  if (!c.find(kTypes)) {
    StringRef field = "full_attn_idxs";
    isAttention.assign(layers, !c.find(field));
    for (int64_t index : c.getIndices(field, layers))
      isAttention[index] = true;
    return;
  }
  for (const std::string &type : c.getStrings(kTypes)) {
    if (type != "conv" && type != "full_attention")
      return c.error(kTypes, "a list of \"conv\" and \"full_attention\"");
    isAttention.push_back(type == "full_attention");
  }
  if (int64_t(isAttention.size()) != layers)
    c.error(kTypes,
            "a list of num_hidden_layers (" + Twine(layers) + ") elements");
}

void Lfm2Config::readExperts(Config &c) {
  experts = c.getPositive("num_experts", 32, kMaxExperts);
  expertIntermediate = c.getPositive("moe_intermediate_size", 1792, kMaxSize);
  denseLayers = c.getNonNegative("num_dense_layers", 2, kMaxLayers);
  routing.sigmoid = true;
  routing.topK = c.getPositive("num_experts_per_tok", 4, kMaxExperts);
  routing.normalize = c.getBool("norm_topk_prob", true);
  if (routing.normalize)
    routing.epsilon = 1e-6;
  routing.scale = c.getPositiveReal("routed_scaling_factor", 1);
  expertBias = c.getBool("use_expert_bias", true);
  checkExperts(c, "num_experts", experts, routing.topK,
               std::max<int64_t>(layers - denseLayers, 0));
}

LogicalResult Lfm2Config::read(Config &c, bool mixture) {
  vocab = c.getPositive("vocab_size", 65536, kMaxSize);
  hidden = c.getPositive("hidden_size", mixture ? 2048 : 2560, kMaxSize);
  layers = c.getPositive("num_hidden_layers", 32, kMaxLayers);
  epsilon = c.getPositiveReal("norm_eps", 1e-5);
  tiedField = c.find("tie_embedding") ? "tie_embedding" : "tie_word_embeddings";
  tied = c.getBool(tiedField, true);
  conv = {hidden, c.getPositive(kWindow, 3, kMaxWindow)};
  convBias = c.getBool("conv_bias", false);
  attention = readAttention(c, hidden, /*defaultKeyHeads=*/8);
  checkAttention(c, hidden, attention);
  attention.norm = QueryKeyNorm::OfHeads;
  attention.normEpsilon = epsilon;
  // The first release's name for it.
  double theta = c.getPositiveReal("theta", 1e6);
  rotation = readRotation(c, attention.headDim, theta);
  attention.rotary = rotation.size();
  readTypes(c);
  if (mixture) {
    widthField = "intermediate_size";
    intermediate = c.getPositive(widthField, 7168, kMaxSize);
    readExperts(c);
  } else {
    readWidth(c);
  }
  c.checkSupported();
  return c.result();
}

//===----------------------------------------------------------------------===//
// Weights and layers
//===----------------------------------------------------------------------===//

static void addFeedForward(LayerPlan &layer, WeightTable &weights,
                           const Lfm2Config &c, bool moe) {
  Dim hidden{c.hidden, "hidden_size"};
  if (!moe)
    return addDenseFeedForward(layer, weights, "feed_forward", hidden,
                               {c.intermediate, c.widthField}, /*bias=*/false,
                               /*alias=*/"", {"w1", "w3", "w2"});
  ExpertNames names;
  names.router = "feed_forward.gate";
  names.gate = "w1";
  names.up = "w3";
  names.down = "w2";
  if (c.expertBias)
    names.correction = "feed_forward.expert_bias";
  addMixtureOfExperts(layer, weights, names, {c.experts, "num_experts"}, hidden,
                      {c.expertIntermediate, "moe_intermediate_size"});
}

static LayerPlan planLayer(const Lfm2Config &config, WeightTable &weights,
                           int64_t index) {
  bool attention = config.isAttention[index];
  bool moe = config.experts && index >= config.denseLayers;
  Dim hidden{config.hidden, "hidden_size"};
  LayerPlan layer;
  layer.kind = (Twine(attention ? "attention" : "short_conv") + "+" +
                (moe ? "moe" : "dense"))
                   .str();
  layer.prefix = ("layers." + Twine(index)).str();
  layer.location = "model." + layer.prefix;
  takeTensor(layer, weights, "", "operator_norm", hidden);
  if (attention)
    addAttention(layer, weights, config.attention, hidden, /*bias=*/false,
                 "self_attn", {"out_proj", "q_layernorm", "k_layernorm"});
  else
    addShortConv(layer, weights, config.conv, hidden, kWindow, config.convBias);
  takeTensor(layer, weights, "", "ffn_norm", hidden);
  addFeedForward(layer, weights, config, moe);
  layer.location += attention ? ".self_attn" : ".conv";

  layer.emit = [c = config, attention, moe](LayerScope &scope) {
    Value h = emitNorm(scope, scope.x, "operator_norm", c.epsilon);
    Value mixed = attention ? emitAttention(scope, c.attention, h)
                            : emitShortConv(scope, c.conv, h);
    Value x = emitResidual(scope, scope.x, mixed, "mixer_residual");
    h = emitNorm(scope, x, "ffn_norm", c.epsilon);
    Value fed = moe ? emitMixtureOfExperts(scope, c.routing, h)
                    : emitDenseFeedForward(scope, h);
    return emitResidual(scope, x, fed, "feed_forward_residual");
  };
  return layer;
}

static LogicalResult planModel(Config &file, WeightTable &weights,
                               ModelPlan &plan, ModelInfo &info, bool mixture) {
  Lfm2Config config;
  if (failed(config.read(file, mixture)))
    return failure();
  plan.rotations = {config.rotation};
  ModelFrame frame{config.vocab, config.hidden, config.layers, config.epsilon,
                   config.tied};
  frame.names.norm = "embedding_norm";
  frame.names.layerNorm = "operator_norm";
  frame.names.tiedField = config.tiedField;
  planFrame(plan, info, weights, frame, file.file(),
            [&](int64_t i) { return planLayer(config, weights, i); });

  setDefaultTokens(file, info, /*eos=*/2, /*bos=*/1, /*pad=*/0);
  info.sizes = {{"intermediate_size", config.intermediate},
                {"num_attention_heads", config.attention.heads},
                {"num_key_value_heads", config.attention.keyHeads},
                {"head_dim", config.attention.headDim},
                {kWindow.str(), config.conv.window}};
  if (config.experts)
    info.sizes.insert(info.sizes.end(),
                      {{"num_dense_layers", config.denseLayers},
                       {"num_experts", config.experts},
                       {"num_experts_per_tok", config.routing.topK},
                       {"moe_intermediate_size", config.expertIntermediate}});
  return success();
}

static LogicalResult planLfm2(MLIRContext &, Config &file, WeightTable &weights,
                              ModelPlan &plan, ModelInfo &info) {
  return planModel(file, weights, plan, info, /*mixture=*/false);
}

static LogicalResult planLfm2Moe(MLIRContext &, Config &file,
                                 WeightTable &weights, ModelPlan &plan,
                                 ModelInfo &info) {
  return planModel(file, weights, plan, info, /*mixture=*/true);
}

//===----------------------------------------------------------------------===//
// GGUF
//===----------------------------------------------------------------------===//

static const GgufName kOutside[] = {
    {"token_embd.weight", "model.embed_tokens.weight"},
    // The last norm, whatever it is called.
    {"token_embd_norm.weight", "model.embedding_norm.weight"},
    {"output.weight", "lm_head.weight"},
};

static const GgufName kInLayer[] = {
    {"attn_norm", "operator_norm"},
    {"shortconv.in_proj", "conv.in_proj"},
    {"shortconv.conv", "conv.conv"},
    {"shortconv.out_proj", "conv.out_proj"},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.out_proj"},
    {"attn_q_norm", "self_attn.q_layernorm"},
    {"attn_k_norm", "self_attn.k_layernorm"},
    {"ffn_norm", "ffn_norm"},
    {"ffn_gate", "feed_forward.w1"},
    {"ffn_up", "feed_forward.w3"},
    {"ffn_down", "feed_forward.w2"},
    {"ffn_gate_inp", "feed_forward.gate"},
    {"exp_probs_b.bias", "feed_forward.expert_bias"},
    {"ffn_gate_exps", "feed_forward.experts.*.w1"},
    {"ffn_up_exps", "feed_forward.experts.*.w3"},
    {"ffn_down_exps", "feed_forward.experts.*.w2"},
};

static void readGguf(GgufFields &f) {
  readGgufTransformer(f);
  // Rows of queries and keys are as in the checkpoint.
  f.config.queryHeads = f.config.keyHeads = 0;
  f.copy("attention.layer_norm_rms_epsilon", "norm_eps");
  f.copy("shortconv.l_cache", kWindow);
  // The width is what became of the config's.
  f.set("block_auto_adjust_ff_dim", false, f.key("feed_forward_length"));
  std::string heads = f.key("attention.head_count_kv");
  llvm::json::Array types;
  std::optional<std::vector<int64_t>> each = f.file.getIntegers(heads);
  for (int64_t i = 0; i < f.layers; ++i)
    types.push_back(each && i < int64_t(each->size()) && (*each)[i] == 0
                        ? "conv"
                        : "full_attention");
  f.set(kTypes, std::move(types), heads);
  // Another model of this architecture, not of tokens.
  if (readGgufWindow(f) > 0)
    f.keyError(f.key("attention.sliding_window"), "0");
}

static void readGgufMixture(GgufFields &f) {
  readGguf(f);
  f.config.expertsField = "num_experts";
  f.config.experts = f.positive("expert_count", kMaxExperts);
  f.copy("expert_count", "num_experts");
  f.copy("expert_used_count", "num_experts_per_tok");
  f.copy("expert_feed_forward_length", "moe_intermediate_size");
  f.copy("expert_weights_scale", "routed_scaling_factor", /*required=*/false);
  std::string dense = f.key("leading_dense_block_count");
  if (f.file.find(dense))
    f.copy("leading_dense_block_count", "num_dense_layers");
  else
    f.set("num_dense_layers", 0, dense);
  std::string kind = f.key("expert_gating_func");
  if (f.file.getInteger(kind) != 2)
    f.keyError(kind, "2, scores by sigmoid");
}

static void writeGguf(GgufKeys &k) {
  writeGgufTransformer(k, k.config.getPositiveReal("theta", 1e6));
  k.perLayer("attention.head_count_kv", "attention",
             k.size("num_key_value_heads"));
  k.integer("shortconv.l_cache", k.size(kWindow));
  if (!k.size("num_experts"))
    return;
  k.sizes({{"expert_count", "num_experts"},
           {"expert_used_count", "num_experts_per_tok"},
           {"expert_feed_forward_length", "moe_intermediate_size"}});
  k.integer("leading_dense_block_count", k.size("num_dense_layers"));
  k.integer("expert_gating_func", 2); // sigmoid
  k.real("expert_weights_scale",
         k.config.getPositiveReal("routed_scaling_factor", 1));
}

Family lfm2Family() {
  return {"lfm2",
          planLfm2,
          {/*architecture=*/"lfm2", /*claims=*/nullptr, readGguf, writeGguf,
           GgufNames("model.layers.", kOutside, kInLayer),
           /*zeroIsNone=*/true}};
}

Family lfm2MoeFamily() {
  return {"lfm2_moe",
          planLfm2Moe,
          {/*architecture=*/"lfm2moe", /*claims=*/nullptr, readGgufMixture,
           writeGguf, GgufNames("model.layers.", kOutside, kInLayer),
           /*zeroIsNone=*/true}};
}

} // namespace mlir::marimba
