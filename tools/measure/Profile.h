//===- Profile.h - Where the time of a model goes ---------------*- C++ -*-===//
//
// Part of Marimba. What a row counts, and what is allowed for it, stands in
// docs/benchmarks.md.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MEASURE_PROFILE_H
#define MARIMBA_TOOLS_MEASURE_PROFILE_H

#include "tools/libmarimba/LoadedModel.h"
#include "tools/measure/BenchRounds.h"
#include "tools/measure/Limits.h"
#include <optional>
#include <string>
#include <vector>

namespace marimba {

/// One op of a model, in all layers of one kind.
struct ProfileRow {
  std::string function; // kind of layer, or the entry
  std::string op;       // as the importer named it; empty: outside of all ops
  std::string kind;     // which op it is: "linear"
  std::vector<std::string> with; // names of what was fused into it
  double calls = 0, seconds = 0;
  double allowed = 0;               // seconds; 0: nothing was counted
  double operations = 0, bytes = 0; // counted: OpsWork::Sizes
};

/// The fastest round of one phase.
struct ProfilePhase {
  double seconds = 0;           // the whole: the sum of all rows
  double plainSeconds = 0;      // of the fastest round of code without probes
  std::vector<ProfileRow> rows; // slowest first
};

struct Profile {
  ProfilePhase prefill; // of the prompt
  ProfilePhase decode;  // of one token, in the mean
};

/// Compiles and loads the model in `modelDir` with probes and measures it. On
/// failure returns nothing and sets `error`, as runBenchmark does.
std::optional<Profile>
runProfile(llvm::StringRef modelDir, const LoadOptions &options,
           const BenchRounds &rounds, const Limits &limits, std::string &error,
           ProgressFn progress, llvm::function_ref<bool()> keepGoing);

} // namespace marimba

#endif // MARIMBA_TOOLS_MEASURE_PROFILE_H
