//===- Sweep.h - Generated code against double, float by float --*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TEST_NUMERICS_SWEEP_H
#define MARIMBA_TEST_NUMERICS_SWEEP_H

#include "test/numerics/Functions.h"

#include <cstdint>

namespace marimba::numerics {

/// The largest error of something, and the argument that has it.
struct Worst {
  double error = 0;
  float x = 0, found = 0;
  double exact = 0;

  void add(double value, float x, float found, double exact);
  void merge(const Worst &other);
};

/// Relative errors by the magnitude of the exponent's argument: [2^k, 2^(k+1))
/// for k from -4 to 6, and all that is less first.
inline constexpr int kBinades = 12;

struct Findings {
  int64_t count = 0;
  Worst ulp;    // where the exact value is at least `smallest`
  Worst growth; // relative error by what is allowed for |x|
  Worst small;  // absolute error of the others, in units of `smallest`
  Worst byMagnitude[kBinades]; // relative error of normal numbers
  /// Results of the wrong kind: NaN or infinity for a finite value, a number
  /// for NaN, a value other than 1 for e^0.
  int64_t wrong = 0;
  Worst firstWrong;

  void merge(const Findings &other);
};

struct SweepOptions {
  /// Every so many floats of all 2^32, and, unless that is 1, all near the
  /// points where something turns.
  uint64_t stride = 4099; // a prime: all bits vary
  /// All floats from 2^-26 to 2^8 in magnitude: below, functions are straight
  /// lines, above they are done.
  bool dense = false;
  uint64_t threads = 1;
};

/// Runs the code of `function` on floats. False and `error` where it does not
/// compile or run.
bool sweep(const Function &function, const SweepOptions &options,
           Findings &findings, std::string &error);

} // namespace marimba::numerics

#endif // MARIMBA_TEST_NUMERICS_SWEEP_H
