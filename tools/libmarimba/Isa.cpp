//===- Isa.cpp - Less than the processor has ------------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/Isa.h"

#include "marimba/Units.h"
#include "llvm/ADT/StringExtras.h"

using namespace marimba;
using namespace llvm;

bool marimba::limitToUnit(StringRef name, CompileOptions &options,
                          std::string &error) {
  if (name == StringRef(rt::kNativeUnit))
    return true;
  const rt::Unit *unit = rt::findUnit(name);
  if (!unit) {
    error = ("expected " + rt::unitNames() + ", found " + name).str();
    return false;
  }
  std::string processor = mlir::marimba::processorName(options.target);
  // Of an unknown processor making the code says what is wrong.
  if (processor.empty())
    return true;
  std::vector<std::string> features =
      mlir::marimba::processorFeatures(options.target);
  std::vector<std::string> lacking = rt::lackingFor(*unit, features);
  bool host = options.target.cpu.empty();
  if (!lacking.empty()) {
    std::string possible = rt::unitsOf(features);
    error = name.str() + ": " + (host ? "this processor, " : "") + processor +
            (host ? ", lacks " : " lacks ") + join(lacking, ", ") +
            "; expected " + possible + (possible.empty() ? "" : " or ") +
            std::string(rt::kNativeUnit);
    return false;
  }
  options.unit = unit;
  options.target.without.assign(unit->removes.begin(), unit->removes.end());
  return !host || rt::limitLibrary(*unit, error);
}
