//===- Limits.h - What the machine can do at best ---------------*- C++ -*-===//
//
// Part of Marimba. Small loops that do nothing but multiply, read memory or
// compute exponentials: what results are held against (docs/benchmarks.md).
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MEASURE_LIMITS_H
#define MARIMBA_TOOLS_MEASURE_LIMITS_H

#include "lowering/Target/Target.h"
#include <memory>
#include <string>
#include <vector>

namespace marimba {

/// Lowest, middle and highest of several measurements.
struct Spread {
  double min = 0, median = 0, max = 0;

  /// Of `samples`; zeros where there are none.
  static Spread of(std::vector<double> samples);
};

/// The route of types that are multiplied as f32.
inline constexpr const char *kF32Route = "f32 fma";

/// Rates in units of 10^9 a second.
struct Limits {
  unsigned threads = 1;
  Spread f32Gflops; // fused multiply-adds count as two
  // By the fastest instructions that there are, see the routes: what has none
  // of its own is widened to f32. With tiles, of operands that come from the
  // second-level cache.
  Spread bf16Gflops, int8Gops;
  Spread int4Gops; // codes of 4 bits by bytes
  /// The same tiles with operands that stay in them; zeros without tiles.
  Spread bf16TilesGflops, int8TilesGops;
  Spread dramReadGbps;
  Spread expGops;
  const char *bf16Route = kF32Route, *int8Route = kF32Route;
  const char *int4Route = kF32Route;
};

/// How much time the probes may take. Samples are short, so that some of them
/// are undisturbed on a busy machine.
struct ProbeOptions {
  /// The most memory that reads are measured in.
  static constexpr int64_t kMostReadBytes = int64_t(1) << 30;

  unsigned repeats = 31;
  double secondsPerSample = 0.003;
  unsigned readRepeats = 7; // passes over memory
};

/// The probes: modules of MLIR, compiled once by the compiler itself, and,
/// where the processor has tiles, the loops of TileProbes.h.
class LimitProbes {
public:
  /// Null and `error` where a probe does not compile.
  static std::unique_ptr<LimitProbes>
  create(const mlir::marimba::TargetOptions &target, std::string &error);
  ~LimitProbes();

  /// Measures with the runtime's own team of `threads`, bound as it is while a
  /// model runs. False and `error` where memory is short.
  bool measure(unsigned threads, const ProbeOptions &options, Limits &limits,
               std::string &error);

  /// Only the rate of exponentials.
  bool measureExp(unsigned threads, const ProbeOptions &options,
                  Spread &gopsPerSecond, std::string &error);

  /// What the exponential of the probe makes of `x`: to test its accuracy.
  float exp(float x) const;

private:
  struct Impl;
  explicit LimitProbes(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace marimba

#endif // MARIMBA_TOOLS_MEASURE_LIMITS_H
