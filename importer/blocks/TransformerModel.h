//===- TransformerModel.h - Models of attention only ------------*- C++ -*-===//
//
// Part of Marimba. What families of these share: in every layer attention with
// rotary positions, then a feed-forward, each after a norm and added to the
// residual stream; the names of tensors and fields.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_BLOCKS_TRANSFORMERMODEL_H
#define MARIMBA_IMPORTER_BLOCKS_TRANSFORMERMODEL_H

#include "importer/blocks/AttentionWeights.h"
#include "importer/blocks/FeedForwardWeights.h"
#include "importer/gguf/GgufFields.h"
#include "importer/hub/RotaryConfig.h"

namespace mlir::marimba {

/// What a family's class says where the config does not.
struct TransformerDefaults {
  int64_t intermediate;
  int64_t keyHeads; // 0: all heads
  double epsilon;
  double theta; // 0: the family reads its rotations itself
  int64_t vocab = 32000, hidden = 4096, layers = 32, heads = 32;
  int64_t headDim = 0; // 0: hidden / heads
  bool tied = false;
  /// Which activation the gate must have, and the field that says so.
  StringRef activation = "silu", activationField = "hidden_act";
};

/// A model as its config describes it.
struct TransformerModel {
  StringRef module = "model"; // what tensors' names begin with
  int64_t vocab = 0, hidden = 0, intermediate = 0, layers = 0;
  double epsilon = 0; // of all norms
  bool tied = false;
  /// Norms' factors are 1 + w.
  bool zeroCenteredNorms = false;
  /// What attention and feed-forward add to the stream is normed, too (Gemma).
  bool normsOutputs = false;
  double embeddingScale = 1, logitsScale = 1; // factors
  double residualScale = 1; // of what attention and feed-forward add
  double logitsSoftcap = 0; // 0: none

  AttentionSizes attention;
  bool attentionBias = false;
  bool outputBias = true; // o_proj's, where attention has biases
  /// Whether each layer has `attention.window`; empty: all have it.
  std::vector<bool> windowed;
  /// Of layers without a window and, where it is another one, of those with.
  std::vector<Rotation> rotations;

  GateActivation activation = GateActivation::Silu;
  bool feedForwardBias = false; // of a dense one
  int64_t experts = 0;          // 0: dense
  int64_t expertIntermediate = 0;
  StringRef expertsField = "num_local_experts";
  StringRef expertIntermediateField = "intermediate_size";
  Routing routing;
  ExpertNames expertNames;
  /// Whether each layer has experts; empty: all have.
  std::vector<bool> sparse;

  std::optional<int64_t> eos = 2, bos = 1, pad; // the class's tokens

  /// Reads the fields that all have. Ask `config.result()`.
  void read(Config &config, const TransformerDefaults &defaults);
  /// Reads sliding_window; of a file that does not mention it, 4096.
  void readWindow(Config &config);
  /// As Qwen has it: use_sliding_window, sliding_window, and layer_types or
  /// max_window_layers, the layer from which on there is a window.
  void readUpperWindows(Config &config);
  /// Reads layer_types, of each layer `sliding_attention` or `full_attention`;
  /// without these `isWindowed` says which layers have a window.
  void readWindows(Config &config, function_ref<bool(int64_t)> isWindowed);
  /// Reads embedding_, residual_ and attention_multiplier and logits_scaling,
  /// in transformers' classes all 1.
  void readMultipliers(Config &config);

  /// Plans all of the model once its fields are read.
  void plan(Config &config, WeightTable &weights, ModelPlan &plan,
            ModelInfo &info) const;

private:
  /// `model` is this one, for as long as the layer is emitted.
  LayerPlan planLayer(WeightTable &weights, int64_t index,
                      std::shared_ptr<const TransformerModel> model) const;
  Value emitLayer(LayerScope &scope, const AttentionSizes &sizes,
                  bool isSparse) const;
  void describe(ModelInfo &info) const;
};

/// A layer's tensors in GGUF files of Llama's kind.
inline constexpr GgufName kGgufTransformerLayer[] = {
    {"attn_norm", "input_layernorm"}, {"ffn_norm", "post_attention_layernorm"},
    {"attn_q", "self_attn.q_proj"},   {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},   {"attn_output", "self_attn.o_proj"},
    {"ffn_gate", "mlp.gate_proj"},    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
};

/// Of GGUF files: the fields that all have, and how many tokens a query sees,
/// which is not among these (0 or less: all).
/// `partRotates`: a part of each head may turn.
void readGgufTransformer(GgufFields &fields, bool partRotates = false);
int64_t readGgufWindow(GgufFields &fields);
/// The multipliers that TransformerModel::readMultipliers() reads, as Granite's
/// files have them: absent or 0 for none.
void readGgufMultipliers(GgufFields &fields);
/// The inverses. `theta` and `share` are what heads turn by where the config
/// does not say; 0: they do not turn.
void writeGgufTransformer(GgufKeys &keys, double theta, double share = 1);
void writeGgufMultipliers(GgufKeys &keys);

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_BLOCKS_TRANSFORMERMODEL_H
