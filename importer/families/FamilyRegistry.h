//===- FamilyRegistry.h - Which model families there are --------*- C++ -*-===//
//
// Part of Marimba. A family is one .cpp file, with all that is spelled the
// family's way: its names, the fields of config.json and their defaults, the
// names of its tensors in Hugging Face's and in other programs' checkpoints,
// and the same of GGUF files. It reads its fields, takes its weights from the
// table and plans the layers, by what blocks/ offers. To add one: write the
// file, which defines `Family xFamily()`, and add a line to Families.def.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_FAMILIES_FAMILYREGISTRY_H
#define MARIMBA_IMPORTER_FAMILIES_FAMILYREGISTRY_H

#include "importer/ModelPlan.h"
#include "importer/gguf/GgufFields.h"

namespace mlir::marimba {

/// Fills `plan` (all but name, family, weights) and the sizes and kinds of
/// `info`. Errors have been reported when it fails.
using FamilyPlanner = LogicalResult (*)(MLIRContext &context, Config &config,
                                        WeightTable &weights, ModelPlan &plan,
                                        ModelInfo &info);

struct Family {
  StringLiteral modelType; // as config.json has it
  FamilyPlanner plan;
  GgufFamily gguf;
  /// Whether a config without model_type is of this family; may be null.
  bool (*isUntyped)(const Config &config) = nullptr;
  /// The object of config.json that has the fields, those of a model with more
  /// than text; empty where they are not in one.
  StringLiteral nested = "";
};

/// All families, in the order of Families.def.
ArrayRef<Family> families();
/// Null where no family is called so.
const Family *lookupFamily(StringRef modelType);

#define FAMILY(name) Family name##Family();
#include "importer/families/Families.def"
#undef FAMILY

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_FAMILIES_FAMILYREGISTRY_H
