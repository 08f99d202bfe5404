//===- ContextSweep.h - Time and memory against the context -----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MEASURE_CONTEXTSWEEP_H
#define MARIMBA_TOOLS_MEASURE_CONTEXTSWEEP_H

#include "tools/libmarimba/LoadedModel.h"
#include "llvm/Support/JSON.h"

namespace marimba {

/// What was measured where a sequence had `tokens` tokens.
struct SweepPoint {
  int64_t tokens = 0;
  double readSeconds = 0;   // a token, of those since the point before; median
  double decodeSeconds = 0; // a token more, one at a time; median
  int64_t keyValueBytes = 0;
  int64_t residentBytes = 0; // of the process
};

/// Tokens at each end of a context whose times are compared.
constexpr int64_t kSweepEnd = 16384;

/// The points of one model.
struct SweepSeries {
  std::string model;
  std::vector<SweepPoint> points;
  /// A token's time in the first and in the last kSweepEnd tokens; medians, 0
  /// where the context is shorter than both.
  double firstSeconds = 0, lastSeconds = 0;
  /// The most that the process held.
  int64_t peakBytes = 0;
};

/// Reads one long sequence, with points at 256 tokens, 512 and so on, and at
/// `tokens`. `keepGoing` is asked between pieces; false ends it as a failure.
/// Nothing and `error` on failure.
std::optional<SweepSeries> sweepContext(LoadedModel &model, int64_t tokens,
                                        std::string &error, ProgressFn progress,
                                        llvm::function_ref<bool()> keepGoing);

/// {"series": [{"model", "points": [{"tokens", "read_s", "decode_s",
/// "kv_bytes", "resident_bytes"}], "first_16k_s", "last_16k_s",
/// "peak_bytes"}]}; the two times only where they were measured.
llvm::json::Value toJson(llvm::ArrayRef<SweepSeries> series);
/// The inverse; nothing and `error`, which begins with `path`, where `text` is
/// not that.
std::optional<std::vector<SweepSeries>>
parseSweep(llvm::StringRef text, llvm::StringRef path, std::string &error);

/// A drawing: time of a token and memory, both against the context.
std::string plotSweep(llvm::ArrayRef<SweepSeries> series);

} // namespace marimba

#endif // MARIMBA_TOOLS_MEASURE_CONTEXTSWEEP_H
