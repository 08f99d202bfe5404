//===- FalconMamba.cpp - The FalconMamba family -----------------*- C++ -*-===//
//
// Part of Marimba. FalconMamba: Zuo et al. 2024; Mamba with RMS norms of dt, B
// and C that have no weights.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/MambaModel.h"
#include "importer/families/FamilyRegistry.h"

namespace mlir::marimba {

static LogicalResult planFalconMamba(MLIRContext &, Config &file,
                                     WeightTable &weights, ModelPlan &plan,
                                     ModelInfo &info) {
  MambaModel model;
  model.kind = "falcon_mamba";
  model.read(file);
  model.mixer.sizes.innerNorms = true;
  model.mixer.sizes.normEpsilon = file.getPositiveReal("mixer_rms_eps", 1e-6);
  // falcon-mamba-7b says expand 16 and means 2: its intermediate_size is
  // right. Only a checkpoint that has the other width overrules it.
  int64_t &inner = model.mixer.sizes.inner;
  int64_t stated = file.getPositive("intermediate_size", inner, kMaxSize);
  if (stated != inner && findMambaInner(weights) != inner) {
    inner = stated;
    model.mixer.fields.expand = "intermediate_size";
  }
  if (failed(file.result()))
    return failure();
  model.plan(file, weights, plan, info);
  return success();
}

/// Files say that dt, B and C have norms.
static bool claimsGguf(const GgufFile &file) {
  return file.getBool("mamba.ssm.dt_b_c_rms").value_or(false);
}

Family falconMambaFamily() {
  return {"falcon_mamba",
          planFalconMamba,
          {/*architecture=*/"mamba", claimsGguf, readGgufMamba, writeGgufMamba,
           ggufMambaNames()}};
}

} // namespace mlir::marimba
