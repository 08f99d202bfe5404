//===- FalconH1.cpp - The Falcon-H1 family ----------------------*- C++ -*-===//
//
// Part of Marimba. Falcon-H1: Zuo et al. 2025; in every layer a Mamba-2 mixer
// and attention side by side, and a multiplier at each branch (Yang et al.
// 2022).
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/AttentionWeights.h"
#include "importer/blocks/EmbeddingAndHead.h"
#include "importer/blocks/FeedForwardWeights.h"
#include "importer/blocks/Mamba2Weights.h"
#include "importer/blocks/TransformerModel.h"
#include "importer/families/FamilyRegistry.h"
#include "importer/gguf/GgufKeys.h"
#include "importer/hub/RotaryConfig.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

namespace mlir::marimba {

//===----------------------------------------------------------------------===//
// Fields
//===----------------------------------------------------------------------===//

static constexpr Mamba2Fields kMixerFields = {"mamba_n_heads", "mamba_d_head",
                                              "mamba_n_groups", "mamba_d_state",
                                              "mamba_d_conv"};

namespace {

/// Factors of the branches.
struct Multipliers {
  double embedding, head;
  double key, attentionIn, attentionOut;
  double mixerIn, mixerOut;
  double gate, down;

  /// Reads all; those of the mixer's parts are in `mixer`.
  void read(Config &config, Mamba2Sizes &mixer);
};

struct FalconH1Config {
  int64_t vocab, hidden, intermediate, layers;
  bool tied, attentionBias, feedForwardBias;
  double epsilon;
  Mamba2Mixer mixer;
  AttentionSizes attention;
  Rotation rotation;
  Multipliers multipliers;

  /// Reads and checks all fields; errors have been reported on failure.
  LogicalResult read(Config &config);

private:
  void readMixer(Config &config);
};

} // namespace

void Multipliers::read(Config &c, Mamba2Sizes &mixer) {
  auto number = [&](StringRef field) { return c.getPositiveReal(field, 1); };
  embedding = number("embedding_multiplier");
  head = number("lm_head_multiplier");
  key = number("key_multiplier");
  attentionIn = number("attention_in_multiplier");
  attentionOut = number("attention_out_multiplier");
  mixerIn = number("ssm_in_multiplier");
  mixerOut = number("ssm_out_multiplier");
  auto list = [&](StringRef field, MutableArrayRef<double> factors) {
    llvm::fill(factors, 1);
    if (!c.find(field))
      return;
    std::vector<double> found = c.getPositiveReals(field);
    if (found.size() == factors.size())
      llvm::copy(found, factors.begin());
    else
      c.error(field, "a list of " + Twine(factors.size()) + " numbers");
  };
  double feedForward[2];
  list("mlp_multipliers", feedForward);
  gate = feedForward[0];
  down = feedForward[1];
  list("ssm_multipliers", mixer.multipliers);
}

void FalconH1Config::readMixer(Config &c) {
  Mamba2Sizes &s = mixer.sizes;
  mixer.fields = kMixerFields;
  int64_t expanded = hidden * c.getPositive("mamba_expand", 2, kMaxExpand);
  // Absent, the width is the class's; null means that it follows from expand.
  int64_t width = c.getPositive(
      "mamba_d_ssm", c.has("mamba_d_ssm") ? expanded : 1024, kMaxSize);
  s.heads = c.getPositive("mamba_n_heads", 128, kMaxSize);
  s.headDim = c.getPositiveOrAuto(
      "mamba_d_head", std::max<int64_t>(width / s.heads, 1), kMaxSize);
  if (s.inner() != width)
    c.error("mamba_d_head", "mamba_d_ssm (" + Twine(width) +
                                ") / mamba_n_heads (" + Twine(s.heads) + ")");
  readMamba2Sizes(c, mixer, /*groups=*/1, /*state=*/256);
  readStepLimit(c, s);
  mixer.convBias = c.getBool("mamba_conv_bias", true);
  mixer.inBias = c.getBool("mamba_proj_bias", false);
  mixer.outBias = c.getBool("projectors_bias", false);
  s.normGroups = c.getBool("mamba_rms_norm", false) ? s.groups : 0;
  s.normBeforeGate = c.getBool("mamba_norm_before_gate", true);
  s.normEpsilon = epsilon;
}

LogicalResult FalconH1Config::read(Config &c) {
  vocab = c.getPositive("vocab_size", 128000, kMaxSize);
  hidden = c.getPositive("hidden_size", 4096, kMaxSize);
  intermediate = c.getPositive("intermediate_size", 14336, kMaxSize);
  layers = c.getPositive("num_hidden_layers", 32, kMaxLayers);
  epsilon = c.getPositiveReal("rms_norm_eps", 1e-5);
  tied = c.getBool("tie_word_embeddings", false);
  attention = readAttention(c, hidden, /*defaultKeyHeads=*/8);
  checkAttention(c, hidden, attention);
  rotation = readRotation(c, attention.headDim, /*theta=*/1e4);
  attention.rotary = rotation.size();
  attentionBias = c.getBool("attention_bias", false);
  feedForwardBias = c.getBool("mlp_bias", false);
  readMixer(c);
  multipliers.read(c, mixer.sizes);
  // Of the input and of the parts of the output at once, unless there is a bias
  // between them.
  if (!mixer.inBias) {
    for (double &factor : mixer.sizes.multipliers)
      factor *= multipliers.mixerIn;
    multipliers.mixerIn = 1;
  }
  c.checkSupported();
  return c.result();
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

/// Both mixers read the same norm; their outputs are scaled and added.
static Value emitMixers(LayerScope &scope, const FalconH1Config &c) {
  const Multipliers &m = c.multipliers;
  Value h = emitNorm(scope, scope.x, "input_layernorm", c.epsilon);
  Value mixed =
      emitMamba2Mixer(scope, c.mixer.sizes,
                      emitScaled(scope, h, m.mixerIn, "ssm_in_multiplier"));
  Value x =
      emitResidual(scope, scope.x,
                   emitScaled(scope, mixed, m.mixerOut, "ssm_out_multiplier"),
                   "mixer_residual");

  AttentionSizes attention = c.attention;
  attention.inputScale = m.attentionIn;
  attention.keyScale = m.key;
  Value attended = emitAttention(scope, attention, h);
  return emitResidual(
      scope, x,
      emitScaled(scope, attended, m.attentionOut, "attention_out_multiplier"),
      "attention_residual");
}

static LayerPlan planLayer(const FalconH1Config &c, WeightTable &weights,
                           int64_t index) {
  Dim hidden{c.hidden, "hidden_size"};
  LayerPlan layer;
  layer.kind = "mamba2+attention+dense";
  layer.prefix = ("layers." + Twine(index)).str();
  layer.location = "model." + layer.prefix;
  takeTensor(layer, weights, "", "input_layernorm", hidden);
  addMamba2Mixer(layer, weights, "mamba", c.mixer, hidden);
  addAttention(layer, weights, c.attention, hidden, c.attentionBias);
  takeTensor(layer, weights, "", "pre_ff_layernorm", hidden);
  addDenseFeedForward(layer, weights, "feed_forward", hidden,
                      {c.intermediate, "intermediate_size"}, c.feedForwardBias);

  layer.emit = [c](LayerScope &scope) {
    const Multipliers &m = c.multipliers;
    Value x = emitMixers(scope, c);
    Value h = emitNorm(scope, x, "pre_ff_layernorm", c.epsilon);
    Value fed = emitDenseFeedForward(scope, h, /*prefix=*/"", m.gate);
    return emitResidual(scope, x,
                        emitScaled(scope, fed, m.down, "mlp_multiplier"),
                        "feed_forward_residual");
  };
  return layer;
}

static LogicalResult planFalconH1(MLIRContext &, Config &file,
                                  WeightTable &weights, ModelPlan &plan,
                                  ModelInfo &info) {
  FalconH1Config config;
  if (failed(config.read(file)))
    return failure();
  plan.embeddingScale = config.multipliers.embedding;
  plan.logitsScale = config.multipliers.head;
  plan.rotations = {config.rotation};
  ModelFrame frame{config.vocab, config.hidden, config.layers, config.epsilon,
                   config.tied};
  frame.names.norm = "final_layernorm";
  planFrame(plan, info, weights, frame, file.file(),
            [&](int64_t i) { return planLayer(config, weights, i); });

  setDefaultTokens(file, info, /*eos=*/2, /*bos=*/1, /*pad=*/0);
  const Mamba2Sizes &mixer = config.mixer.sizes;
  info.sizes = {{"intermediate_size", config.intermediate},
                {"num_attention_heads", config.attention.heads},
                {"num_key_value_heads", config.attention.keyHeads},
                {"head_dim", config.attention.headDim},
                {"mamba_n_heads", mixer.heads},
                {"mamba_d_head", mixer.headDim},
                {"mamba_n_groups", mixer.groups},
                {"mamba_d_state", mixer.state},
                {"mamba_d_conv", mixer.window}};
  return success();
}

//===----------------------------------------------------------------------===//
// GGUF
//===----------------------------------------------------------------------===//

static const GgufName kInLayer[] = {
    {"attn_norm", "input_layernorm"},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"},
    {"ssm_in", "mamba.in_proj"},
    {"ssm_conv1d", "mamba.conv1d"},
    {"ssm_dt.bias", "mamba.dt_bias"},
    {"ssm_a", "mamba.A"},
    {"ssm_d", "mamba.D"},
    {"ssm_norm", "mamba.norm"},
    {"ssm_out", "mamba.out_proj"},
    // Without ".weight" in the file.
    {"ffn_norm", "pre_ff_layernorm.weight"},
    {"ffn_gate", "feed_forward.gate_proj"},
    {"ffn_up", "feed_forward.up_proj"},
    {"ffn_down", "feed_forward.down_proj"},
};

/// The converter has multiplied the weights: there are no multipliers.
static void readGguf(GgufFields &f) {
  readGgufTransformer(f);
  // Rows of queries and keys are as in the checkpoint.
  f.config.queryHeads = f.config.keyHeads = 0;
  f.copy("ssm.inner_size", "mamba_d_ssm");
  readGgufMamba2(f, kMixerFields);
  auto setIfThere = [&](StringRef field, StringRef tensor) {
    std::string name = ("blk.0." + tensor).str();
    f.set(field, f.hasTensor(name), name);
  };
  setIfThere("mamba_conv_bias", "ssm_conv1d.bias");
  setIfThere("mamba_proj_bias", "ssm_in.bias");
  setIfThere("projectors_bias", "ssm_out.bias");
  setIfThere("mamba_rms_norm", "ssm_norm.weight");
  // llama.cpp knows the other order only.
  f.set("mamba_norm_before_gate", false, "general.architecture");
}

/// Multiplies the weights by what their branches are multiplied by.
static void writeGguf(GgufKeys &k) {
  FalconH1Config c;
  if (failed(c.read(k.config)))
    return;
  const Mamba2Sizes &mixer = c.mixer.sizes;
  const Multipliers &m = c.multipliers;
  auto refuse = [&](bool is, StringRef field, StringRef expected) {
    if (is)
      k.config.error(field, expected + ", as a GGUF file has it");
  };
  refuse(c.attentionBias, "attention_bias", "false");
  refuse(c.feedForwardBias, "mlp_bias", "false");
  refuse(c.mixer.inBias, "mamba_proj_bias", "false");
  refuse(c.mixer.outBias, "projectors_bias", "false");
  refuse(mixer.normGroups && mixer.normBeforeGate, "mamba_norm_before_gate",
         "false");
  refuse(c.tied && m.embedding != m.head, "lm_head_multiplier",
         "embedding_multiplier for one matrix");
  writeGgufTransformer(k, /*theta=*/1e4);
  writeGgufMamba2(k, kMixerFields);
  int64_t keys = mixer.groups * mixer.state;
  const int64_t rows[] = {mixer.inner(), mixer.inner(), keys, keys,
                          mixer.heads};
  for (auto [count, factor] : llvm::zip_equal(rows, mixer.multipliers))
    k.factors.push_back({"ssm_in", count, factor});
  k.factors.insert(k.factors.end(), {{"token_embd", 0, m.embedding},
                                     {"output", 0, m.head},
                                     {"attn_q", 0, m.attentionIn},
                                     {"attn_k", 0, m.attentionIn * m.key},
                                     {"attn_v", 0, m.attentionIn},
                                     {"attn_output", 0, m.attentionOut},
                                     {"ssm_out", 0, m.mixerOut},
                                     {"ffn_gate", 0, m.gate},
                                     {"ffn_down", 0, m.down}});
}

Family falconH1Family() {
  return {"falcon_h1",
          planFalconH1,
          {/*architecture=*/"falcon-h1", /*claims=*/nullptr, readGguf,
           writeGguf, GgufNames("model.layers.", kGgufFinalLayernorm, kInLayer),
           /*zeroIsNone=*/false, /*alsoCalled=*/"", /*vectorMixers=*/true}};
}

} // namespace mlir::marimba
