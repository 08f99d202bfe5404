//===- Jamba.cpp - The Jamba family -----------------------------*- C++ -*-===//
//
// Part of Marimba. Jamba: Lieber et al. 2024; Mamba mixers with some layers of
// attention, every other feed-forward a mixture of experts.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/AttentionWeights.h"
#include "importer/blocks/EmbeddingAndHead.h"
#include "importer/blocks/FeedForwardWeights.h"
#include "importer/blocks/MambaWeights.h"
#include "importer/families/FamilyRegistry.h"
#include "importer/gguf/GgufKeys.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include <set>

namespace mlir::marimba {

//===----------------------------------------------------------------------===//
// Fields
//===----------------------------------------------------------------------===//

namespace {

struct JambaConfig {
  int64_t vocab, hidden, intermediate, layers;
  int64_t experts, topK, expertPeriod, expertOffset;
  int64_t attentionPeriod, attentionOffset;
  bool tied;
  double epsilon;
  MambaMixer mixer;
  AttentionSizes attention;

  bool isAttention(int64_t i) const {
    return i % attentionPeriod == attentionOffset;
  }
  bool isMoE(int64_t i) const {
    return experts > 1 && i % expertPeriod == expertOffset;
  }
  /// Reads and checks all fields; errors have been reported on failure.
  LogicalResult read(Config &config);
};

} // namespace

LogicalResult JambaConfig::read(Config &c) {
  vocab = c.getPositive("vocab_size", 65536, kMaxSize);
  hidden = c.getPositive("hidden_size", 4096, kMaxSize);
  intermediate = c.getPositive("intermediate_size", 14336, kMaxSize);
  layers = c.getPositive("num_hidden_layers", 32, kMaxLayers);
  epsilon = c.getPositiveReal("rms_norm_eps", 1e-6);
  tied = c.getBool("tie_word_embeddings", false);

  // Old defaults say 8; a file with an explicit null means all heads.
  attention = readAttention(c, hidden, /*defaultKeyHeads=*/8);
  attentionPeriod = c.getPositive("attn_layer_period", 8, kMaxSize);
  attentionOffset = c.getNonNegative("attn_layer_offset", 4, kMaxSize);

  // None is as one: dense everywhere.
  experts =
      std::max<int64_t>(c.getNonNegative("num_experts", 16, kMaxExperts), 1);
  topK = c.getPositive("num_experts_per_tok", 2, kMaxExperts);
  expertPeriod = c.getPositive("expert_layer_period", 2, kMaxSize);
  expertOffset = c.getNonNegative("expert_layer_offset", 1, kMaxSize);

  MambaSizes &mamba = mixer.sizes;
  mamba.state = c.getPositive("mamba_d_state", 16, kMaxState);
  mamba.window = c.getPositive("mamba_d_conv", 4, kMaxWindow);
  mamba.inner = hidden * c.getPositive("mamba_expand", 2, kMaxExpand);
  mamba.rank =
      c.getPositiveOrAuto("mamba_dt_rank", (hidden + 15) / 16, kMaxSize);
  mamba.innerNorms = true;
  mamba.normEpsilon = epsilon;
  mixer.weightedNorms = true;
  mixer.convBias = c.getBool("mamba_conv_bias", true);
  mixer.projBias = c.getBool("mamba_proj_bias", false);
  mixer.fields = {"mamba_expand", "mamba_d_state", "mamba_d_conv",
                  "mamba_dt_rank"};

  c.checkSupported();
  auto indices = llvm::seq(layers);
  if (llvm::any_of(indices, [&](int64_t i) { return isAttention(i); }))
    checkAttention(c, hidden, attention);
  checkExperts(c, "num_experts", experts, topK,
               llvm::count_if(indices, [&](int64_t i) { return isMoE(i); }));
  return c.result();
}

//===----------------------------------------------------------------------===//
// Weights and layers
//===----------------------------------------------------------------------===//

namespace {

/// Takes the weights of one layer after the other and plans it.
class JambaPlanner {
public:
  JambaPlanner(const JambaConfig &config, StringRef configFile,
               WeightTable &weights)
      : config(config), configFile(configFile), weights(weights) {}

  LayerPlan planLayer(int64_t index);

private:
  void add(StringRef module, StringRef name, ArrayRef<Dim> shape,
           StringRef suffix = ".weight", StringRef alias = "") {
    takeTensor(layer, weights, module, name, shape, suffix, alias);
  }
  void addMoE();
  /// Whether the layer has such a tensor.
  bool has(const Twine &tensor) const {
    return weights.has((layer.location + "." + tensor).str());
  }
  void confirm(int64_t index, bool attention, bool moe);

  const JambaConfig &config;
  StringRef configFile;
  WeightTable &weights;
  LayerPlan layer;

  Dim hiddenDim{config.hidden, "hidden_size"};
  Dim intermediateDim{config.intermediate, "intermediate_size"};
  Dim expertsDim{config.experts, "num_experts"};
};

void JambaPlanner::addMoE() {
  ExpertNames names;
  // Jamba-v0.1's first upload.
  if (has("moe.router.weight")) {
    names.router = "moe.router";
    names.experts = "moe.experts";
  }
  addMixtureOfExperts(layer, weights, names, expertsDim, hiddenDim,
                      intermediateDim);
}

/// The periods say what a layer is; its tensors have to agree.
void JambaPlanner::confirm(int64_t index, bool attention, bool moe) {
  auto disagree = [&](bool is, StringRef found, StringRef made,
                      StringRef fields) {
    if (is)
      weights.error("layer " + Twine(index) + " has " + found +
                    " tensors, but " + weights.fieldsInFile(fields) + " of " +
                    configFile + " make it " + made);
  };
  bool hasAttention = has("self_attn.q_proj.weight");
  bool hasMamba = has("mamba.in_proj.weight");
  StringRef fields = "attn_layer_period and attn_layer_offset";
  disagree(attention && hasMamba && !hasAttention, "mamba",
           "an attention layer", fields);
  disagree(!attention && hasAttention && !hasMamba, "attention",
           "a mamba layer", fields);
  bool hasRouter =
      has("feed_forward.router.weight") || has("moe.router.weight");
  bool hasDense = has("feed_forward.gate_proj.weight") ||
                  (has("moe.experts.0.gate_proj.weight") && !hasRouter);
  fields = "num_experts, expert_layer_period and expert_layer_offset";
  disagree(moe && hasDense && !hasRouter, "dense feed-forward",
           "a mixture of experts", fields);
  disagree(!moe && hasRouter && !hasDense, "mixture-of-experts",
           "a dense layer", fields);
}

LayerPlan JambaPlanner::planLayer(int64_t index) {
  bool attention = config.isAttention(index), moe = config.isMoE(index);
  layer = LayerPlan();
  layer.kind =
      (Twine(attention ? "attention" : "mamba") + "+" + (moe ? "moe" : "dense"))
          .str();
  layer.prefix = ("layers." + Twine(index)).str();
  layer.location = "model." + layer.prefix;
  confirm(index, attention, moe);

  add("", "input_layernorm", hiddenDim);
  if (attention)
    addAttention(layer, weights, config.attention, hiddenDim);
  else
    addMambaMixer(layer, weights, "mamba", config.mixer, hiddenDim);
  add("", "pre_ff_layernorm", hiddenDim, ".weight", "pre_moe_layernorm");
  if (moe)
    addMoE();
  else // in Jamba-v0.1's first upload a mixture of one expert
    addDenseFeedForward(layer, weights, "feed_forward", hiddenDim,
                        intermediateDim, /*bias=*/false, "moe.experts.0");
  layer.location += attention ? ".self_attn" : ".mamba";

  JambaConfig c = config;
  layer.emit = [c, attention, moe](LayerScope &scope) {
    Value h = emitNorm(scope, scope.x, "input_layernorm", c.epsilon);
    Value mixed = attention ? emitAttention(scope, c.attention, h)
                            : emitMambaMixer(scope, c.mixer.sizes, h);
    Value x = emitResidual(scope, scope.x, mixed, "mixer_residual");
    h = emitNorm(scope, x, "pre_ff_layernorm", c.epsilon);
    Value fed = moe ? emitMixtureOfExperts(scope, {.topK = c.topK}, h)
                    : emitDenseFeedForward(scope, h);
    return emitResidual(scope, x, fed, "feed_forward_residual");
  };
  return std::move(layer);
}

} // namespace

static LogicalResult planJamba(MLIRContext &, Config &file,
                               WeightTable &weights, ModelPlan &plan,
                               ModelInfo &info) {
  JambaConfig config;
  if (failed(config.read(file)))
    return failure();
  JambaPlanner planner(config, file.file(), weights);
  ModelFrame frame{config.vocab, config.hidden, config.layers, config.epsilon,
                   config.tied};
  frame.names.norm = "final_layernorm";
  planFrame(plan, info, weights, frame, file.file(),
            [&](int64_t i) { return planner.planLayer(i); });

  setDefaultTokens(file, info, /*eos=*/2, /*bos=*/1, /*pad=*/0);
  info.sizes = {{"intermediate_size", config.intermediate},
                {"num_attention_heads", config.attention.heads},
                {"num_key_value_heads", config.attention.keyHeads},
                {"head_dim", config.attention.headDim},
                {"num_experts", config.experts},
                {"num_experts_per_tok", config.topK},
                {"mamba_d_inner", config.mixer.sizes.inner},
                {"mamba_d_state", config.mixer.sizes.state},
                {"mamba_d_conv", config.mixer.sizes.window},
                {"mamba_dt_rank", config.mixer.sizes.rank}};
  return success();
}

//===----------------------------------------------------------------------===//
// GGUF
//===----------------------------------------------------------------------===//

static const GgufName kInLayer[] = {
    {"attn_norm", "input_layernorm"},
    {"ffn_norm", "pre_ff_layernorm"},
    {"ffn_norm", "pre_moe_layernorm"}, // Jamba-v0.1's first upload, as below
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"},
    {"ssm_in", "mamba.in_proj"},
    {"ssm_conv1d", "mamba.conv1d"},
    {"ssm_x", "mamba.x_proj"},
    {"ssm_dt_norm", "mamba.dt_layernorm"},
    {"ssm_b_norm", "mamba.b_layernorm"},
    {"ssm_c_norm", "mamba.c_layernorm"},
    {"ssm_dt", "mamba.dt_proj"},
    {"ssm_a", "mamba.A"},
    {"ssm_d", "mamba.D"},
    {"ssm_out", "mamba.out_proj"},
    {"ffn_gate_inp", "feed_forward.router"},
    {"ffn_gate_exps", "feed_forward.experts.*.gate_proj"},
    {"ffn_up_exps", "feed_forward.experts.*.up_proj"},
    {"ffn_down_exps", "feed_forward.experts.*.down_proj"},
    {"ffn_gate_inp", "moe.router"},
    {"ffn_gate_exps", "moe.experts.*.gate_proj"},
    {"ffn_up_exps", "moe.experts.*.up_proj"},
    {"ffn_down_exps", "moe.experts.*.down_proj"},
    {"ffn_gate", "feed_forward.gate_proj"},
    {"ffn_up", "feed_forward.up_proj"},
    {"ffn_down", "feed_forward.down_proj"},
};

/// The layers `those`, which are `kind`, as `<fields>_layer_period` and
/// `<fields>_layer_offset`.
static void readLayerPattern(GgufFields &f, const std::set<int64_t> &those,
                             StringRef kind, StringRef from, StringRef fields) {
  // Where there is none, an offset that no layer has.
  int64_t offset = those.empty() ? f.layers : *those.begin();
  int64_t period = those.size() < 2 ? std::max<int64_t>(f.layers, 1)
                                    : *std::next(those.begin()) - offset;
  for (int64_t i = 0; i < f.layers; ++i)
    if ((i % period == offset) != (those.count(i) > 0))
      return f.error(from + ": layer " + Twine(i) + " is " +
                     (those.count(i) ? "" : "not ") + kind +
                     ", expected every " + Twine(period) +
                     "th, as the layers before it are");
  f.set((fields + "_layer_period").str(), period, from);
  f.set((fields + "_layer_offset").str(), offset, from);
  f.config.names
      .names[(fields + "_layer_period and " + fields + "_layer_offset").str()] =
      from.str();
}

/// A layer with heads of keys is one of attention; one number is for all.
/// False after an error that says enough.
static bool readAttentionLayers(GgufFields &f) {
  std::string heads = f.key("attention.head_count_kv");
  std::vector<int64_t> each(f.layers, f.file.getInteger(heads).value_or(0));
  auto fail = [&] {
    f.keyError(heads, "0 or one number of heads for all layers");
    return false;
  };
  if (std::optional<std::vector<int64_t>> list = f.file.getIntegers(heads)) {
    each = *list;
  } else if (!f.file.getInteger(heads)) {
    f.keyError(heads, "an array of integers");
    return false;
  }
  if (int64_t(each.size()) != f.layers) {
    f.error("key " + quoted(heads) + " has " + Twine(each.size()) +
            " elements, expected " + Twine(f.layers) + " (" +
            f.key("block_count") + ")");
    return false;
  }
  std::set<int64_t> attention;
  int64_t count = 0;
  for (auto [layer, value] : llvm::enumerate(each)) {
    if (value == 0)
      continue;
    if (value < 0 || (count != 0 && value != count))
      return fail();
    count = value;
    attention.insert(int64_t(layer));
  }
  f.set("num_key_value_heads", count ? llvm::json::Value(count) : nullptr,
        heads);
  readLayerPattern(f, attention, "attention", heads, "attn");
  return true;
}

static void readGguf(GgufFields &f) {
  readGgufMixer(f, "mamba_d_state", "mamba_d_conv", "mamba_dt_rank");
  f.copy("attention.layer_norm_rms_epsilon", "rms_norm_eps");
  f.copy("feed_forward_length", "intermediate_size");
  f.copy("attention.head_count", "num_attention_heads");
  f.copy("expert_used_count", "num_experts_per_tok", /*required=*/false);
  int64_t inner = f.positive("ssm.inner_size", kMaxExpand * kMaxSize);
  if (inner % f.hidden != 0)
    f.keyError(f.key("ssm.inner_size"), "a multiple of " +
                                            f.key("embedding_length") + " (" +
                                            Twine(f.hidden) + ")");
  else
    f.set("mamba_expand", inner / f.hidden, f.key("ssm.inner_size"));
  if (!readAttentionLayers(f))
    return;

  // As in llama.cpp, a layer with a router is a mixture.
  std::set<int64_t> mixtures;
  for (int64_t i = 0; i < f.layers; ++i)
    if (f.hasTensor("blk." + Twine(i) + ".ffn_gate_inp.weight"))
      mixtures.insert(i);
  f.config.expertsField = "num_experts";
  f.config.experts =
      mixtures.empty() ? 1 : f.positive("expert_count", kMaxExperts);
  f.set("num_experts", f.config.experts, f.key("expert_count"));
  if (mixtures.empty())
    f.set("num_experts_per_tok", 1, f.key("expert_used_count"));
  readLayerPattern(f, mixtures, "a mixture of experts",
                   "blk.*.ffn_gate_inp.weight", "expert");
}

static void writeGguf(GgufKeys &k) {
  k.common();
  bool mixed = llvm::any_of(
      k.info.layerKinds, [](StringRef kind) { return kind.ends_with("+moe"); });
  k.sizes({{"feed_forward_length", "intermediate_size"},
           {"attention.head_count", "num_attention_heads"},
           {"ssm.conv_kernel", "mamba_d_conv"},
           {"ssm.inner_size", "mamba_d_inner"},
           {"ssm.state_size", "mamba_d_state"},
           {"ssm.time_step_rank", "mamba_dt_rank"}});
  k.perLayer("attention.head_count_kv", "attention",
             k.size("num_key_value_heads"));
  k.integer("expert_count", mixed ? k.size("num_experts") : 0);
  k.integer("expert_used_count", mixed ? k.size("num_experts_per_tok") : 0);
}

Family jambaFamily() {
  return {"jamba",
          planJamba,
          {/*architecture=*/"jamba", /*claims=*/nullptr, readGguf, writeGguf,
           GgufNames("model.layers.", kGgufFinalLayernorm, kInLayer),
           /*zeroIsNone=*/true}};
}

} // namespace mlir::marimba
