//===- NumberRules.cpp - Numbers between two others -----------------------===//

#include "NumberRules.h"

#include "JsonRules.h"

#include <array>
#include <map>
#include <tuple>

namespace marimba::rt::grammar {

namespace {

/// Numbers that are not negative, digit by digit: as long as all digits are
/// those of a bound, the next one must not cross it.
class Magnitudes {
public:
  Magnitudes(const std::optional<NumberBound> &least,
             const std::optional<NumberBound> &most, bool isInteger,
             uint32_t divisor, RuleSet &rules)
      : least(least), most(most), isInteger(isInteger), divisor(divisor),
        rules(rules) {}

  ExprId all() {
    size_t shortest = least ? least->value.whole.size() : 0;
    size_t longest = most ? most->value.whole.size() : kMostDigits + 1;
    std::vector<ExprId> ways;
    // As many digits as a bound has: digit by digit.
    for (size_t length : {shortest, longest}) {
      if (length < 1 || length > kMostDigits || length < shortest ||
          length > longest ||
          (length == longest && length == shortest && !ways.empty()))
        continue;
      ways.push_back(
          whole({length, 0, length == shortest, length == longest, 0}));
    }
    // Any number of digits between.
    if (shortest + 1 < longest)
      ways.push_back(
          between(shortest + 1, longest - 1, {0, 0, false, false, 0}));
    return rules.choice(ways);
  }

private:
  struct Place {
    /// Digits before the point, and those that were read: of the fraction they
    /// count on.
    size_t length, at;
    /// Whether all digits so far are those of the bound.
    bool likeLeast, likeMost;
    uint32_t remainder;

    auto key() const {
      return std::tuple(length, at, likeLeast, likeMost, remainder);
    }
  };

  static int digitOf(const std::string &digits, size_t at) {
    return at < digits.size() ? digits[at] - '0' : 0;
  }

  template <typename MakeT> ExprId remembered(const Place &place, MakeT make) {
    auto [found, isNew] = known.try_emplace(place.key(), 0);
    if (isNew) {
      RuleId rule = found->second = rules.addRule("digits");
      rules.setBody(rule, make());
      return rules.rule(rule);
    }
    return rules.rule(found->second);
  }

  /// One more digit, `least` to 9, and what follows; `low` and `high` are those
  /// of the bounds.
  template <typename NextT>
  ExprId digit(const Place &place, int least, int low, int high, NextT next) {
    std::map<std::tuple<bool, bool, uint32_t>, ByteSet> steps;
    for (int value = least; value <= 9; ++value) {
      if ((place.likeLeast && value < low) || (place.likeMost && value > high))
        continue;
      steps[{place.likeLeast && value == low, place.likeMost && value == high,
             (place.remainder * 10 + static_cast<uint32_t>(value)) % divisor}]
          .set(static_cast<size_t>('0' + value));
    }
    std::vector<ExprId> ways;
    for (const auto &[step, digits] : steps)
      ways.push_back(rules.sequence(
          {rules.bytes(digits),
           next(Place{place.length, place.at + 1, std::get<0>(step),
                      std::get<1>(step), std::get<2>(step)})}));
    return rules.choice(ways);
  }

  /// `first` to `last` digits, without zeros in front.
  ExprId between(size_t first, size_t last, const Place &place) {
    auto make = [&] {
      Place ended = place;
      ended.length = place.at;
      std::vector<ExprId> ways;
      if (place.at >= first)
        ways.push_back(fraction(ended));
      if (place.at == 0 && first == 1)
        ways.push_back(rules.sequence(
            {rules.literal("0"), fraction({1, 1, false, false, 0})}));
      if (place.at < last)
        ways.push_back(
            digit(place, place.at == 0 ? 1 : 0, 0, 9, [&](const Place &next) {
              return between(first, last, next);
            }));
      return rules.choice(ways);
    };
    return place.at == 0 ? make() : remembered(place, make);
  }

  /// Exactly `length` digits.
  ExprId whole(const Place &place) {
    if (place.at == place.length)
      return fraction(place);
    return remembered(place, [&] {
      int first = place.at == 0 && place.length > 1 ? 1 : 0;
      return digit(place, first,
                   least ? digitOf(least->value.whole, place.at) : 0,
                   most ? digitOf(most->value.whole, place.at) : 9,
                   [&](const Place &next) { return whole(next); });
    });
  }

  bool mayEnd(const Place &place) const {
    size_t digits = place.at - place.length;
    auto isRestZero = [&](const Decimal &value) {
      return value.fraction.find_first_not_of('0', digits) == std::string::npos;
    };
    if (place.likeLeast && (!isRestZero(least->value) || least->isExclusive))
      return false;
    if (place.likeMost && isRestZero(most->value) && most->isExclusive)
      return false;
    return place.remainder == 0;
  }

  ExprId fraction(const Place &place) {
    ExprId end = mayEnd(place) ? rules.empty() : rules.never();
    size_t digits = place.at - place.length;
    if (isInteger || place.at >= kMostDigits)
      return end;
    return remembered(place, [&] {
      ExprId further =
          digit(place, 0, least ? digitOf(least->value.fraction, digits) : 0,
                most ? digitOf(most->value.fraction, digits) : 9,
                [&](const Place &next) { return fraction(next); });
      if (digits == 0)
        further = rules.sequence({rules.literal("."), further});
      return rules.choice({end, further});
    });
  }

  const std::optional<NumberBound> &least, &most;
  bool isInteger;
  uint32_t divisor;
  RuleSet &rules;
  std::map<std::tuple<size_t, size_t, bool, bool, uint32_t>, RuleId> known;
};

/// A bound of the absolute value: none where no number is so large.
std::optional<NumberBound> atMost(std::optional<NumberBound> bound) {
  if (bound && bound->value.whole.size() > kMostDigits)
    return std::nullopt;
  return bound;
}

} // namespace

Decimal Decimal::parse(std::string_view text) {
  Decimal result;
  if (text.starts_with('-')) {
    result.isNegative = true;
    text.remove_prefix(1);
  }
  size_t point = std::min(text.find('.'), text.size());
  result.whole = text.substr(0, point);
  result.fraction = text.substr(std::min(point + 1, text.size()));
  result.whole.erase(
      0, std::min(result.whole.find_first_not_of('0'), result.whole.size()));
  if (result.whole.empty())
    result.whole = "0";
  if (result.isZero())
    result.isNegative = false;
  return result;
}

bool Decimal::isZero() const {
  return whole == "0" && fraction.find_first_not_of('0') == std::string::npos;
}

ExprId numbersIn(const NumberRange &range, RuleSet &rules) {
  std::vector<ExprId> ways;
  const auto &least = range.least, &most = range.most;
  bool isInteger = range.isInteger || range.divisor > 1;
  if (!most || !most->value.isNegative) {
    std::optional<NumberBound> from = least;
    if (from && from->value.isNegative)
      from.reset();
    std::optional<NumberBound> to = atMost(most);
    ways.push_back(Magnitudes(from, to, isInteger, range.divisor, rules).all());
  }
  if (!least || least->value.isNegative) {
    std::optional<NumberBound> from = NumberBound{{}, true};
    if (most && most->value.isNegative)
      from = most;
    std::optional<NumberBound> to = atMost(least);
    ways.push_back(rules.sequence(
        {rules.literal("-"),
         Magnitudes(from, to, isInteger, range.divisor, rules).all()}));
  }
  return rules.choice(ways);
}

} // namespace marimba::rt::grammar
