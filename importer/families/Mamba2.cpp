//===- Mamba2.cpp - The Mamba-2 family --------------------------*- C++ -*-===//
//
// Part of Marimba. Mamba-2: Dao and Gu 2024; every layer a state-space model
// with one decay for each head. Codestral Mamba is one of them.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/MambaModel.h"
#include "importer/families/FamilyRegistry.h"
#include "importer/gguf/GgufKeys.h"

namespace mlir::marimba {

/// Fields of the state-spaces repository's spelling, with its defaults.
static void readStateSpaces(MambaModel &model, Config &c) {
  model.readStateSpaces(c);
  Mamba2Mixer &mixer = model.mixer2.emplace();
  mixer.fields = {"ssm_cfg.expand", "ssm_cfg.headdim", "ssm_cfg.ngroups",
                  "ssm_cfg.d_state", "ssm_cfg.d_conv"};
  Mamba2Sizes &s = mixer.sizes;
  s.headDim = c.getPositive("ssm_cfg.headdim", 64, kMaxSize);
  model.mixer.fields.expand = "ssm_cfg.expand";
  model.setInner(c, c.getPositiveReal("ssm_cfg.expand", 2));
  int64_t inner = model.mixer.sizes.inner;
  if (inner % s.headDim != 0)
    c.error("ssm_cfg.headdim", "a divisor of the mixer's width, " +
                                   Twine(inner) +
                                   " (ssm_cfg.expand * d_model)");
  s.heads = std::max<int64_t>(inner / s.headDim, 1);
  readMamba2Sizes(c, mixer, /*groups=*/1, /*state=*/128);
  readStepLimit(c, s, "ssm_cfg.dt_limit");
  // Unlike transformers' class, each group of heads has a mean of its own.
  s.normGroups = c.getBool("ssm_cfg.rmsnorm", true) ? s.groups : 0;
  s.normBeforeGate = c.getBool("ssm_cfg.norm_before_gate", false);
  s.normEpsilon = 1e-5;
  mixer.inBias = mixer.outBias = c.getBool("ssm_cfg.bias", false);
  mixer.convBias = c.getBool("ssm_cfg.conv_bias", true);

  if (c.getBool("ssm_cfg.D_has_hdim", false))
    c.error("ssm_cfg.D_has_hdim", "false: D is one number a head");
  int64_t mixed = c.getPositive("ssm_cfg.d_ssm", inner, kMaxSize);
  if (mixed != inner)
    c.error("ssm_cfg.d_ssm",
            Twine(inner) + ": feed-forwards in mixers are not supported");
}

/// Fields of transformers' spelling, with its defaults.
static void readTransformers(MambaModel &model, Config &c) {
  model.readCommon(c, {/*hidden=*/4096, /*layers=*/64, /*vocab=*/32768,
                       /*tied=*/false});
  model.eosId = 2;
  model.padId = 1;
  Mamba2Mixer &mixer = model.mixer2.emplace();
  mixer.fields = {"num_heads", "head_dim", "n_groups", "state_size",
                  "conv_kernel"};
  Mamba2Sizes &s = mixer.sizes;
  s.heads = c.getPositive("num_heads", 128, kMaxSize);
  s.headDim = c.getPositive("head_dim", 64, kMaxSize);
  model.mixer.fields.expand = "expand";
  model.setInner(c, c.getPositiveReal("expand", 2));
  if (s.inner() != model.mixer.sizes.inner)
    c.error("num_heads", "num_heads * head_dim (" + Twine(s.headDim) +
                             ") to be the mixer's width, " +
                             Twine(model.mixer.sizes.inner) +
                             " (expand * hidden_size)");
  readMamba2Sizes(c, mixer, /*groups=*/8, /*state=*/128);
  readStepLimit(c, s);
  s.normEpsilon = model.epsilon;
  // Of GGUF files only.
  s.normGroups = c.getPositive("gated_norm_groups", 1, kMaxSize);
  mixer.inBias = mixer.outBias = c.getBool("use_bias", false);
  mixer.convBias = c.getBool("use_conv_bias", true);
}

static bool isStateSpacesMamba2(const Config &config) {
  if (!isStateSpaces(config))
    return false;
  const llvm::json::Value *mixer = config.find("ssm_cfg");
  const llvm::json::Object *fields = mixer ? mixer->getAsObject() : nullptr;
  return fields && fields->getString("layer") == "Mamba2";
}

static LogicalResult planMamba2(MLIRContext &, Config &file,
                                WeightTable &weights, ModelPlan &plan,
                                ModelInfo &info) {
  MambaModel model;
  model.kind = "mamba2";
  if (isStateSpaces(file))
    readStateSpaces(model, file);
  else
    readTransformers(model, file);
  if (failed(file.result()))
    return failure();
  model.plan(file, weights, plan, info);
  return success();
}

//===----------------------------------------------------------------------===//
// GGUF
//===----------------------------------------------------------------------===//

static const GgufName kInLayer[] = {
    {"attn_norm", "norm"},          {"ssm_in", "mixer.in_proj"},
    {"ssm_conv1d", "mixer.conv1d"}, {"ssm_dt.bias", "mixer.dt_bias"},
    {"ssm_a", "mixer.A"},           {"ssm_d", "mixer.D"},
    {"ssm_norm", "mixer.norm"},     {"ssm_out", "mixer.out_proj"},
};

static void readGguf(GgufFields &f) {
  readGgufMamba2(
      f, {"num_heads", "head_dim", "n_groups", "state_size", "conv_kernel"},
      "expand");
  // llama.cpp, and mamba_ssm before it, take the means group by group.
  f.copy("ssm.group_count", "gated_norm_groups");
  f.copy("attention.layer_norm_rms_epsilon", "layer_norm_epsilon");
  f.set("use_bias", f.hasTensor("blk.0.ssm_in.bias"), "blk.0.ssm_in.bias");
  f.set("use_conv_bias", f.hasTensor("blk.0.ssm_conv1d.bias"),
        "blk.0.ssm_conv1d.bias");
}

static void writeGguf(GgufKeys &k) {
  k.common();
  k.integer("feed_forward_length", 0);
  k.integer("attention.head_count", 0);
  writeGgufMamba2(
      k, {"num_heads", "head_dim", "n_groups", "state_size", "conv_kernel"});
  if (k.size("n_groups") > 1 && !isStateSpaces(k.config))
    k.notes.push_back("a GGUF file's mixers have a norm for each of n_groups, "
                      "where transformers has one for all of them");
}

Family mamba2Family() {
  return {"mamba2",
          planMamba2,
          {/*architecture=*/"mamba2", /*claims=*/nullptr, readGguf, writeGguf,
           GgufNames("backbone.layers.", kGgufBackbone, kInLayer),
           /*zeroIsNone=*/false, /*alsoCalled=*/"", /*vectorMixers=*/true},
          isStateSpacesMamba2};
}

} // namespace mlir::marimba
