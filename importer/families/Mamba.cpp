//===- Mamba.cpp - The Mamba family -----------------------------*- C++ -*-===//
//
// Part of Marimba. Mamba: Gu and Dao 2023; every layer a selective state space.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/MambaModel.h"
#include "importer/families/FamilyRegistry.h"

namespace mlir::marimba {

static void readStateSpaces(MambaModel &model, Config &c) {
  model.readStateSpaces(c);
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
  if (c.getString("ssm_cfg.layer", "Mamba1") != "Mamba1")
    c.error("ssm_cfg.layer", "\"Mamba1\" or \"Mamba2\"");
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
           writeGgufMamba, ggufMambaNames()},
          isStateSpaces};
}

} // namespace mlir::marimba
