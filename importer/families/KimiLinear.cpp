//===- KimiLinear.cpp - Kimi Linear -----------------------------*- C++ -*-===//
//
// Part of Marimba. Kimi Team 2025: three layers of Kimi delta attention, whose
// keys' channels forget each by itself, to one of latent attention without
// positions; all layers but the first ones have a mixture of experts. Published
// files say what each layer is by lists that count from 1.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/EmbeddingAndHead.h"
#include "importer/blocks/FeedForwardWeights.h"
#include "importer/blocks/GatedDeltaWeights.h"
#include "importer/blocks/LatentAttentionWeights.h"
#include "importer/families/FamilyRegistry.h"

namespace mlir::marimba {

static constexpr StringLiteral kTypes = "layer_types";
static constexpr StringLiteral kFeedForwards = "mlp_layer_types";
static constexpr StringLiteral kFull = "linear_attn_config.full_attn_layers";
static constexpr StringLiteral kDelta = "linear_attn_config.kda_layers";
static constexpr StringLiteral kModule = "block_sparse_moe";

namespace {

struct KimiConfig {
  int64_t vocab, hidden, intermediate, expertWidth, layers, experts = 0;
  int64_t sharedExperts = 0;
  Routing routing;
  bool tied;
  double epsilon;
  LatentAttentionSizes attention;
  GatedDeltaSizes mixer;
  GatedDeltaFields fields; // as the file spells them
  std::string expertsField;
  std::vector<bool> isLinear, isDense; // by layer

  /// Reads and checks all fields; errors have been reported on failure.
  LogicalResult read(Config &config);

private:
  void readTypes(Config &config);
  void readLists(Config &config);
  void readFeedForwards(Config &config);
  void readExperts(Config &config);
  void readMixer(Config &config);
};

} // namespace

/// A list of `first` and `second` with one for each layer: which are `first`.
static std::vector<bool> readKinds(Config &c, StringRef field, StringRef first,
                                   StringRef second, int64_t layers) {
  std::vector<bool> kinds;
  std::vector<std::string> names = c.getStrings(field);
  for (const std::string &name : names)
    if (name == first || name == second)
      kinds.push_back(name == first);
  if (kinds.size() != names.size() || int64_t(kinds.size()) != layers) {
    c.error(field, "a list of num_hidden_layers (" + Twine(layers) +
                       ") times \"" + first + "\" or \"" + second + "\"");
    kinds.resize(layers);
  }
  return kinds;
}

/// The two lists of published files; together they have each layer once.
void KimiConfig::readLists(Config &c) {
  std::vector<int64_t> full = c.getIndices(kFull, layers + 1);
  std::vector<int64_t> delta = c.getIndices(kDelta, layers + 1);
  std::vector<int64_t> all = full;
  llvm::append_range(all, delta);
  llvm::sort(all);
  for (int64_t i = 0; i < layers; ++i)
    if (int64_t(all.size()) != layers || all[i] != i + 1)
      return c.error(kFull,
                     "together with kda_layers each of the layers 1 to " +
                         Twine(layers) + " once");
  isLinear.assign(layers, false);
  for (int64_t layer : delta)
    isLinear[layer - 1] = true;
}

void KimiConfig::readTypes(Config &c) {
  if (c.find(kTypes)) {
    isLinear =
        readKinds(c, kTypes, "linear_attention", "full_attention", layers);
  } else if (c.find(kFull)) {
    readLists(c);
  } else {
    for (int64_t i = 0; i < layers; ++i)
      isLinear.push_back(i == 0 || i % 4 != 0);
  }
  isLinear.resize(layers);
}

void KimiConfig::readFeedForwards(Config &c) {
  if (c.find(kFeedForwards)) {
    isDense = readKinds(c, kFeedForwards, "dense", "sparse", layers);
    return;
  }
  int64_t first = c.getNonNegative("first_k_dense_replace", 1, kMaxLayers);
  int64_t step = c.getPositive("moe_layer_freq", 1, kMaxLayers);
  for (int64_t i = 0; i < layers; ++i)
    isDense.push_back(i < first || i % step != 0);
}

void KimiConfig::readExperts(Config &c) {
  int64_t sparse = llvm::count(isDense, false);
  expertsField = c.spelling("num_experts", {"num_local_experts"}).str();
  experts = c.getPositive(expertsField, 256, kMaxExperts);
  expertWidth = c.getPositive("moe_intermediate_size", 1024, kMaxSize);
  sharedExperts = c.getNonNegative(
      c.spelling("num_shared_experts", {"n_shared_experts"}), 1, kMaxExperts);
  SigmoidRoutingFields spelled;
  spelled.topK = c.spelling("num_experts_per_token", {"num_experts_per_tok"});
  spelled.groups = c.spelling("num_expert_group", {"n_group"});
  spelled.normalize = c.spelling("moe_renormalize", {"norm_topk_prob"});
  spelled.defaultTopK = 8;
  spelled.defaultScale = 2.446;
  routing = readSigmoidRouting(c, expertsField, experts, sparse, spelled);
  StringRef scores = "moe_router_activation_func";
  if (c.getString(scores, "sigmoid") != "sigmoid")
    c.error(scores, "\"sigmoid\"");
}

void KimiConfig::readMixer(Config &c) {
  fields.keyHeads = fields.valueHeads =
      c.spelling("linear_num_heads", {"linear_attn_config.num_heads"});
  fields.keyDim = fields.valueDim =
      c.spelling("linear_head_dim", {"linear_attn_config.head_dim"});
  fields.window = c.spelling("linear_conv_kernel_dim",
                             {"linear_attn_config.short_conv_kernel_size"});
  GatedDeltaSizes sizes{
      /*keyHeads=*/32,  /*valueHeads=*/32, /*keyDim=*/128,
      /*valueDim=*/128, /*window=*/4,      epsilon};
  sizes.channelDecay = true;
  sizes.sigmoidGate = true;
  mixer = readGatedDelta(c, sizes, fields);
}

LogicalResult KimiConfig::read(Config &c) {
  c.flatten("linear_attn_config");
  vocab = c.getPositive("vocab_size", 163840, kMaxSize);
  hidden = c.getPositive("hidden_size", 2304, kMaxSize);
  intermediate = c.getPositive("intermediate_size", 9216, kMaxSize);
  layers = c.getPositive("num_hidden_layers", 27, kMaxLayers);
  epsilon = c.getPositiveReal("rms_norm_eps", 1e-5);
  tied = c.getBool("tie_word_embeddings", false);
  attention = readLatentAttention(c);
  // These norms do not use the config's epsilon.
  attention.normEpsilon = 1e-6;
  if (!c.getBool("mla_use_nope", true))
    c.error("mla_use_nope", "true: attention has no positions");
  readMixer(c);
  readTypes(c);
  readFeedForwards(c);
  readExperts(c);
  c.checkSupported();
  return c.result();
}

static void addMixer(LayerPlan &layer, WeightTable &weights,
                     const KimiConfig &config, Dim hidden) {
  const GatedDeltaSizes &s = config.mixer;
  GatedDeltaNames names;
  names.module = "self_attn";
  names.convolutions = {"q_conv1d", "k_conv1d", "v_conv1d"};
  names.norm = "o_norm";
  names.out = "o_proj";
  auto add = [&](StringRef name, Dim rows, Dim columns) {
    takeTensor(layer, weights, "self_attn.", name, {rows, columns});
  };
  std::string width =
      (config.fields.keyHeads + " * " + config.fields.keyDim).str();
  Dim inner{s.inner(), width}, head{s.keyDim, config.fields.keyDim};
  for (StringRef name : {"q_proj", "k_proj", "v_proj"})
    add(name, inner, hidden);
  add("b_proj", {s.valueHeads, config.fields.keyHeads}, hidden);
  for (StringRef part : {"f", "g"}) {
    add((part + "_a_proj").str(), head, hidden);
    add((part + "_b_proj").str(), inner, head);
  }
  addGatedDelta(layer, weights, names, s, hidden, config.fields);
}

/// Kimi delta attention: a gated delta net whose decay and gate are products of
/// two matrices.
static Value emitMixer(LayerScope &scope, const GatedDeltaSizes &s, Value h) {
  auto project = [&](StringRef name) { return emitLinear(scope, h, name); };
  GatedDeltaInputs inputs;
  inputs.qkv = concatChannels(
      scope, "qkv", {project("q_proj"), project("k_proj"), project("v_proj")});
  inputs.gate = emitLinear(scope, project("g_a_proj"), "g_b_proj");
  inputs.beta = project("b_proj");
  inputs.decay = emitLinear(scope, project("f_a_proj"), "f_b_proj");
  return emitGatedDelta(scope, s, inputs);
}

static void addFeedForward(LayerPlan &layer, WeightTable &weights,
                           const KimiConfig &config, bool isDense, Dim hidden) {
  // transformers 5.17 saves a dense one under the name of the experts, too.
  if (isDense)
    return addDenseFeedForward(layer, weights, "mlp", hidden,
                               {config.intermediate, "intermediate_size"},
                               /*bias=*/false, /*alias=*/kModule);
  ExpertNames names{
      kModule, "block_sparse_moe.gate", "block_sparse_moe.experts", "w1", "w3",
      "w2"};
  names.correction = "block_sparse_moe.gate.e_score_correction_bias";
  Dim width{config.expertWidth, "moe_intermediate_size"};
  addMixtureOfExperts(layer, weights, names,
                      {config.experts, config.expertsField}, hidden, width);
  if (config.sharedExperts)
    addSharedExpert(layer, weights, "block_sparse_moe.shared_experts", "",
                    hidden,
                    {config.sharedExperts * config.expertWidth,
                     "moe_intermediate_size * num_shared_experts"});
}

static LayerPlan planLayer(const KimiConfig &config, WeightTable &weights,
                           int64_t index) {
  Dim hidden{config.hidden, "hidden_size"};
  bool isLinear = config.isLinear[index], isDense = config.isDense[index];
  LayerPlan layer;
  layer.kind = isLinear ? "kimi_delta" : "latent_attention";
  layer.kind += isDense ? "+dense" : "+moe";
  layer.prefix = ("layers." + Twine(index)).str();
  layer.location = "model." + layer.prefix;
  takeTensor(layer, weights, "", "input_layernorm", hidden);
  if (isLinear)
    addMixer(layer, weights, config, hidden);
  else
    addLatentAttention(layer, weights, config.attention, hidden);
  takeTensor(layer, weights, "", "post_attention_layernorm", hidden);
  addFeedForward(layer, weights, config, isDense, hidden);
  layer.location += ".self_attn";

  layer.emit = [c = config, isLinear, isDense](LayerScope &scope) {
    Value h = emitNorm(scope, scope.x, "input_layernorm", c.epsilon);
    Value mixed = isLinear ? emitMixer(scope, c.mixer, h)
                           : emitLatentAttention(scope, c.attention, h);
    Value x = emitResidual(scope, scope.x, mixed, "mixer_residual");
    h = emitNorm(scope, x, "post_attention_layernorm", c.epsilon);
    Value fed = isDense ? emitDenseFeedForward(scope, h)
                        : emitMixtureOfExperts(scope, c.routing, h);
    return emitResidual(scope, x, fed, "feed_forward_residual");
  };
  return layer;
}

static LogicalResult planKimiLinear(MLIRContext &, Config &file,
                                    WeightTable &weights, ModelPlan &plan,
                                    ModelInfo &info) {
  KimiConfig config;
  if (failed(config.read(file)))
    return failure();
  ModelFrame frame{config.vocab, config.hidden, config.layers, config.epsilon,
                   config.tied};
  frame.names.norm = "norm";
  planFrame(plan, info, weights, frame, file.file(),
            [&](int64_t i) { return planLayer(config, weights, i); });
  setDefaultTokens(file, info, /*eos=*/163586, /*bos=*/163584, /*pad=*/163839);
  info.sizes = {{"intermediate_size", config.intermediate},
                {"num_attention_heads", config.attention.heads},
                {"kv_lora_rank", config.attention.rank},
                {"qk_nope_head_dim", config.attention.content},
                {"qk_rope_head_dim", config.attention.shared},
                {"v_head_dim", config.attention.value},
                {"linear_num_heads", config.mixer.keyHeads},
                {"linear_head_dim", config.mixer.keyDim},
                {"linear_conv_kernel_dim", config.mixer.window}};
  if (llvm::is_contained(config.isDense, false))
    llvm::append_range(info.sizes,
                       std::initializer_list<std::pair<std::string, int64_t>>{
                           {"moe_intermediate_size", config.expertWidth},
                           {"num_shared_experts", config.sharedExperts},
                           {"num_experts", config.experts},
                           {"num_experts_per_token", config.routing.topK}});
  return success();
}

//===----------------------------------------------------------------------===//
// GGUF
//===----------------------------------------------------------------------===//

/// kv_b_proj is in two, a matrix for each head, the keys' transposed.
static const GgufName kInLayer[] = {
    {"attn_norm", "input_layernorm"},
    {"ffn_norm", "post_attention_layernorm"},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"},
    {"ssm_conv1d_q", "self_attn.q_conv1d"},
    {"ssm_conv1d_k", "self_attn.k_conv1d"},
    {"ssm_conv1d_v", "self_attn.v_conv1d"},
    {"ssm_f_a", "self_attn.f_a_proj"},
    {"ssm_f_b", "self_attn.f_b_proj"},
    {"ssm_g_a", "self_attn.g_a_proj"},
    {"ssm_g_b", "self_attn.g_b_proj"},
    {"ssm_beta", "self_attn.b_proj"},
    {"ssm_a", "self_attn.A"},
    {"ssm_dt.bias", "self_attn.dt_bias"},
    {"ssm_norm", "self_attn.o_norm"},
    {"attn_q_a", "self_attn.q_a_proj"},
    {"attn_q_a_norm", "self_attn.q_a_layernorm"},
    {"attn_q_b", "self_attn.q_b_proj"},
    {"attn_kv_a_mqa", "self_attn.kv_a_proj_with_mqa"},
    {"attn_kv_a_norm", "self_attn.kv_a_layernorm"},
    {"attn_kv_b", "self_attn.kv_b_proj"},
    {"attn_k_b", "self_attn.k_b_proj"},
    {"attn_v_b", "self_attn.v_b_proj"},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
    {"ffn_gate_inp", "block_sparse_moe.gate"},
    {"exp_probs_b.bias", "block_sparse_moe.gate.e_score_correction_bias"},
    {"ffn_gate_exps", "block_sparse_moe.experts.*.w1"},
    {"ffn_up_exps", "block_sparse_moe.experts.*.w3"},
    {"ffn_down_exps", "block_sparse_moe.experts.*.w2"},
    {"ffn_gate_shexp", "block_sparse_moe.shared_experts.gate_proj"},
    {"ffn_up_shexp", "block_sparse_moe.shared_experts.up_proj"},
    {"ffn_down_shexp", "block_sparse_moe.shared_experts.down_proj"},
};

/// Layers of attention are those that have key heads; how many heads of delta
/// attention the others have, their tensors say.
static void readGgufLayers(GgufFields &f) {
  std::string key = f.key("attention.head_count_kv");
  std::optional<std::vector<int64_t>> heads = f.file.getIntegers(key);
  if (!heads || int64_t(heads->size()) != f.layers)
    return f.keyError(key, "a list of " + Twine(f.layers) + " integers");
  llvm::json::Array types;
  for (auto [i, count] : llvm::enumerate(*heads)) {
    types.push_back(count ? "full_attention" : "linear_attention");
    std::string beta = ("blk." + Twine(i) + ".ssm_beta.weight").str();
    const GgufTensor *tensor = count ? nullptr : f.file.findTensor(beta);
    if (tensor && !tensor->shape.empty())
      f.set("linear_num_heads", tensor->shape[0], beta);
  }
  f.set(kTypes, std::move(types), key);
}

static void readGguf(GgufFields &f) {
  auto copy = [&](StringRef suffix, StringRef field) { f.copy(suffix, field); };
  auto maybe = [&](StringRef suffix, StringRef field) {
    f.copy(suffix, field, /*required=*/false);
  };
  copy("attention.layer_norm_rms_epsilon", "rms_norm_eps");
  copy("attention.head_count", "num_attention_heads");
  copy("attention.kv_lora_rank", "kv_lora_rank");
  maybe("attention.q_lora_rank", "q_lora_rank");
  copy("rope.dimension_count", "qk_rope_head_dim");
  copy("attention.value_length_mla", "v_head_dim");
  int64_t whole = f.positive("attention.key_length_mla", 1 << 16);
  int64_t shared = f.positive("rope.dimension_count", 1 << 16);
  std::string length = f.key("attention.key_length_mla");
  if (whole && whole <= shared)
    f.keyError(length, "more than " + f.key("rope.dimension_count") + " (" +
                           Twine(shared) + ")");
  f.set("qk_nope_head_dim", whole - shared, length);
  copy("ssm.conv_kernel", "linear_conv_kernel_dim");
  copy("kda.head_dim", "linear_head_dim");
  copy("feed_forward_length", "intermediate_size");
  copy("expert_count", "num_experts");
  copy("expert_used_count", "num_experts_per_token");
  copy("expert_feed_forward_length", "moe_intermediate_size");
  copy("expert_shared_count", "num_shared_experts");
  maybe("leading_dense_block_count", "first_k_dense_replace");
  maybe("expert_weights_scale", "routed_scaling_factor");
  maybe("expert_weights_norm", "moe_renormalize");
  maybe("expert_group_count", "num_expert_group");
  maybe("expert_group_used_count", "topk_group");
  std::string scores = f.key("expert_gating_func");
  if (f.file.find(scores) && f.file.getInteger(scores) != 2)
    f.keyError(scores, "2, sigmoid");
  f.config.expertsField = "num_experts";
  f.config.experts = f.positive("expert_count", kMaxExperts);
  readGgufLayers(f);
}

Family kimiLinearFamily() {
  return {"kimi_linear",
          planKimiLinear,
          {/*architecture=*/"kimi-linear", /*claims=*/nullptr, readGguf,
           /*write=*/nullptr,
           GgufNames("model.layers.", kGgufModelNorm, kInLayer)}};
}

} // namespace mlir::marimba
