//===- BenchSweep.h - marimba bench --context-sweep -------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MARIMBA_BENCHSWEEP_H
#define MARIMBA_TOOLS_MARIMBA_BENCHSWEEP_H

#include "tools/libmarimba/LoadedModel.h"

namespace marimba::driver {

/// What `bench --context-sweep` was asked for.
struct SweepRequest {
  std::string model;
  LoadOptions load;
  bool randomWeights = false, quiet = false;
  int64_t tokens = 0;
  /// Name of the results without .json and .svg, and earlier ones that come
  /// first.
  std::string output;
  std::vector<std::string> earlier;
};

/// Measures, writes both files and prints the new points. Returns the exit
/// code.
int runSweep(const SweepRequest &request);

} // namespace marimba::driver

#endif // MARIMBA_TOOLS_MARIMBA_BENCHSWEEP_H
