//===- MambaModel.cpp - Models of nothing but Mamba mixers ------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/MambaModel.h"
#include "importer/blocks/EmbeddingAndHead.h"
#include "importer/gguf/GgufKeys.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::marimba {

void MambaModel::setInner(Config &config, double expand) {
  double inner = expand * double(hidden);
  if (expand > double(kMaxExpand))
    config.error(mixer.fields.expand, "at most " + Twine(kMaxExpand));
  else if (inner < 1)
    config.error(mixer.fields.expand, "at least 1 / " + hiddenField);
  else
    mixer.sizes.inner = int64_t(inner);
}

void MambaModel::readCommon(Config &c, const Defaults &defaults) {
  vocab = c.getPositive("vocab_size", defaults.vocab, kMaxSize);
  hidden = c.getPositive("hidden_size", defaults.hidden, kMaxSize);
  layers = c.getPositive("num_hidden_layers", defaults.layers, kMaxLayers);
  epsilon = c.getPositiveReal("layer_norm_epsilon", 1e-5);
  tied = c.getBool("tie_word_embeddings", defaults.tied);
  c.checkSupported();
  // The residual stream is f32 whatever this says.
  c.getBool("residual_in_fp32", true);
}

void MambaModel::read(Config &c) {
  readCommon(c, {});
  mixer.fields = {"expand", "state_size", "conv_kernel", "time_step_rank"};
  mixer.sizes.state = c.getPositive("state_size", 16, kMaxState);
  mixer.sizes.window = c.getPositive("conv_kernel", 4, kMaxWindow);
  mixer.sizes.rank =
      c.getPositiveOrAuto("time_step_rank", (hidden + 15) / 16, kMaxSize);
  setInner(c, c.getPositiveReal("expand", 2));
  mixer.projBias = c.getBool("use_bias", false);
  mixer.convBias = c.getBool("use_conv_bias", true);
}

bool isStateSpaces(const Config &config) {
  return config.has("d_model") && config.has("n_layer") &&
         !config.has("hidden_size");
}

void MambaModel::readStateSpaces(Config &c) {
  c.flatten("ssm_cfg");
  vocabField = "vocab_size, pad_vocab_size_multiple";
  hiddenField = "d_model";
  layersField = "n_layer";
  tiedField = "tie_embeddings";
  std::swap(embeddingNames[0], embeddingNames[1]);

  // The embedding has rows that no token of the vocabulary uses.
  vocab = llvm::alignTo(c.getPositive("vocab_size", 50277, kMaxSize),
                        c.getPositive("pad_vocab_size_multiple", 8, kMaxSize));
  hidden = c.getPositive("d_model", 2560, kMaxSize);
  layers = c.getPositive("n_layer", 64, kMaxLayers);
  epsilon = 1e-5;
  tied = c.getBool("tie_embeddings", true);
  c.checkSupported();
  c.getBool("residual_in_fp32", true);

  // What that repository can do beyond the families.
  if (!c.getBool("rms_norm", true))
    c.error("rms_norm", "true: layer norm is not supported");
  if (c.getNonNegative("d_intermediate", 0, kMaxSize) != 0)
    c.error("d_intermediate", "0: feed-forwards are not supported");
  if (const llvm::json::Value *layers = c.find("attn_layer_idx"))
    if (!layers->getAsArray() || !layers->getAsArray()->empty())
      c.error("attn_layer_idx", "[]: attention is not supported");
}

std::optional<int64_t> findMambaInner(const WeightTable &weights) {
  auto shape = weights.shapeOf("backbone.layers.0.mixer.D");
  if (shape && shape->size() == 1)
    return shape->front();
  return std::nullopt;
}

LayerPlan MambaModel::planLayer(WeightTable &weights, int64_t index) const {
  Dim hiddenDim{hidden, hiddenField};
  LayerPlan layer;
  layer.kind = kind.str();
  layer.prefix = ("layers." + Twine(index)).str();
  layer.location = "backbone." + layer.prefix;
  takeTensor(layer, weights, "", "norm", hiddenDim);
  if (mixer2)
    addMamba2Mixer(layer, weights, "mixer", *mixer2, hiddenDim);
  else
    addMambaMixer(layer, weights, "mixer", mixer, hiddenDim);
  layer.location += ".mixer";

  layer.emit = [epsilon = epsilon, mixer = mixer,
                mixer2 = mixer2](LayerScope &scope) {
    Value h = emitNorm(scope, scope.x, "norm", epsilon);
    Value mixed = mixer2 ? emitMamba2Mixer(scope, mixer2->sizes, h)
                         : emitMambaMixer(scope, mixer.sizes, h);
    return emitResidual(scope, scope.x, mixed, "mixer_residual");
  };
  return layer;
}

void MambaModel::plan(Config &file, WeightTable &weights, ModelPlan &plan,
                      ModelInfo &info) const {
  // The class's default is true; null is none, and false for transformers.
  bool isNull = file.has(tiedField) && !file.find(tiedField);
  bool tied =
      this->tied && !(isNull && weights.has(std::string("lm_head.weight")));
  ModelFrame frame{vocab, hidden, layers, epsilon, tied};
  frame.vocabField = vocabField;
  frame.hiddenField = hiddenField;
  frame.names = {"backbone", "norm_f", "norm", layersField, tiedField};
  frame.embedding = "embeddings";
  frame.embeddingNames = embeddingNames;
  planFrame(plan, info, weights, frame, file.file(),
            [&](int64_t i) { return planLayer(weights, i); });

  setDefaultTokens(file, info, eosId, /*bos=*/0, padId);
  if (mixer2)
    info.sizes = {{"num_heads", mixer2->sizes.heads},
                  {"head_dim", mixer2->sizes.headDim},
                  {"n_groups", mixer2->sizes.groups},
                  {"state_size", mixer2->sizes.state},
                  {"conv_kernel", mixer2->sizes.window}};
  else
    info.sizes = {{"intermediate_size", mixer.sizes.inner},
                  {"state_size", mixer.sizes.state},
                  {"conv_kernel", mixer.sizes.window},
                  {"time_step_rank", mixer.sizes.rank}};
}

void readGgufMamba(GgufFields &f) {
  readGgufMixer(f, "state_size", "conv_kernel", "time_step_rank");
  f.copy("attention.layer_norm_rms_epsilon", "layer_norm_epsilon");
  std::string width = f.key("ssm.inner_size");
  int64_t inner = f.positive("ssm.inner_size", kMaxExpand * kMaxSize);
  if (inner > kMaxExpand * f.hidden)
    f.keyError(width, "at most " + Twine(kMaxExpand) + " * " +
                          f.key("embedding_length"));
  f.set("expand", double(inner) / double(f.hidden), width);
  f.set("intermediate_size", inner, width);
  f.set("use_bias", f.hasTensor("blk.0.ssm_in.bias"), "blk.0.ssm_in.bias");
  std::string norms = f.key("ssm.dt_b_c_rms");
  if (f.file.find(norms) && !f.file.getBool(norms))
    f.keyError(norms, "a boolean");
}

void writeGgufMamba(GgufKeys &k) {
  k.common();
  // llama.cpp wants these two.
  k.integer("feed_forward_length", 0);
  k.integer("attention.head_count", 0);
  k.sizes({{"ssm.conv_kernel", "conv_kernel"},
           {"ssm.inner_size", "intermediate_size"},
           {"ssm.state_size", "state_size"},
           {"ssm.time_step_rank", "time_step_rank"}});
  k.boolean("ssm.dt_b_c_rms", k.info.family == "falcon_mamba");
}

GgufNames ggufMambaNames() {
  static const GgufName inLayer[] = {
      {"attn_norm", "norm"},          {"ssm_in", "mixer.in_proj"},
      {"ssm_conv1d", "mixer.conv1d"}, {"ssm_x", "mixer.x_proj"},
      {"ssm_dt", "mixer.dt_proj"},    {"ssm_a", "mixer.A"},
      {"ssm_d", "mixer.D"},           {"ssm_out", "mixer.out_proj"},
  };
  return GgufNames("backbone.layers.", kGgufBackbone, inLayer);
}

} // namespace mlir::marimba
