//===- main.cpp - How exact the generated exponentials are ----------------===//
//
// Part of Marimba. Compiles each function as models are compiled, runs it over
// floats and holds the results against double and against the bounds in
// Functions.cpp, which docs/numerics.md repeats.
//
//   marimba-numerics [--stride N] [--dense] [--threads N] [--only NAME]
//                    [--magnitudes]
//
// --stride 1 takes all 2^32 floats: some minutes for each function.
//
//===----------------------------------------------------------------------===//

#include "test/numerics/Sweep.h"
#include "tools/measure/Limits.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <optional>

using namespace marimba::numerics;
using namespace llvm;

namespace {
struct Options {
  SweepOptions sweep;
  StringRef only;
  bool magnitudes = false;
};
} // namespace

static int fail(const Twine &message) {
  errs() << "error: " << message << '\n';
  return 1;
}

static std::optional<Options> parse(int argc, char **argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    StringRef flag = argv[i];
    StringRef value = i + 1 < argc ? argv[i + 1] : "";
    auto number = [&](uint64_t &into, uint64_t most) {
      ++i;
      if (!value.getAsInteger(10, into) && into >= 1 && into <= most)
        return true;
      fail(flag + ": expected a number, 1 to " + Twine(most) + ", found '" +
           value + "'");
      return false;
    };
    if (flag == "--magnitudes") {
      options.magnitudes = true;
    } else if (flag == "--dense") {
      options.sweep.dense = true;
    } else if (flag == "--only") {
      options.only = value;
      ++i;
    } else if (flag == "--stride" || flag == "--threads") {
      bool stride = flag == "--stride";
      if (!number(stride ? options.sweep.stride : options.sweep.threads,
                  stride ? UINT32_MAX : 1024))
        return std::nullopt;
    } else {
      fail("expected --stride N, --dense, --threads N, --only NAME or "
           "--magnitudes, found '" +
           flag + "'");
      return std::nullopt;
    }
  }
  return options;
}

static void printWorst(const Worst &worst) {
  outs() << format(" at %.9g: %.9g, exact %.12g\n",
                   static_cast<double>(worst.x),
                   static_cast<double>(worst.found), worst.exact);
}

/// Prints what was found; false where a bound does not hold.
static bool report(const Function &function, const Findings &f,
                   bool magnitudes) {
  outs() << function.name << ' ' << function.route << ": " << f.count
         << " results\n";
  bool good = f.wrong == 0;
  auto row = [&](StringRef what, const Worst &worst, double bound) {
    bool holds = worst.error <= bound;
    good &= holds;
    outs() << "  " << what << format(" %.4g", worst.error)
           << format(", bound %.4g", bound) << (holds ? "" : " EXCEEDED");
    printWorst(worst);
  };
  if (function.relative)
    row("share of the relative error allowed", f.growth, 1);
  else
    row("units in the last place", f.ulp, function.maxUlp);
  if (function.smallest)
    row("error below the smallest, in units of it", f.small, 1);
  if (f.wrong) {
    outs() << "  " << f.wrong << " results of the wrong kind, the first";
    printWorst(f.firstWrong);
  }
  for (int i = 0; magnitudes && i < kBinades; ++i) {
    outs() << format("  |x| < 2^%d: relative error %.4g", i - 4,
                     f.byMagnitude[i].error);
    printWorst(f.byMagnitude[i]);
  }
  outs().flush();
  return good;
}

/// The exponential whose rate `marimba bench` takes for a limit: what it stands
/// for is one of degree 5 that is off by 2e-7 at most (from -10 to 1).
static bool checkProbe() {
  std::string error;
  std::unique_ptr<marimba::LimitProbes> probes =
      marimba::LimitProbes::create({}, error);
  if (!probes) {
    fail("exp limit: " + error);
    return false;
  }
  constexpr double bound = 2e-7;
  Worst worst;
  for (int i = -1000; i <= 100; ++i) {
    float x = static_cast<float>(i) / 100;
    float found = probes->exp(x);
    double exact = std::exp(static_cast<double>(x));
    worst.add(std::abs(static_cast<double>(found) - exact) / exact, x, found,
              exact);
  }
  bool good = worst.error > 0 && worst.error <= bound;
  outs() << "exp limit: 1101 results\n  relative error"
         << format(" %.4g, bound %.4g", worst.error, bound)
         << (good ? "" : " EXCEEDED");
  printWorst(worst);
  return good;
}

int main(int argc, char **argv) {
  std::optional<Options> options = parse(argc, argv);
  if (!options)
    return 1;
  bool good = true;
  unsigned measured = 0;
  for (const Function &function : functions()) {
    if (!options->only.empty() && options->only != function.name)
      continue;
    ++measured;
    Findings findings;
    std::string error;
    if (!sweep(function, options->sweep, findings, error))
      return fail(function.name + " " + function.route + ": " + error);
    good &= report(function, findings, options->magnitudes);
  }
  if (!measured)
    return fail("--only: expected the name of a function, found '" +
                options->only + "'");
  if (options->only.empty())
    good &= checkProbe();
  if (!good)
    return fail("a result is farther off than its bound");
  outs() << measured << " functions within their bounds\n";
  return 0;
}
