//===- Benchmark.h - Time of a model beside what is allowed -----*- C++ -*-===//
//
// Part of Marimba. What is measured, and what is counted, stands in
// docs/benchmarks.md.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_BENCHMARK_H
#define MARIMBA_TOOLS_LIBMARIMBA_BENCHMARK_H

#include "tools/libmarimba/Limits.h"
#include "tools/libmarimba/LoadedModel.h"
#include <cstdint>
#include <memory>
#include <string>

namespace marimba {

/// Operations of matmuls by the type that they are computed in.
struct MatmulOps {
  double f32 = 0, bf16 = 0, int8 = 0;
};

/// What a model has to do, counted from its imported module.
struct ModelWork {
  MatmulOps perToken;         // all layers; of the experts the chosen ones
  MatmulOps perLogits;        // the head, for one row
  double updatesPerToken = 0; // channels x states of all layers that scan
  /// Bytes of weights, as stored, that every call reads.
  double weightBytes = 0;
  /// Bytes of weights by the number of tokens that choose them: `share` of
  /// `expertBytes` for one token.
  double expertBytes = 0, expertShare = 0;
  double tableRowBytes = 0; // of the embedding, per token
  double stateBytes = 0;    // of one sequence, whatever its length
  double kvBytesPerToken = 0;

  /// Bytes of weights that a call with `tokens` tokens reads.
  double weightBytesFor(double tokens) const;
};

/// Counts `module`, as imported: not lowered yet.
ModelWork countWork(mlir::ModuleOp module,
                    const mlir::marimba::ModelInfo &info);

/// The seconds that the machine's limits allow.
struct AllowedTime {
  double prefill = 0; // of all tokens
  double decode = 0;  // of one token
};

/// The one definition of what is allowed (docs/benchmarks.md): prefill of
/// `tokens` tokens from an empty state, and decode with `context` tokens behind
/// it. A limit is its best measurement.
AllowedTime allowedTime(const ModelWork &work, const Limits &limits,
                        double tokens, double context);

struct BenchOptions {
  LoadOptions load;
  /// Weights are made up, even where the directory has some.
  bool randomWeights = false;
  int64_t prefill = 512, decode = 64;
  unsigned repeats = 5;
};

struct BenchResult {
  Limits limits;    // with the team that the model runs on
  Limits oneThread; // the same where that team is one thread
  bool randomWeights = false;
  unsigned threads = 1;
  Spread prefillTokensPerS, prefillEfficiency;
  Spread decodeTokensPerS, decodeWeightGbps, decodeEfficiency;
  double decodeContext = 0; // mean number of tokens behind a decoded one
  AllowedTime allowed;
  LoadTimes times;
  double peakRssMib = 0; // from loading on, without the probes' memory
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

#endif // MARIMBA_TOOLS_LIBMARIMBA_BENCHMARK_H
