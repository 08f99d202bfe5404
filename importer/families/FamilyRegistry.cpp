//===- FamilyRegistry.cpp - Which model families there are ------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/families/FamilyRegistry.h"

namespace mlir::marimba {

static const Family kFamilies[] = {
    {"jamba", planJamba},
    {"mamba", planMamba},
    {"falcon_mamba", planFalconMamba},
    {"llama", planLlama},
    {"mixtral", planMixtral},
};

ArrayRef<Family> families() { return kFamilies; }

const Family *lookupFamily(StringRef modelType) {
  for (const Family &family : kFamilies)
    if (family.modelType == modelType)
      return &family;
  return nullptr;
}

} // namespace mlir::marimba
