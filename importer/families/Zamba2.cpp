//===- Zamba2.cpp - The Zamba2 family ---------------------------*- C++ -*-===//
//
// Part of Marimba. Zamba2: Glorioso et al. 2024; Mamba-2 mixers, before some of
// which a transformer block reads the stream and the embedding. Few such blocks
// are shared by many layers, each of which adapts them by low-rank matrices.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/AttentionWeights.h"
#include "importer/blocks/EmbeddingAndHead.h"
#include "importer/blocks/Mamba2Weights.h"
#include "importer/families/FamilyRegistry.h"
#include "importer/hub/RotaryConfig.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include <cmath>

namespace mlir::marimba {

//===----------------------------------------------------------------------===//
// Fields
//===----------------------------------------------------------------------===//

namespace {

struct Zamba2Config {
  int64_t vocab, hidden, intermediate, blocks, rank;
  std::vector<bool> isHybrid; // for each layer
  bool tied, adaptsAttention, bias;
  double epsilon;
  Mamba2Mixer mixer;
  AttentionSizes attention;
  std::optional<Rotation> rotation; // none: no positions

  /// Reads and checks all fields; errors have been reported on failure.
  LogicalResult read(Config &config);

private:
  void readLayers(Config &config);
  void readMixer(Config &config);
  void readAttentionSizes(Config &config);
};

} // namespace

/// The norm of the gated output has an epsilon of its own.
static constexpr double kGatedEpsilon = 1e-5;

void Zamba2Config::readLayers(Config &c) {
  StringRef field = c.spelling("layers_block_type", {"layer_types"});
  int64_t count = c.getPositive("num_hidden_layers", 54, kMaxLayers);
  std::vector<std::string> kinds = c.getStrings(field);
  if (int64_t(kinds.size()) != count)
    return c.error(field, "a list with a kind for each of num_hidden_layers (" +
                              Twine(count) + ")");
  for (const std::string &kind : kinds) {
    bool isMixer = kind == "mamba" || kind == "linear_attention";
    if (!isMixer && kind != "hybrid")
      return c.error(field, "\"mamba\", \"linear_attention\" or \"hybrid\" for "
                            "each layer");
    isHybrid.push_back(!isMixer);
  }
}

void Zamba2Config::readMixer(Config &c) {
  Mamba2Sizes &s = mixer.sizes;
  mixer.fields = {"n_mamba_heads", "mamba_expand", "mamba_ngroups",
                  "mamba_d_state", "mamba_d_conv"};
  int64_t inner = hidden * c.getPositive("mamba_expand", 2, kMaxExpand);
  s.heads = c.getPositive("n_mamba_heads", 8, kMaxSize);
  s.headDim = std::max<int64_t>(inner / s.heads, 1);
  if (s.inner() != inner)
    c.error("n_mamba_heads",
            "a divisor of mamba_expand * hidden_size (" + Twine(inner) + ")");
  // Stated, it has to be that.
  if (c.getPositive("mamba_headdim", s.headDim, kMaxSize) != s.headDim)
    c.error("mamba_headdim", "mamba_expand * hidden_size / n_mamba_heads (" +
                                 Twine(s.headDim) + ")");
  readMamba2Sizes(c, mixer, /*groups=*/1, /*state=*/64);
  // transformers has it in passes over several tokens only.
  s.minStep = c.getPositiveReal("time_step_min", 0.001);
  mixer.inBias = mixer.outBias = bias;
  mixer.convBias = true; // whatever use_conv_bias says
  s.normGroups = s.groups;
  s.normEpsilon = kGatedEpsilon;
}

void Zamba2Config::readAttentionSizes(Config &c) {
  int64_t width = 2 * hidden; // the stream and the embedding
  attention.heads = c.getPositive("num_attention_heads", 32, 1 << 16);
  attention.keyHeads =
      c.getPositive("num_key_value_heads", attention.heads, 1 << 16);
  attention.headDim = std::max<int64_t>(width / attention.heads, 1);
  if (attention.heads * attention.headDim != width)
    c.error("num_attention_heads",
            "a divisor of 2 * hidden_size (" + Twine(width) + ")");
  if (attention.heads % attention.keyHeads != 0)
    c.error("num_key_value_heads", "a divisor of num_attention_heads (" +
                                       Twine(attention.heads) + ")");
  if (c.getPositive("attention_head_dim", attention.headDim, 1 << 16) !=
      attention.headDim)
    c.error("attention_head_dim", "2 * hidden_size / num_attention_heads (" +
                                      Twine(attention.headDim) + ")");
  attention.scale = 1 / std::sqrt(double(attention.headDim) / 2);
  if (!c.getBool("use_mem_rope", false))
    return;
  rotation = readRotation(c, attention.headDim, /*theta=*/1e4);
  attention.rotary = rotation->size();
}

LogicalResult Zamba2Config::read(Config &c) {
  vocab = c.getPositive("vocab_size", 32000, kMaxSize);
  hidden = c.getPositive("hidden_size", 2560, kMaxSize);
  intermediate = c.getPositive("intermediate_size", 4 * hidden, kMaxSize);
  epsilon = c.getPositiveReal("rms_norm_eps", 1e-5);
  tied = c.getBool("tie_word_embeddings", true);
  bias = c.getBool("add_bias_linear", false);
  blocks = c.getPositive("num_mem_blocks", 1, kMaxLayers);
  adaptsAttention = c.getBool("use_shared_attention_adapter", false);
  rank = c.getPositive("adapter_rank", 128, kMaxSize);
  readLayers(c);
  readMixer(c);
  readAttentionSizes(c);
  c.checkSupported("gelu");
  return c.result();
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

namespace {

/// Takes the weights of one layer after the other and plans it.
class Zamba2Planner {
public:
  Zamba2Planner(const Zamba2Config &config, WeightTable &weights)
      : config(config), weights(weights), shared(config.blocks) {}

  LayerPlan planLayer(int64_t index);

private:
  /// A shared block: its weights, which are stored with its first user.
  struct Block {
    std::string prefix, location;
    SmallVector<LayerWeight> weights;
  };

  void addMixer(LayerPlan &layer, StringRef module);
  void addBlock(LayerPlan &layer);
  void takeBlock(Block &block);
  /// The two matrices by which the present hybrid layer adapts `name` of its
  /// block, in the list `list`.
  void addAdapter(LayerPlan &layer, const Block &block, StringRef name,
                  StringRef list, Dim out, Dim in);
  Weight take(const Block &block, const Twine &name, ArrayRef<Dim> shape,
              StringRef suffix = ".weight");

  const Zamba2Config &config;
  WeightTable &weights;
  std::vector<std::optional<Block>> shared;
  int64_t hybrids = 0; // before the present layer

  const AttentionSizes &attention = config.attention;
  Dim hidden{config.hidden, "hidden_size"};
  Dim width{2 * config.hidden, "2 * hidden_size"};
  Dim queries{attention.heads * attention.headDim, "num_attention_heads"};
  Dim keys{attention.keyHeads * attention.headDim, "num_key_value_heads"};
  Dim gateUp{2 * config.intermediate, "2 * intermediate_size"};
  Dim intermediate{config.intermediate, "intermediate_size"};
  Dim rank{config.rank, "adapter_rank"};
};

} // namespace

Weight Zamba2Planner::take(const Block &block, const Twine &name,
                           ArrayRef<Dim> shape, StringRef suffix) {
  std::string kept = suffix == ".weight" ? "" : suffix.str();
  return weights.getMatrix((block.prefix + "." + name + kept).str(),
                           (block.location + "." + name + suffix).str(), shape);
}

void Zamba2Planner::takeBlock(Block &block) {
  auto add = [&](StringRef own, StringRef name, ArrayRef<Dim> shape,
                 StringRef suffix = ".weight") {
    std::string kept = suffix == ".weight" ? "" : suffix.str();
    block.weights.push_back(
        {own.str() + kept, take(block, name, shape, suffix)});
  };
  add("block_layernorm", "input_layernorm", width);
  add("q_proj", "self_attn.q_proj", {queries, width});
  add("k_proj", "self_attn.k_proj", {keys, width});
  add("v_proj", "self_attn.v_proj", {keys, width});
  add("o_proj", "self_attn.o_proj", {hidden, queries});
  add("pre_ff_layernorm", "pre_ff_layernorm", hidden);
  add("gate_up_proj", "feed_forward.gate_up_proj", {gateUp, hidden});
  add("down_proj", "feed_forward.down_proj", {hidden, intermediate});
  if (!config.bias)
    return;
  add("gate_up_proj", "feed_forward.gate_up_proj", gateUp, ".bias");
  add("down_proj", "feed_forward.down_proj", hidden, ".bias");
}

void Zamba2Planner::addAdapter(LayerPlan &layer, const Block &block,
                               StringRef name, StringRef list, Dim out,
                               Dim in) {
  std::string base = (list + "." + Twine(hybrids) + ".").str();
  layer.add((name + kAdapterDown).str(), take(block, base + "0", {rank, in}));
  layer.add((name + kAdapterUp).str(), take(block, base + "1", {out, rank}));
}

void Zamba2Planner::addBlock(LayerPlan &layer) {
  std::optional<Block> &slot = shared[hybrids % config.blocks];
  if (!slot) {
    slot = Block{layer.prefix + ".shared_transformer",
                 layer.location + ".shared_transformer",
                 {}};
    takeBlock(*slot);
  }
  const Block &block = *slot;
  layer.weights.append(block.weights);
  if (config.adaptsAttention) {
    StringRef module = "self_attn.linear_";
    addAdapter(layer, block, "q_proj", (module + "q_adapter_list").str(),
               queries, width);
    addAdapter(layer, block, "k_proj", (module + "k_adapter_list").str(), keys,
               width);
    addAdapter(layer, block, "v_proj", (module + "v_adapter_list").str(), keys,
               width);
  }
  addAdapter(layer, block, "gate_up_proj",
             "feed_forward.gate_up_proj_adapter_list", gateUp, hidden);
  takeTensor(layer, weights, "", "linear", {hidden, hidden});
  addKeyValueStates(layer, attention);
  layer.usesEmbedding = true;
  ++hybrids;
}

void Zamba2Planner::addMixer(LayerPlan &layer, StringRef module) {
  takeTensor(layer, weights, module, "input_layernorm", hidden);
  addMamba2Mixer(layer, weights, (module + "mamba").str(), config.mixer,
                 hidden);
}

/// What the shared block adds to the mixer's input: neither of its parts is
/// residual.
static Value emitSharedBlock(LayerScope &scope, const Zamba2Config &c) {
  Value both = concatChannels(scope, "with_embedding", {scope.x, scope.x0});
  Value h = emitNorm(scope, both, "block_layernorm", c.epsilon);
  Value y = emitAttention(scope, c.attention, h);
  h = emitNorm(scope, y, "pre_ff_layernorm", c.epsilon);
  Value fed = emitGeluFeedForward(scope, h);
  return emitLinear(scope, fed, "linear");
}

LayerPlan Zamba2Planner::planLayer(int64_t index) {
  LayerPlan layer;
  bool hybrid = config.isHybrid[index];
  layer.kind = hybrid ? "attention+dense+mamba2" : "mamba2";
  layer.prefix = ("layers." + Twine(index)).str();
  layer.location = "model." + layer.prefix;
  if (hybrid)
    addBlock(layer);
  addMixer(layer, hybrid ? "mamba_decoder." : "");

  layer.emit = [c = config, hybrid](LayerScope &scope) {
    Value input = scope.x;
    if (hybrid)
      input = emitResidual(scope, scope.x, emitSharedBlock(scope, c),
                           "with_shared_block");
    Value h = emitNorm(scope, input, "input_layernorm", c.epsilon);
    Value mixed = emitMamba2Mixer(scope, c.mixer.sizes, h);
    return emitResidual(scope, scope.x, mixed, "mixer_residual");
  };
  return layer;
}

static LogicalResult planZamba2(MLIRContext &, Config &file,
                                WeightTable &weights, ModelPlan &plan,
                                ModelInfo &info) {
  Zamba2Config config;
  if (failed(config.read(file)))
    return failure();
  if (config.rotation)
    plan.rotations = {*config.rotation};
  Zamba2Planner planner(config, weights);
  ModelFrame frame{config.vocab, config.hidden, int64_t(config.isHybrid.size()),
                   config.epsilon, config.tied};
  frame.names.norm = "final_layernorm";
  planFrame(plan, info, weights, frame, file.file(),
            [&](int64_t i) { return planner.planLayer(i); });

  setDefaultTokens(file, info, /*eos=*/2, /*bos=*/1, /*pad=*/0);
  const Mamba2Sizes &mixer = config.mixer.sizes;
  info.sizes = {{"intermediate_size", config.intermediate},
                {"num_attention_heads", config.attention.heads},
                {"num_key_value_heads", config.attention.keyHeads},
                {"attention_head_dim", config.attention.headDim},
                {"num_mem_blocks", config.blocks},
                {"adapter_rank", config.rank},
                {"n_mamba_heads", mixer.heads},
                {"mamba_headdim", mixer.headDim},
                {"mamba_ngroups", mixer.groups},
                {"mamba_d_state", mixer.state},
                {"mamba_d_conv", mixer.window}};
  return success();
}

// llama.cpp has no Zamba2.
Family zamba2Family() { return {"zamba2", planZamba2, noGguf()}; }

} // namespace mlir::marimba
