//===- Costs.h - How near the end is ----------------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_GRAMMAR_COSTS_H
#define MARIMBA_RUNTIME_GRAMMAR_COSTS_H

#include "Program.h"

namespace marimba::rt::grammar {

/// No way leads to an end. Sums of real costs stay below.
constexpr uint64_t kNoEnd = uint64_t(1) << 50;

/// The fewest tokens that each part of a grammar takes where every token is a
/// single byte, or one that the grammar names: a bound that any vocabulary with
/// these tokens keeps.
class Costs {
public:
  /// `bytes`: those that are tokens by themselves. `tokenIds[I]`: the id of the
  /// program's token I, negative where the vocabulary lacks it.
  Costs(const Program &program, const ByteSet &bytes,
        const std::vector<int32_t> &tokenIds);

  /// From the element at `position` to the end of its alternative.
  uint64_t from(uint32_t position) const { return fromPosition[position]; }
  /// Of one text of the rule.
  uint64_t ofRule(uint32_t rule) const { return ofRules[rule]; }

  static uint64_t add(uint64_t a, uint64_t b) {
    return std::min(a + b, kNoEnd);
  }
  static uint64_t times(uint64_t cost, uint64_t count) {
    if (count == 0 || cost == 0)
      return 0;
    return cost >= kNoEnd / count ? kNoEnd : cost * count;
  }

private:
  uint64_t ofElement(const Element &element) const;
  bool improve(const Program &program, uint32_t rule);

  std::vector<bool> setHasByte, hasToken;
  std::vector<uint64_t> ofRules, fromPosition;
};

} // namespace marimba::rt::grammar

#endif // MARIMBA_RUNTIME_GRAMMAR_COSTS_H
