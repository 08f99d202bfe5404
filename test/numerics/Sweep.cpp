//===- Sweep.cpp - Generated code against double, float by float ----------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "test/numerics/Sweep.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <mutex>
#include <thread>

using namespace marimba::numerics;

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

void Worst::add(double value, float x, float found, double exact) {
  if (value > error)
    *this = {value, x, found, exact};
}

void Worst::merge(const Worst &other) {
  if (other.error > error)
    *this = other;
}

void Findings::merge(const Findings &other) {
  count += other.count;
  ulp.merge(other.ulp);
  growth.merge(other.growth);
  small.merge(other.small);
  for (int i = 0; i < kBinades; ++i)
    byMagnitude[i].merge(other.byMagnitude[i]);
  wrong += other.wrong;
  firstWrong.merge(other.firstWrong);
}

/// The exponent of a positive normal double: that of the power of two below.
static int exponentOf(double value) {
  return static_cast<int>(std::bit_cast<uint64_t>(value) >> 52) - 1023;
}

/// How many floats, denormal ones included, are between `exact` and a value
/// that is `error` off.
static double unitsInTheLastPlace(double error, double exact) {
  int exponent = std::max(exponentOf(std::abs(exact)), -126);
  return error * std::bit_cast<double>(uint64_t(1023 + 23 - exponent) << 52);
}

namespace {
/// Holds results of one function against their exact values.
class Judge {
public:
  Judge(const Function &function, Findings &findings)
      : function(function), findings(findings) {}

  /// Whether `x` is in the function's domain.
  bool takes(float x) const {
    if (std::isnan(x))
      return function.everyNaN || !(std::bit_cast<uint32_t>(x) & 0x1ff);
    return function.infinities || !std::isinf(x);
  }

  void add(float x, float factor, float found) {
    ++findings.count;
    double argument = static_cast<double>(x) * static_cast<double>(factor);
    double exact = function.exact(argument);
    if (std::isnan(exact) || std::isnan(found)) {
      if (std::isnan(exact) != std::isnan(found))
        wrong(x, found, exact);
      return;
    }
    // What rounds to infinity; half of the last place above the largest float.
    constexpr double overflow = 0x1.ffffffp127;
    if (std::abs(exact) >= overflow || std::isinf(found)) {
      bool same = std::abs(exact) >= overflow && std::isinf(found) &&
                  std::signbit(exact) == std::signbit(found);
      // Where the exact value is close, the largest float may come out.
      if (!same && (std::isinf(found) || std::abs(exact) > 0x1.0001p128))
        wrong(x, found, exact);
      return;
    }
    double error = std::abs(static_cast<double>(found) - exact);
    if (argument == 0 && exact == 1 && found != 1)
      return wrong(x, found, exact);
    // Only exponentials of negative numbers underflow.
    bool underflows = argument < -1 && std::abs(exact) < function.smallest;
    if (underflows && std::abs(exact) < function.smallest / 2 && found != 0)
      return wrong(x, found, exact);
    if (underflows)
      return findings.small.add(error / function.smallest, x, found, exact);
    if (exact == 0) // below what double can hold
      return found == 0 ? void() : wrong(x, found, exact);
    findings.ulp.add(unitsInTheLastPlace(error, exact), x, found, exact);
    if (std::abs(exact) < 0x1p-126)
      return;
    double magnitude = std::abs(argument);
    double relative = error / std::abs(exact);
    if (function.relative)
      findings.growth.add(relative /
                              (function.relative + function.growth * magnitude),
                          x, found, exact);
    findings.byMagnitude[std::clamp(exponentOf(magnitude) + 5, 0, kBinades - 1)]
        .add(relative, x, found, exact);
  }

private:
  void wrong(float x, float found, double exact) {
    if (!findings.wrong++)
      findings.firstWrong = {1, x, found, exact};
  }

  const Function &function;
  Findings &findings;
};

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

/// Points at which a function, its code or the format turns.
constexpr float kPoints[] = {
    0.0f,       0x1p-149f,  0x1p-126f, 1e-20f,     0x1p-24f, 0.3465736f,
    0.5f,       0.6931472f, 1.0f,      1.0397208f, 10.0f,    20.0f,
    63.5f,      64.0f,      86.6434f,  87.33655f,  87.6832f, 88.0f,
    88.02969f,  88.37626f,  88.72284f, 89.0f,      91.9f,    100.0f,
    103.27893f, 103.97208f, 104.0f,    126.0f,     126.5f,   127.0f,
    127.5f,     128.0f,     149.0f,    150.0f,     1e10f,    0x1p127f,
    INFINITY,   NAN};

/// Floats by their bits, given out in blocks, to threads.
class Arguments {
public:
  explicit Arguments(const SweepOptions &options) {
    constexpr uint64_t all = uint64_t(1) << 32;
    ranges.push_back({0, all / options.stride + 1, options.stride});
    if (options.dense)
      for (float sign : {1.0f, -1.0f})
        ranges.push_back({bitsOf(std::copysign(0x1p-26f, sign)),
                          bitsOf(0x1p8f) - bitsOf(0x1p-26f), 1});
    if (options.stride > 1)
      for (float point : kPoints)
        for (float sign : {1.0f, -1.0f})
          ranges.push_back(
              {bitsOf(std::copysign(point, sign)) - kBlock / 2, kBlock, 1});
  }

  /// Fills `x` with the next kBlock arguments; false where there are none.
  bool next(float *x) {
    uint64_t block = taken++;
    for (const Range &range : ranges) {
      uint64_t blocks = (range.count + kBlock - 1) / kBlock;
      if (block >= blocks) {
        block -= blocks;
        continue;
      }
      for (uint64_t i = 0; i < kBlock; ++i)
        x[i] = std::bit_cast<float>(static_cast<uint32_t>(
            range.first + (block * kBlock + i) * range.step));
      return true;
    }
    return false;
  }

private:
  struct Range {
    uint64_t first, count, step;
  };
  static uint64_t bitsOf(float x) { return std::bit_cast<uint32_t>(x); }

  std::vector<Range> ranges;
  std::atomic<uint64_t> taken = 0;
};
} // namespace

//===----------------------------------------------------------------------===//
// The sweep
//===----------------------------------------------------------------------===//

static void sweepBlocks(const Function &function, const Code &code,
                        Arguments &arguments, Findings &findings,
                        std::string &error) {
  std::unique_ptr<Caller> caller = Caller::create(code, error);
  if (!caller)
    return;
  Judge judge(function, findings);
  std::vector<float> x(kBlock);
  std::vector<float> factors = function.factors;
  if (factors.empty())
    factors.push_back(1);
  while (arguments.next(x.data())) {
    std::copy(x.begin(), x.end(), caller->input());
    const float *found = caller->run(error);
    if (!found)
      return;
    for (size_t row = 0; row < factors.size(); ++row)
      for (size_t i = 0; i < x.size(); ++i)
        if (judge.takes(x[i]))
          judge.add(x[i], factors[row], found[row * kBlock + i]);
  }
}

bool marimba::numerics::sweep(const Function &function,
                              const SweepOptions &options, Findings &findings,
                              std::string &error) {
  std::unique_ptr<Code> code = Code::compile(
      function.module, function.name + "-" + function.route, error);
  if (!code)
    return false;
  Arguments arguments(options);
  std::mutex mutex;
  auto work = [&] {
    Findings mine;
    std::string problem;
    sweepBlocks(function, *code, arguments, mine, problem);
    std::lock_guard<std::mutex> lock(mutex);
    findings.merge(mine);
    if (!problem.empty())
      error = problem;
  };
  std::vector<std::thread> others;
  for (unsigned i = 1; i < options.threads; ++i)
    others.emplace_back(work);
  work();
  for (std::thread &other : others)
    other.join();
  return error.empty();
}
