//===- FamilyRegistry.cpp - Which model families there are ------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/families/FamilyRegistry.h"

namespace mlir::marimba {

ArrayRef<Family> families() {
  static const Family table[] = {
#define FAMILY(name) name##Family(),
#include "importer/families/Families.def"
#undef FAMILY
  };
  return table;
}

const Family *lookupFamily(StringRef modelType) {
  for (const Family &family : families())
    if (family.modelType == modelType)
      return &family;
  return nullptr;
}

} // namespace mlir::marimba
