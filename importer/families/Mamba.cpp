//===- Mamba.cpp - The Mamba family -----------------------------*- C++ -*-===//
//
// Part of Marimba. Mamba: Gu and Dao 2023; every layer a selective state space.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/MambaModel.h"
#include "importer/families/FamilyRegistry.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::marimba {

/// Whether the config is one of the state-spaces repository, which names no
/// family.
static bool isStateSpaces(const Config &config) {
  return config.has("d_model") && config.has("n_layer") &&
         !config.has("hidden_size");
}

/// Fields of the state-spaces repository's spelling, with its defaults.
static void readStateSpaces(MambaModel &model, Config &c) {
  c.flatten("ssm_cfg");
  model.vocabField = "vocab_size, pad_vocab_size_multiple";
  model.hiddenField = "d_model";
  model.layersField = "n_layer";
  model.tiedField = "tie_embeddings";
  std::swap(model.embeddingNames[0], model.embeddingNames[1]);

  // The embedding has rows that no token of the vocabulary uses.
  model.vocab =
      llvm::alignTo(c.getPositive("vocab_size", 50277, kMaxSize),
                    c.getPositive("pad_vocab_size_multiple", 8, kMaxSize));
  model.hidden = c.getPositive("d_model", 2560, kMaxSize);
  model.layers = c.getPositive("n_layer", 64, kMaxLayers);
  model.epsilon = 1e-5;
  model.tied = c.getBool("tie_embeddings", true);

  MambaMixer &mixer = model.mixer;
  mixer.fields = {"ssm_cfg.expand", "ssm_cfg.d_state", "ssm_cfg.d_conv",
                  "ssm_cfg.dt_rank"};
  mixer.sizes.state = c.getPositive("ssm_cfg.d_state", 16, kMaxState);
  mixer.sizes.window = c.getPositive("ssm_cfg.d_conv", 4, kMaxWindow);
  mixer.sizes.rank = c.getPositiveOrAuto("ssm_cfg.dt_rank",
                                         (model.hidden + 15) / 16, kMaxSize);
  model.setInner(c, c.getPositiveReal("ssm_cfg.expand", 2));
  mixer.projBias = c.getBool("ssm_cfg.bias", false);
  mixer.convBias = c.getBool("ssm_cfg.conv_bias", true);
  c.checkSupported();
  c.getBool("residual_in_fp32", true);

  // What that repository can do beyond the family.
  if (c.getString("ssm_cfg.layer", "Mamba1") != "Mamba1")
    c.error("ssm_cfg.layer", "\"Mamba1\"");
  if (!c.getBool("rms_norm", true))
    c.error("rms_norm", "true: layer norm is not supported");
  if (c.getNonNegative("d_intermediate", 0, kMaxSize) != 0)
    c.error("d_intermediate", "0: feed-forwards are not supported");
  if (const llvm::json::Value *layers = c.find("attn_layer_idx"))
    if (!layers->getAsArray() || !layers->getAsArray()->empty())
      c.error("attn_layer_idx", "[]: attention is not supported");
}

static LogicalResult planMamba(MLIRContext &, Config &file,
                               WeightTable &weights, ModelPlan &plan,
                               ModelInfo &info) {
  MambaModel model;
  model.kind = "mamba";
  if (isStateSpaces(file)) {
    readStateSpaces(model, file);
  } else {
    model.read(file);
    // transformers derives the width from `expand`; a file that disagrees
    // with itself is believed only where the checkpoint bears it out.
    int64_t &inner = model.mixer.sizes.inner;
    int64_t stated = file.getPositive("intermediate_size", inner, kMaxSize);
    if (stated != inner && findMambaInner(weights) == stated)
      inner = stated;
  }
  if (failed(file.result()))
    return failure();
  model.plan(file, weights, plan, info);
  return success();
}

Family mambaFamily() {
  return {"mamba",
          planMamba,
          {/*architecture=*/"mamba", /*claims=*/nullptr, readGgufMamba,
           ggufMambaNames()},
          isStateSpaces};
}

} // namespace mlir::marimba
