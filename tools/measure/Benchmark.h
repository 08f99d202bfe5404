//===- Benchmark.h - Time of a model beside what is allowed -----*- C++ -*-===//
//
// Part of Marimba. What is measured, and what is counted, stands in
// docs/benchmarks.md.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MEASURE_BENCHMARK_H
#define MARIMBA_TOOLS_MEASURE_BENCHMARK_H

#include "tools/libmarimba/LoadedModel.h"
#include "tools/measure/Limits.h"
#include "tools/measure/ModelWork.h"
#include "tools/measure/Profile.h"
#include <cstdint>
#include <optional>
#include <string>

namespace marimba {

struct BenchOptions {
  LoadOptions load;
  /// Weights are made up, even where the directory has some.
  bool randomWeights = false;
  BenchRounds rounds;
  /// Whether the time of each op is measured as well.
  bool profile = false;
};

struct BenchResult {
  Limits limits;    // with the team that the model runs on
  Limits oneThread; // the same where that team is one thread
  bool randomWeights = false;
  unsigned threads = 1;
  Spread prefillTokensPerS, prefillEfficiency;
  Spread decodeTokensPerS, decodeWeightGbps, decodeEfficiency;
  /// Forks and joins of a decoded token; 0 with one thread.
  double regionsPerToken = 0;
  double layers = 0;        // calls of a layer's function
  double decodeContext = 0; // mean number of tokens behind a decoded one
  AllowedTime allowed;
  LoadTimes times;
  /// Memory of the session at its end: scratch at most, keys and values of the
  /// tokens it holds, states.
  double arenaPeakMib = 0, keyValueMib = 0, stateMib = 0;
  double peakRssMib = 0; // from loading on, without the probes' memory
  std::optional<Profile> profile;
};

/// Measures the limits, loads the model in `modelDir` and measures it. False
/// and `error`, ready to be shown after "error: ", where that fails.
/// `keepGoing` is asked between calls: false ends the benchmark with `error`
/// empty. `note` hears what a person should know before the measurements.
bool runBenchmark(llvm::StringRef modelDir, const BenchOptions &options,
                  BenchResult &result, std::string &error,
                  ProgressFn progress = {},
                  llvm::function_ref<bool()> keepGoing = {},
                  llvm::function_ref<void(llvm::StringRef)> note = {});

} // namespace marimba

#endif // MARIMBA_TOOLS_MEASURE_BENCHMARK_H
