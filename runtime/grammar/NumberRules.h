//===- NumberRules.h - Numbers between two others ---------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_GRAMMAR_NUMBERRULES_H
#define MARIMBA_RUNTIME_GRAMMAR_NUMBERRULES_H

#include "Rules.h"

#include <optional>

namespace marimba::rt::grammar {

/// Decimal digits: `whole` without zeros in front, "0" at least.
struct Decimal {
  bool isNegative = false;
  std::string whole = "0", fraction;

  /// Of "-12.5", "3", without exponent.
  static Decimal parse(std::string_view text);
  bool isZero() const;
};

struct NumberBound {
  Decimal value;
  bool isExclusive = false;
};

struct NumberRange {
  std::optional<NumberBound> least, most;
  bool isInteger = false;
  /// The number is a multiple of it, then an integer; 1: of none.
  uint32_t divisor = 1;
};

/// Of NumberRange::divisor.
constexpr uint32_t kLargestDivisor = 1000;

/// Numbers of a range without an exponent, of kMostDigits digits at most: what
/// a double tells apart, so that no bound is crossed by rounding.
ExprId numbersIn(const NumberRange &range, RuleSet &rules);

} // namespace marimba::rt::grammar

#endif // MARIMBA_RUNTIME_GRAMMAR_NUMBERRULES_H
