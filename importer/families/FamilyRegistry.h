//===- FamilyRegistry.h - Which model families there are --------*- C++ -*-===//
//
// Part of Marimba. A family is one .cpp file: it reads its fields of the
// config, takes its weights from the table and plans the layers. To add one:
// write Family.cpp with a `FamilyPlanner`, declare it here, add a line to the
// table in FamilyRegistry.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_FAMILIES_FAMILYREGISTRY_H
#define MARIMBA_IMPORTER_FAMILIES_FAMILYREGISTRY_H

#include "importer/ModelPlan.h"

namespace mlir::marimba {

/// Fills `plan` (all but name, family, weights) and the sizes and kinds of
/// `info`. Errors have been reported when it fails.
using FamilyPlanner = LogicalResult (*)(MLIRContext &context, Config &config,
                                        WeightTable &weights, ModelPlan &plan,
                                        ModelInfo &info);

struct Family {
  StringLiteral modelType; // as config.json has it
  FamilyPlanner plan;
};

ArrayRef<Family> families();
const Family *lookupFamily(StringRef modelType);

/// Whether the config is one of the original state-spaces repository, which
/// names no family.
bool isStateSpacesMamba(const Config &config);

LogicalResult planJamba(MLIRContext &context, Config &config,
                        WeightTable &weights, ModelPlan &plan, ModelInfo &info);
LogicalResult planMamba(MLIRContext &context, Config &config,
                        WeightTable &weights, ModelPlan &plan, ModelInfo &info);
LogicalResult planFalconMamba(MLIRContext &context, Config &config,
                              WeightTable &weights, ModelPlan &plan,
                              ModelInfo &info);
LogicalResult planLlama(MLIRContext &context, Config &config,
                        WeightTable &weights, ModelPlan &plan, ModelInfo &info);
LogicalResult planMixtral(MLIRContext &context, Config &config,
                          WeightTable &weights, ModelPlan &plan,
                          ModelInfo &info);

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_FAMILIES_FAMILYREGISTRY_H
