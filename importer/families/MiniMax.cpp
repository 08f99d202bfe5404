//===- MiniMax.cpp - MiniMax-Text-01 ----------------------------*- C++ -*-===//
//
// Part of Marimba. MiniMax 2025: seven layers of lightning attention to one of
// softmax attention, each with a mixture of experts. The files of its first
// release say minimax_text_01 and spell some fields otherwise.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/AttentionWeights.h"
#include "importer/blocks/EmbeddingAndHead.h"
#include "importer/blocks/FeedForwardWeights.h"
#include "importer/blocks/LightningWeights.h"
#include "importer/families/FamilyRegistry.h"
#include "importer/hub/RotaryConfig.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"

namespace mlir::marimba {

namespace {

/// What becomes of a normed input h and what is computed of it: a h + b f(h).
struct Branch {
  double alpha = 1, beta = 1;
};

struct MiniMaxConfig {
  int64_t vocab, hidden, intermediate, layers, experts;
  Routing routing;
  bool tied;
  double epsilon;
  AttentionSizes attention;
  LightningSizes lightning;
  Rotation rotation;
  std::vector<bool> isLightning; // by layer
  Branch full, linear, mlp;

  /// Reads and checks all fields; errors have been reported on failure.
  LogicalResult read(Config &config, bool firstRelease);

private:
  void readTypes(Config &config);
  void readRotary(Config &config, bool firstRelease);
};

} // namespace

/// <kind>_{alpha,beta}_factor, in the first release
/// layernorm_<old>_{alpha,beta}.
static Branch readBranch(Config &c, StringRef kind, StringRef old) {
  auto read = [&](StringRef which) {
    std::string field = (kind + "_" + which + "_factor").str();
    std::string oldField = ("layernorm_" + old + "_" + which).str();
    return c.getPositiveReal(c.spelling(field, {oldField}), 1);
  };
  return {read("alpha"), read("beta")};
}

/// layer_types, in the first release attn_type_list of 0 (lightning) and 1.
void MiniMaxConfig::readTypes(Config &c) {
  StringRef field = "layer_types", old = "attn_type_list";
  for (const std::string &type : c.getStrings(field)) {
    if (type != "linear_attention" && type != "full_attention")
      return c.error(field, "a list of \"linear_attention\" and "
                            "\"full_attention\"");
    isLightning.push_back(type == "linear_attention");
  }
  const llvm::json::Value *list = c.find(field) ? nullptr : c.find(old);
  if (list) {
    const llvm::json::Array *numbers = list->getAsArray();
    for (const llvm::json::Value &number :
         numbers ? *numbers : llvm::json::Array()) {
      std::optional<int64_t> type = asInteger(number);
      if (type != 0 && type != 1)
        return c.error(old, "a list of 0 (lightning attention) and 1");
      isLightning.push_back(type == 0);
    }
    field = old;
  }
  // The class's default: full, linear, full, ...
  if (!list && !c.find(field))
    for (int64_t i = 0; i < layers; ++i)
      isLightning.push_back(i % 2 == 1);
  if (int64_t(isLightning.size()) != layers)
    c.error(field,
            "a list of num_hidden_layers (" + Twine(layers) + ") elements");
}

/// The class turns whole heads, the first release's code rotary_dim of them.
void MiniMaxConfig::readRotary(Config &c, bool firstRelease) {
  int64_t turned = attention.headDim;
  if (firstRelease)
    turned = c.getPositive("rotary_dim", turned, attention.headDim);
  rotation = readRotation(c, turned, /*defaultTheta=*/1e6);
  attention.rotary = rotation.size();
}

LogicalResult MiniMaxConfig::read(Config &c, bool firstRelease) {
  vocab = c.getPositive("vocab_size", 32000, kMaxSize);
  hidden = c.getPositive("hidden_size", 4096, kMaxSize);
  intermediate = c.getPositive("intermediate_size", 14336, kMaxSize);
  layers = c.getPositive("num_hidden_layers", 32, kMaxLayers);
  epsilon = c.getPositiveReal("rms_norm_eps", 1e-5);
  tied = c.getBool("tie_word_embeddings", false);
  attention = readAttention(c, hidden, /*defaultKeyHeads=*/8);
  checkAttention(c, hidden, attention);
  attention.window = c.getPositiveOrNone("sliding_window", INT32_MAX);
  readRotary(c, firstRelease);
  // Its norm does not use the config's epsilon.
  lightning = {attention.heads, attention.headDim, /*normEpsilon=*/1e-6};
  readTypes(c);
  full = readBranch(c, "full_attn", "full_attention");
  linear = readBranch(c, "linear_attn", "linear_attention");
  mlp = readBranch(c, "mlp", "mlp");
  if (firstRelease && !c.getBool("postnorm", true))
    c.error("postnorm", "true: residuals are of the normed input");
  if (firstRelease && c.getNonNegative("shared_intermediate_size", 0, kMaxSize))
    c.error("shared_intermediate_size", "0: there is no shared expert");
  experts = c.getPositive("num_local_experts", 8, kMaxExperts);
  routing.topK = c.getPositive("num_experts_per_tok", 2, kMaxExperts);
  routing.normalize = true;
  checkExperts(c, "num_local_experts", experts, routing.topK, layers);
  c.checkSupported();
  return c.result();
}

static LayerPlan planLayer(const MiniMaxConfig &config, WeightTable &weights,
                           int64_t index) {
  Dim hidden{config.hidden, "hidden_size"};
  bool isLightning = config.isLightning[index];
  LayerPlan layer;
  layer.kind = isLightning ? "lightning+moe" : "attention+moe";
  layer.prefix = ("layers." + Twine(index)).str();
  layer.location = "model." + layer.prefix;
  takeTensor(layer, weights, "", "input_layernorm", hidden);
  if (isLightning)
    addLightningMixer(layer, weights, config.lightning, hidden, index,
                      config.layers);
  else
    addAttention(layer, weights, config.attention, hidden);
  takeTensor(layer, weights, "", "post_attention_layernorm", hidden);
  ExpertNames names{"block_sparse_moe",
                    "block_sparse_moe.gate",
                    "block_sparse_moe.experts",
                    "w1",
                    "w3",
                    "w2"};
  addMixtureOfExperts(layer, weights, names,
                      {config.experts, "num_local_experts"}, hidden,
                      {config.intermediate, "intermediate_size"});
  layer.location += ".self_attn";

  layer.emit = [c = config, isLightning](LayerScope &scope) {
    auto join = [&](Value h, Value y, const Branch &branch, StringRef part) {
      return emitResidual(scope, emitScaled(scope, h, branch.alpha, "kept"),
                          emitScaled(scope, y, branch.beta, "added"), part);
    };
    Value h = emitNorm(scope, scope.x, "input_layernorm", c.epsilon);
    Value mixed = isLightning ? emitLightningMixer(scope, c.lightning, h)
                              : emitAttention(scope, c.attention, h);
    Value x = join(h, mixed, isLightning ? c.linear : c.full, "mixer_residual");
    h = emitNorm(scope, x, "post_attention_layernorm", c.epsilon);
    Value fed = emitMixtureOfExperts(scope, c.routing, h);
    Value y = join(h, fed, c.mlp, "feed_forward_residual");
    // What is added to is not x: it has to be told where the result goes.
    return bufferization::MaterializeInDestinationOp::create(
               scope.builder, scope.loc("x"), y, scope.x)
        ->getResult(0);
  };
  return layer;
}

static LogicalResult planModel(Config &file, WeightTable &weights,
                               ModelPlan &plan, ModelInfo &info,
                               bool firstRelease) {
  MiniMaxConfig config;
  if (failed(config.read(file, firstRelease)))
    return failure();
  plan.rotations = {config.rotation};
  ModelFrame frame{config.vocab, config.hidden, config.layers, config.epsilon,
                   config.tied};
  frame.names.norm = "norm";
  planFrame(plan, info, weights, frame, file.file(),
            [&](int64_t i) { return planLayer(config, weights, i); });
  if (!firstRelease)
    setDefaultTokens(file, info, /*eos=*/2, /*bos=*/1);
  info.sizes = {{"intermediate_size", config.intermediate},
                {"num_attention_heads", config.attention.heads},
                {"num_key_value_heads", config.attention.keyHeads},
                {"head_dim", config.attention.headDim},
                {"rotary_dim", config.attention.rotary},
                {"num_local_experts", config.experts},
                {"num_experts_per_tok", config.routing.topK}};
  if (config.attention.window)
    info.sizes.push_back({"sliding_window", config.attention.window});
  return success();
}

static LogicalResult planMiniMax(MLIRContext &, Config &file,
                                 WeightTable &weights, ModelPlan &plan,
                                 ModelInfo &info) {
  return planModel(file, weights, plan, info, /*firstRelease=*/false);
}

static LogicalResult planMiniMaxText01(MLIRContext &, Config &file,
                                       WeightTable &weights, ModelPlan &plan,
                                       ModelInfo &info) {
  return planModel(file, weights, plan, info, /*firstRelease=*/true);
}

Family miniMaxFamily() { return {"minimax", planMiniMax, noGguf()}; }
Family miniMaxText01Family() {
  return {"minimax_text_01", planMiniMaxText01, noGguf()};
}

} // namespace mlir::marimba
