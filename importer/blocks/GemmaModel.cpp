//===- GemmaModel.cpp - What Gemma 2 and 3 share ----------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/GemmaModel.h"
#include "importer/gguf/GgufKeys.h"
#include <cmath>

namespace mlir::marimba {

double readSoftcap(Config &c, StringRef field, double otherwise) {
  bool isNull = c.has(field) && !c.find(field);
  return isNull ? 0 : c.getPositiveReal(field, otherwise);
}

TransformerModel readGemma(Config &c, int64_t vocab, double softcap) {
  TransformerModel model;
  TransformerDefaults defaults{/*intermediate=*/9216, /*keyHeads=*/4,
                               /*epsilon=*/1e-6, /*theta=*/0};
  defaults.vocab = vocab;
  defaults.hidden = 2304;
  defaults.layers = 26;
  defaults.heads = 8;
  defaults.headDim = 256;
  defaults.tied = true;
  defaults.activation = "gelu_pytorch_tanh";
  defaults.activationField = "hidden_activation";
  model.read(c, defaults);
  model.activation = GateActivation::GeluWithTanh;
  model.attentionBias = c.getBool("attention_bias", false);
  if (c.getBool("use_bidirectional_attention", false))
    c.error("use_bidirectional_attention",
            "false: later tokens are not seen here");

  // What a GGUF file has is 1 + w.
  model.zeroCenteredNorms = !c.getBool("norm_weights_include_one", false);
  model.attention.zeroCenteredNorm = model.zeroCenteredNorms;
  model.normsOutputs = true;
  model.embeddingScale = std::sqrt(double(model.hidden));
  model.logitsSoftcap = readSoftcap(c, "final_logit_softcapping", softcap);
  model.attention.scale =
      1 / std::sqrt(c.getPositiveReal("query_pre_attn_scalar", 256));
  model.readWindow(c);
  model.eos = 1;
  model.bos = 2;
  model.pad = 0;
  return model;
}

/// Which layers have a window: all but every `period`-th, or what a list says.
static void readPattern(GgufFields &f, int64_t period) {
  std::string key = f.key("attention.sliding_window_pattern");
  std::optional<std::vector<int64_t>> each = f.file.getIntegers(key);
  if (each && int64_t(each->size()) != f.layers)
    return f.keyError(key, "a number, or one for each of " + Twine(f.layers) +
                               " layers");
  if (!each && f.file.find(key))
    period = f.positive("attention.sliding_window_pattern", kMaxLayers);
  // Where there is no window, no layer has one.
  std::string window = f.key("attention.sliding_window");
  bool none = f.integer(window) == 0;
  llvm::json::Array types;
  for (int64_t i = 0; i < f.layers; ++i) {
    bool windowed = each ? (*each)[i] != 0 : period && (i + 1) % period != 0;
    types.push_back(windowed && !none ? "sliding_attention" : "full_attention");
  }
  f.set("layer_types", std::move(types), key);
}

void writeGgufGemma(GgufKeys &k, int64_t period, int64_t largest) {
  writeGgufTransformer(k, /*theta=*/0);
  k.sizes({{"attention.sliding_window", "sliding_window"}});
  auto layers = int64_t(k.info.layerKinds.size());
  // Of the first layer without a window.
  int64_t own = 1;
  while (own <= layers && k.isKind(own - 1, "windowed_attention"))
    ++own;
  if (own != period && own <= layers)
    k.integer("attention.sliding_window_pattern", own);
  int64_t heads = std::max<int64_t>(k.size("num_attention_heads"), 1);
  int64_t scaled =
      layers == largest ? k.info.hiddenSize / heads : k.size("head_dim");
  // The file does not say by what scores are scaled: queries have the rest.
  double rest = std::sqrt(
      double(scaled) / k.config.getPositiveReal("query_pre_attn_scalar", 256));
  bool hasNorms = k.architecture == "gemma3";
  if (rest != 1)
    k.factors.push_back({hasNorms ? "attn_q_norm" : "attn_q", 0, rest});
}

void readGgufGemma(GgufFields &f, int64_t period, int64_t largest) {
  readGgufTransformer(f);
  int64_t heads = std::max<int64_t>(f.config.queryHeads, 1);
  // Rows of queries and keys are as in the checkpoint.
  f.config.queryHeads = f.config.keyHeads = 0;
  f.set("norm_weights_include_one", true, "general.architecture");
  f.copy("attention.sliding_window", "sliding_window", /*required=*/false);
  readPattern(f, period);
  f.copy("final_logit_softcapping", "final_logit_softcapping",
         /*required=*/false);
  if (f.layers == largest)
    f.set("query_pre_attn_scalar", std::max<int64_t>(f.hidden / heads, 1),
          f.key("block_count"));
  else
    f.copy("attention.key_length", "query_pre_attn_scalar");
}

} // namespace mlir::marimba
