//===- NemotronH.cpp - The Nemotron-H family --------------------*- C++ -*-===//
//
// Part of Marimba. Nemotron-H: NVIDIA 2025, and Nemotron 3 with its experts;
// one mixer a layer: Mamba-2, attention without positions, a feed-forward or a
// mixture of experts.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/AttentionWeights.h"
#include "importer/blocks/EmbeddingAndHead.h"
#include "importer/blocks/FeedForwardWeights.h"
#include "importer/blocks/Mamba2Weights.h"
#include "importer/families/FamilyRegistry.h"
#include "importer/gguf/GgufKeys.h"
#include "llvm/ADT/StringSwitch.h"

namespace mlir::marimba {

//===----------------------------------------------------------------------===//
// Fields
//===----------------------------------------------------------------------===//

namespace {

enum class LayerKind { Mamba, Attention, Dense, Experts };

constexpr StringLiteral kPattern = "hybrid_override_pattern";
constexpr StringLiteral kTypes = "layers_block_type";

struct NemotronConfig {
  int64_t vocab, hidden;
  int64_t intermediate = 0; // of dense layers
  int64_t experts = 0, expertIntermediate = 0, sharedIntermediate = 0;
  int64_t latent = 0; // 0: experts take what the router takes
  Routing routing;
  bool tied, feedForwardBias;
  double epsilon;
  Mamba2Mixer mixer;
  AttentionSizes attention;
  std::vector<LayerKind> layers;
  StringRef layersField; // that says what they are

  /// Reads and checks all fields; errors have been reported on failure.
  LogicalResult read(Config &config);
  bool has(LayerKind kind) const { return llvm::is_contained(layers, kind); }

private:
  // False after an error.
  bool readPattern(Config &config, StringRef pattern);
  bool readTypes(Config &config);
  void readLayers(Config &config);
  void readMamba(Config &config);
  void readAttentionSizes(Config &config);
  void readExperts(Config &config);
};

} // namespace

/// A letter a layer; `|` may stand between the stages of a pipeline.
bool NemotronConfig::readPattern(Config &c, StringRef pattern) {
  for (char letter : pattern) {
    switch (letter) {
    case 'M':
      layers.push_back(LayerKind::Mamba);
      break;
    case '*':
      layers.push_back(LayerKind::Attention);
      break;
    case '-':
      layers.push_back(LayerKind::Dense);
      break;
    case 'E':
      layers.push_back(LayerKind::Experts);
      break;
    case '|':
      break;
    default:
      c.error(kPattern, "a string of M (Mamba-2), * (attention), - "
                        "(feed-forward) and E (experts)");
      return false;
    }
  }
  return true;
}

bool NemotronConfig::readTypes(Config &c) {
  for (const std::string &type : c.getStrings(layersField)) {
    auto kind =
        llvm::StringSwitch<std::optional<LayerKind>>(type)
            .Cases({"mamba", "linear_attention"}, LayerKind::Mamba)
            .Cases({"attention", "full_attention"}, LayerKind::Attention)
            .Case("mlp", LayerKind::Dense)
            .Case("moe", LayerKind::Experts)
            .Default(std::nullopt);
    if (!kind) {
      c.error(layersField, "a list of \"mamba\" or \"linear_attention\", "
                           "\"attention\" or \"full_attention\", \"mlp\" "
                           "and \"moe\"");
      return false;
    }
    layers.push_back(*kind);
  }
  return true;
}

void NemotronConfig::readLayers(Config &c) {
  layersField = c.spelling(kTypes, {"layer_types", kPattern});
  bool understood = layersField == kPattern
                        ? readPattern(c, c.getString(kPattern, ""))
                        : readTypes(c);
  int64_t count = layers.size();
  if (!understood || (count == 0 && failed(c.result())))
    return;
  if (count < 1 || count > kMaxLayers)
    return c.error(layersField, "1 to " + Twine(kMaxLayers) + " layers");
  // A sum that files may leave out.
  if (c.getPositive("num_hidden_layers", count, kMaxLayers) != count)
    c.error("num_hidden_layers",
            Twine(count) + ", the layers of " + layersField);
}

void NemotronConfig::readMamba(Config &c) {
  // The second spelling is that of the class's arguments.
  mixer.fields = {"mamba_num_heads", "mamba_head_dim",
                  c.spelling("n_groups", {"mamba_n_groups"}), "ssm_state_size",
                  c.spelling("conv_kernel", {"mamba_d_conv"})};
  Mamba2Sizes &s = mixer.sizes;
  s.heads = c.getPositive("mamba_num_heads", 128, 1 << 16);
  s.headDim = c.getPositive("mamba_head_dim", 64, 1 << 16);
  readMamba2Sizes(c, mixer, /*groups=*/8, /*state=*/128);
  s.normGroups = s.groups;
  s.normEpsilon = epsilon;
  // Not time_step_limit: transformers bounds the step of every prompt so.
  s.minStep =
      c.getPositiveReal(c.spelling("time_step_min", {"mamba_dt_min"}), 0.001);
  mixer.inBias = mixer.outBias = c.getBool("use_bias", false);
  mixer.convBias =
      c.getBool(c.spelling("use_conv_bias", {"mamba_conv_bias"}), true);
  std::string activation = c.getString("mamba_hidden_act", "silu");
  if (activation != "silu" && activation != "swish")
    c.error("mamba_hidden_act", "\"silu\"");
}

void NemotronConfig::readAttentionSizes(Config &c) {
  attention = readAttention(c, hidden, /*defaultKeyHeads=*/8);
  // Nemotron-H-8B's name for it.
  attention.headDim = c.getPositive(
      c.spelling("head_dim", {"attention_head_dim"}), 128, 1 << 16);
  if (attention.heads % attention.keyHeads != 0)
    c.error("num_key_value_heads", "a divisor of num_attention_heads (" +
                                       Twine(attention.heads) + ")");
}

void NemotronConfig::readExperts(Config &c) {
  experts = c.getPositive("n_routed_experts", 8, kMaxExperts);
  expertIntermediate = c.getPositive("moe_intermediate_size", 7688, kMaxSize);
  sharedIntermediate =
      c.getPositive("moe_shared_expert_intermediate_size", 7688, kMaxSize);
  latent = c.getPositiveOrNone("moe_latent_size", kMaxSize);
  int64_t layersOf = llvm::count(layers, LayerKind::Experts);
  routing = readSigmoidRouting(c, "n_routed_experts", experts, layersOf);
}

LogicalResult NemotronConfig::read(Config &c) {
  vocab = c.getPositive("vocab_size", 131072, kMaxSize);
  hidden = c.getPositive("hidden_size", 4096, kMaxSize);
  // Files of the hub have one, the other or both.
  epsilon =
      c.getPositiveReal(c.spelling("layer_norm_epsilon", {"norm_eps"}), 1e-5);
  tied = c.getBool("tie_word_embeddings", false);
  feedForwardBias = c.getBool("mlp_bias", false);
  if (c.getString("mlp_hidden_act", "relu2") != "relu2")
    c.error("mlp_hidden_act", "\"relu2\"");
  if (c.getBool("attention_bias", false))
    c.error("attention_bias", "false");
  readLayers(c);
  readMamba(c);
  readAttentionSizes(c);
  // Files may say 0 of layers that they do not have.
  if (has(LayerKind::Dense))
    intermediate = c.getPositive("intermediate_size", 21504, kMaxSize);
  if (has(LayerKind::Experts))
    readExperts(c);
  c.checkSupported();
  // The residual stream is f32 whatever this says.
  c.getBool("residual_in_fp32", false);
  return c.result();
}

//===----------------------------------------------------------------------===//
// Weights and layers
//===----------------------------------------------------------------------===//

static StringRef nameOf(LayerKind kind) {
  switch (kind) {
  case LayerKind::Mamba:
    return "mamba2";
  case LayerKind::Attention:
    return "attention";
  case LayerKind::Dense:
    return "dense";
  case LayerKind::Experts:
    return "moe";
  }
  llvm_unreachable("no other kinds");
}

static void addExperts(LayerPlan &layer, WeightTable &weights,
                       const NemotronConfig &c) {
  Dim hidden{c.hidden, "hidden_size"};
  Dim shared{c.sharedIntermediate, "moe_shared_expert_intermediate_size"};
  ExpertNames names;
  names.module = "mixer";
  names.router = "mixer.gate";
  names.correction = "mixer.gate.e_score_correction_bias";
  names.experts = "mixer.experts";
  names.gate = "";
  std::optional<Dim> latent;
  if (c.latent)
    latent = Dim{c.latent, "moe_latent_size"};
  addMixtureOfExperts(layer, weights, names, {c.experts, "n_routed_experts"},
                      hidden, {c.expertIntermediate, "moe_intermediate_size"},
                      latent);
  addRelu2FeedForward(layer, weights, "mixer", "shared_experts.", hidden,
                      shared, c.feedForwardBias);
  if (!latent)
    return;
  auto add = [&](StringRef name, Dim out, Dim in) {
    takeTensor(layer, weights, "mixer.", name, {out, in});
    if (c.feedForwardBias)
      takeTensor(layer, weights, "mixer.", name, out, ".bias");
  };
  add("fc1_latent_proj", *latent, hidden);
  add("fc2_latent_proj", hidden, *latent);
}

static LayerPlan planLayer(const NemotronConfig &config, WeightTable &weights,
                           int64_t index) {
  LayerKind kind = config.layers[index];
  Dim hidden{config.hidden, "hidden_size"};
  LayerPlan layer;
  layer.kind = nameOf(kind).str();
  layer.prefix = ("layers." + Twine(index)).str();
  layer.location = "backbone." + layer.prefix;
  takeTensor(layer, weights, "", "norm", hidden);
  switch (kind) {
  case LayerKind::Mamba:
    addMamba2Mixer(layer, weights, "mixer", config.mixer, hidden);
    break;
  case LayerKind::Attention:
    addAttention(layer, weights, config.attention, hidden, /*bias=*/false,
                 "mixer");
    break;
  case LayerKind::Dense:
    addRelu2FeedForward(layer, weights, "mixer", "", hidden,
                        {config.intermediate, "intermediate_size"},
                        config.feedForwardBias);
    break;
  case LayerKind::Experts:
    addExperts(layer, weights, config);
    break;
  }
  layer.location += ".mixer";

  layer.emit = [c = config, kind](LayerScope &scope) {
    Value h = emitNorm(scope, scope.x, "norm", c.epsilon), mixed;
    switch (kind) {
    case LayerKind::Mamba:
      mixed = emitMamba2Mixer(scope, c.mixer.sizes, h);
      break;
    case LayerKind::Attention:
      mixed = emitAttention(scope, c.attention, h);
      break;
    case LayerKind::Dense:
      mixed = emitDenseFeedForward(scope, h);
      break;
    case LayerKind::Experts:
      mixed = emitMixtureOfExperts(scope, c.routing, h);
      break;
    }
    return emitResidual(scope, scope.x, mixed, "mixer_residual");
  };
  return layer;
}

static void describe(const NemotronConfig &c, ModelInfo &info) {
  auto add = [&](StringRef field, int64_t size) {
    info.sizes.push_back({field.str(), size});
  };
  if (c.has(LayerKind::Mamba)) {
    add("mamba_num_heads", c.mixer.sizes.heads);
    add("mamba_head_dim", c.mixer.sizes.headDim);
    add("n_groups", c.mixer.sizes.groups);
    add("ssm_state_size", c.mixer.sizes.state);
    add("conv_kernel", c.mixer.sizes.window);
  }
  if (c.has(LayerKind::Attention)) {
    add("num_attention_heads", c.attention.heads);
    add("num_key_value_heads", c.attention.keyHeads);
    add("head_dim", c.attention.headDim);
  }
  if (c.has(LayerKind::Dense))
    add("intermediate_size", c.intermediate);
  if (!c.has(LayerKind::Experts))
    return;
  add("n_routed_experts", c.experts);
  add("num_experts_per_tok", c.routing.topK);
  add("moe_intermediate_size", c.expertIntermediate);
  add("moe_shared_expert_intermediate_size", c.sharedIntermediate);
  if (c.latent)
    add("moe_latent_size", c.latent);
}

static LogicalResult planNemotronH(MLIRContext &, Config &file,
                                   WeightTable &weights, ModelPlan &plan,
                                   ModelInfo &info) {
  NemotronConfig config;
  if (failed(config.read(file)))
    return failure();
  ModelFrame frame{config.vocab, config.hidden, int64_t(config.layers.size()),
                   config.epsilon, config.tied};
  frame.names = {"backbone", "norm_f", "norm", config.layersField};
  frame.embedding = "embeddings";
  planFrame(plan, info, weights, frame, file.file(),
            [&](int64_t i) { return planLayer(config, weights, i); });

  setDefaultTokens(file, info, /*eos=*/2, /*bos=*/1, /*pad=*/0);
  describe(config, info);
  return success();
}

//===----------------------------------------------------------------------===//
// GGUF
//===----------------------------------------------------------------------===//

static const GgufName kInLayer[] = {
    {"attn_norm", "norm"},
    {"ssm_in", "mixer.in_proj"},
    {"ssm_conv1d", "mixer.conv1d"},
    {"ssm_dt.bias", "mixer.dt_bias"},
    {"ssm_a", "mixer.A"},
    {"ssm_d", "mixer.D"},
    {"ssm_norm", "mixer.norm"},
    {"ssm_out", "mixer.out_proj"},
    {"attn_q", "mixer.q_proj"},
    {"attn_k", "mixer.k_proj"},
    {"attn_v", "mixer.v_proj"},
    {"attn_output", "mixer.o_proj"},
    {"ffn_up", "mixer.up_proj"},
    {"ffn_down", "mixer.down_proj"},
    {"ffn_gate_inp", "mixer.gate"},
    {"exp_probs_b.bias", "mixer.gate.e_score_correction_bias"},
    {"ffn_up_exps", "mixer.experts.*.up_proj"},
    {"ffn_down_exps", "mixer.experts.*.down_proj"},
    {"ffn_up_shexp", "mixer.shared_experts.up_proj"},
    {"ffn_down_shexp", "mixer.shared_experts.down_proj"},
    {"ffn_latent_down", "mixer.fc1_latent_proj"},
    {"ffn_latent_up", "mixer.fc2_latent_proj"},
};

/// What a layer is, its tensors say.
static std::vector<StringRef> readGgufLayers(GgufFields &f) {
  std::vector<StringRef> types;
  for (int64_t i = 0; i < f.layers; ++i) {
    auto has = [&](StringRef tensor) {
      return f.hasTensor("blk." + Twine(i) + "." + tensor + ".weight");
    };
    types.push_back(has("ssm_in")         ? "mamba"
                    : has("attn_q")       ? "attention"
                    : has("ffn_gate_inp") ? "moe"
                    : has("ffn_up")       ? "mlp"
                                          : "");
    if (types.back().empty())
      f.error("layer " + Twine(i) +
              " has none of the tensors ssm_in, attn_q, ffn_gate_inp and "
              "ffn_up, expected one of them");
  }
  f.set(kTypes, llvm::json::Array(types), "blk.*");
  return types;
}

static void readGgufExperts(GgufFields &f) {
  f.config.expertsField = "n_routed_experts";
  f.config.experts = f.positive("expert_count", kMaxExperts);
  f.copy("expert_count", "n_routed_experts");
  f.copy("expert_used_count", "num_experts_per_tok");
  f.copy("expert_feed_forward_length", "moe_intermediate_size");
  f.copy("expert_shared_feed_forward_length",
         "moe_shared_expert_intermediate_size");
  f.copy("expert_weights_norm", "norm_topk_prob", /*required=*/false);
  f.copy("expert_weights_scale", "routed_scaling_factor", /*required=*/false);
  f.copy("expert_group_count", "n_group", /*required=*/false);
  f.copy("expert_group_used_count", "topk_group", /*required=*/false);
  f.copy("moe_latent_size", "moe_latent_size", /*required=*/false);
}

static void readGguf(GgufFields &f) {
  f.copy("attention.layer_norm_rms_epsilon", "layer_norm_epsilon");
  std::vector<StringRef> types = readGgufLayers(f);
  if (llvm::is_contained(types, "mamba"))
    readGgufMamba2(f, {"mamba_num_heads", "mamba_head_dim", "n_groups",
                       "ssm_state_size", "conv_kernel"});
  if (llvm::is_contained(types, "attention")) {
    f.copy("attention.head_count", "num_attention_heads");
    f.copy("attention.head_count_kv", "num_key_value_heads");
    f.copy("attention.key_length", "head_dim");
  }
  if (llvm::is_contained(types, "mlp"))
    f.copy("feed_forward_length", "intermediate_size");
  if (llvm::is_contained(types, "moe"))
    readGgufExperts(f);
  // These follow the others.
  std::string ahead = f.key("nextn_predict_layers");
  if (f.file.find(ahead) && f.file.getInteger(ahead) != 0)
    f.keyError(ahead, "0: layers that predict further tokens (MTP) are not "
                      "supported; llama.cpp's converter leaves them out with "
                      "--no-mtp");
}

static void writeGguf(GgufKeys &k) {
  Config &c = k.config;
  bool mixed = k.size("n_routed_experts") != 0;
  if (mixed)
    k.architecture = "nemotron_h_moe";
  StringRef step = c.spelling("time_step_min", {"mamba_dt_min"});
  if (c.getPositiveReal(step, 0.001) != 0.001)
    c.error(step, "0.001, as the readers of GGUF files take it to be");
  k.common();
  k.perLayer("feed_forward_length",
             mixed ? nameOf(LayerKind::Experts) : nameOf(LayerKind::Dense),
             k.size(mixed ? "moe_intermediate_size" : "intermediate_size"));
  writeGgufMamba2(k, {"mamba_num_heads", "mamba_head_dim", "n_groups",
                      "ssm_state_size", "conv_kernel"});
  k.sizes({{"attention.head_count", "num_attention_heads"},
           {"attention.key_length", "head_dim"},
           {"attention.value_length", "head_dim"}});
  k.perLayer("attention.head_count_kv", nameOf(LayerKind::Attention),
             k.size("num_key_value_heads"));
  if (!mixed)
    return;
  k.sizes({{"expert_count", "n_routed_experts"},
           {"expert_used_count", "num_experts_per_tok"},
           {"expert_feed_forward_length", "moe_intermediate_size"},
           {"expert_shared_feed_forward_length",
            "moe_shared_expert_intermediate_size"},
           {"moe_latent_size", "moe_latent_size"}});
  k.integer("expert_shared_count",
            c.getPositive("n_shared_experts", 1, kMaxExperts));
  k.integer("expert_group_count", c.getPositive("n_group", 1, kMaxExperts));
  k.integer("expert_group_used_count",
            c.getPositive("topk_group", 1, kMaxExperts));
  k.boolean("expert_weights_norm", c.getBool("norm_topk_prob", true));
  k.real("expert_weights_scale", c.getPositiveReal("routed_scaling_factor", 1));
}

Family nemotronHFamily() {
  return {"nemotron_h",
          planNemotronH,
          {/*architecture=*/"nemotron_h", /*claims=*/nullptr, readGguf,
           writeGguf, GgufNames("backbone.layers.", kGgufBackbone, kInLayer),
           /*zeroIsNone=*/true, /*alsoCalled=*/"nemotron_h_moe",
           /*vectorMixers=*/true}};
}

} // namespace mlir::marimba
