//===- Functions.h - What is measured, and how far off it may be *- C++ -*-===//
//
// Part of Marimba. The functions of docs/numerics.md.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TEST_NUMERICS_FUNCTIONS_H
#define MARIMBA_TEST_NUMERICS_FUNCTIONS_H

#include "test/numerics/Kernel.h"

namespace marimba::numerics {

struct Function {
  std::string name;
  /// Where the code comes from: "general" is what --approximate-math makes of
  /// an op of math, "kernel" what a fused op computes inside.
  std::string route;
  ModuleSpec module;
  double (*exact)(double x);
  /// Rows of the output, and the factor of x in each; empty: one row of x.
  std::vector<float> factors;
  /// Units in the last place that a result may be off where its exact value is
  /// at least `smallest`; where it is less, the result may be anything that is
  /// no more than `smallest`.
  double maxUlp = 0;
  double smallest = 0;
  /// Instead of units, where the error grows with x: relative error of at most
  /// relative + growth |x|.
  double relative = 0, growth = 0;
  /// Whether a NaN comes out of every NaN, or only of one whose last nine bits
  /// are zero (those that arithmetic makes, and all that come from bf16 or
  /// f16).
  bool everyNaN = true;
  /// Whether infinities belong to the domain.
  bool infinities = true;
};

const std::vector<Function> &functions();

} // namespace marimba::numerics

#endif // MARIMBA_TEST_NUMERICS_FUNCTIONS_H
