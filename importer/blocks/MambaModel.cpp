//===- MambaModel.cpp - Models of nothing but Mamba mixers ------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/MambaModel.h"
#include "importer/blocks/EmbeddingAndHead.h"

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

void MambaModel::read(Config &c) {
  vocab = c.getPositive("vocab_size", 50280, kMaxSize);
  hidden = c.getPositive("hidden_size", 768, kMaxSize);
  layers = c.getPositive("num_hidden_layers", 32, kMaxLayers);
  epsilon = c.getPositiveReal("layer_norm_epsilon", 1e-5);
  tied = c.getBool("tie_word_embeddings", true);

  mixer.fields = {"expand", "state_size", "conv_kernel", "time_step_rank"};
  mixer.sizes.state = c.getPositive("state_size", 16, kMaxState);
  mixer.sizes.window = c.getPositive("conv_kernel", 4, kMaxWindow);
  mixer.sizes.rank =
      c.getPositiveOrAuto("time_step_rank", (hidden + 15) / 16, kMaxSize);
  setInner(c, c.getPositiveReal("expand", 2));
  mixer.projBias = c.getBool("use_bias", false);
  mixer.convBias = c.getBool("use_conv_bias", true);
  c.checkSupported();
  // The residual stream is f32 whatever this says.
  c.getBool("residual_in_fp32", true);
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
  addMambaMixer(layer, weights, "mixer", mixer, hiddenDim);
  layer.location += ".mixer";

  layer.emit = [epsilon = epsilon, sizes = mixer.sizes](LayerScope &scope) {
    Value h = emitNorm(scope, scope.x, "norm", epsilon);
    Value mixed = emitMambaMixer(scope, sizes, h);
    return emitResidual(scope, scope.x, mixed, "mixer_residual");
  };
  return layer;
}

void MambaModel::plan(Config &file, WeightTable &weights, ModelPlan &plan,
                      ModelInfo &info) const {
  Dim vocabDim{vocab, vocabField}, hiddenDim{hidden, hiddenField};
  // The class's default is true; null is none, and false for transformers.
  bool isNull = file.has(tiedField) && !file.find(tiedField);
  bool tied =
      this->tied && !(isNull && weights.has(std::string("lm_head.weight")));
  plan.vocabSize = vocab;
  plan.hiddenSize = hidden;
  plan.normEpsilon = epsilon;
  plan.embedding = takeEmbedding(weights, "embeddings", embeddingNames,
                                 vocabDim, hiddenDim, tied);
  for (int64_t i = 0; i < layers; ++i)
    plan.layers.push_back(planLayer(weights, i));
  takeHead(plan, weights,
           {"backbone", "norm_f", "norm", layersField, tiedField}, vocabDim,
           hiddenDim, tied, file.file());

  // Absent is not null: these are the class's defaults.
  if (!file.has("eos_token_id"))
    info.eosIds = {0};
  if (!file.has("bos_token_id"))
    info.bosId = 0;
  if (!file.has("pad_token_id"))
    info.padId = 0;
  info.tiedEmbeddings = tied;
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

GgufNames ggufMambaNames() {
  static const GgufName outside[] = {
      {"token_embd.weight", "backbone.embeddings.weight"},
      {"output_norm.weight", "backbone.norm_f.weight"},
      {"output.weight", "lm_head.weight"},
  };
  static const GgufName inLayer[] = {
      {"attn_norm", "norm"},          {"ssm_in", "mixer.in_proj"},
      {"ssm_conv1d", "mixer.conv1d"}, {"ssm_x", "mixer.x_proj"},
      {"ssm_dt", "mixer.dt_proj"},    {"ssm_a", "mixer.A"},
      {"ssm_d", "mixer.D"},           {"ssm_out", "mixer.out_proj"},
  };
  return GgufNames("backbone.layers.", outside, inLayer);
}

} // namespace mlir::marimba
