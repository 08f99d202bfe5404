//===- SchemaValues.cpp - Numbers, texts and lists of schemas -------------===//

#include "NumberRules.h"
#include "PatternRules.h"
#include "SchemaCompiler.h"
#include "SchemaFormats.h"

#include "marimba/formats/JsonText.h"
#include "marimba/formats/Message.h"

#include <algorithm>
#include <bit>
#include <charconv>

namespace marimba::rt::grammar {

namespace {

Decimal decimalOf(const Json &number) {
  if (number.is_number_integer())
    return Decimal::parse(number.dump());
  // The shortest that reads back the same, without an exponent.
  char buffer[2048];
  auto end = std::to_chars(buffer, std::end(buffer), number.get<double>(),
                           std::chars_format::fixed);
  return Decimal::parse(std::string_view(buffer, end.ptr));
}

/// The tighter one of a bound and an exclusive one.
std::optional<NumberBound> boundOf(const FlatSchema &flat, const char *keyword,
                                   const char *exclusive, bool isLeast) {
  const Json *including = flat.find(keyword), *excluding = flat.find(exclusive);
  bool usesExclusive =
      excluding &&
      (!including ||
       (isLeast ? excluding->get<double>() >= including->get<double>()
                : excluding->get<double>() <= including->get<double>()));
  const Json *bound = usesExclusive ? excluding : including;
  if (!bound)
    return std::nullopt;
  return NumberBound{decimalOf(*bound), usesExclusive};
}

/// The most distinct values of a list whose elements must differ.
constexpr size_t kLargestSet = 8;

} // namespace

ExprId SchemaCompiler::compileNumber(const FlatSchema &flat, bool isInteger) {
  NumberRange range;
  range.isInteger = isInteger;
  range.least = boundOf(flat, "minimum", "exclusiveMinimum", true);
  range.most = boundOf(flat, "maximum", "exclusiveMaximum", false);
  if (const Json *factor = flat.find("multipleOf")) {
    auto divisor = asInteger(nlohmann::json(*factor));
    if (!divisor || *divisor < 1 || *divisor > kLargestDivisor)
      throw SchemaError(flat.where + "/multipleOf",
                        "is " + printJson(nlohmann::json(*factor)) +
                            ", supported: integers from 1 to " +
                            std::to_string(kLargestDivisor));
    range.divisor = static_cast<uint32_t>(*divisor);
    range.isInteger = true;
  }
  if (range.least && range.least->value.whole.size() > kMostDigits &&
      !range.least->value.isNegative)
    throw SchemaError(flat.where, "has numbers above " +
                                      range.least->value.whole +
                                      ", supported: of at most " +
                                      std::to_string(kMostDigits) + " digits");
  if (range.most && range.most->value.whole.size() > kMostDigits &&
      range.most->value.isNegative)
    throw SchemaError(flat.where, "has numbers below -" +
                                      range.most->value.whole +
                                      ", supported: of at most " +
                                      std::to_string(kMostDigits) + " digits");
  if (!range.least && !range.most && range.divisor == 1)
    return range.isInteger ? json.integer() : json.number();
  return numbersIn(range, rules);
}

ExprId SchemaCompiler::compileText(const FlatSchema &flat) {
  std::string pattern;
  std::string keyword = "pattern";
  if (const Json *given = flat.find("pattern"))
    pattern = given->get<std::string>();
  if (const Json *format = flat.find("format")) {
    auto name = format->get<std::string>();
    std::string form = patternOfFormat(name);
    if (form.empty() && isSpecifiedFormat(name))
      throw SchemaError(flat.where + "/format",
                        "is " + formats::quotedName(name) +
                            ", supported: date, time, date-time, duration, "
                            "email, hostname, ipv4, ipv6, uuid, uri");
    if (!form.empty() && flat.has("pattern"))
      throw SchemaError(flat.where + "/format",
                        "is not supported beside pattern");
    if (!form.empty()) {
      pattern = form;
      keyword = "format";
    }
  }
  uint32_t least = flat.count("minLength").value_or(0);
  std::optional<uint32_t> most = flat.count("maxLength");
  if (most && least > *most)
    return rules.never();
  if (pattern.empty())
    return json.text(least, most);
  std::string problem;
  std::optional<ExprId> inside =
      textsWithPattern(pattern, least, most, json, rules, problem);
  if (!inside)
    throw SchemaError(flat.where + "/" + keyword, problem);
  return json.quoted(*inside);
}

ExprId SchemaCompiler::compileArray(const FlatSchema &flat, int depth) {
  uint32_t least = flat.count("minItems").value_or(0);
  uint32_t most =
      flat.count("maxItems").value_or(std::max(least, json.mostItems()));
  const Json *unique = flat.find("uniqueItems");
  if (unique && unique->get<bool>() && most > 1)
    return compileSet(flat, least, most);
  const Json none = Json::array(), anything = true;
  const Json *given = flat.find("prefixItems"), *rest = flat.find("items");
  const Json &first = given ? *given : none;
  bool isOpen = !given && !rest;
  if (isOpen && depth < 1)
    return least == 0 ? rules.literal("[]") : rules.never();
  ExprId item = 0;
  if (isOpen)
    item = json.value(depth - 1);
  else if (first.empty() || rest)
    item = compile(rest ? *rest : anything, flat.where + "/items", depth);
  else
    // Behind a prefix anything may stand; nothing does.
    most = std::min<uint32_t>(
        most, std::max<uint32_t>(least, uint32_t(first.size())));
  if (!rest && least > first.size())
    item = json.value(depth);
  if (first.empty())
    return json.list('[', item, least, most, ']');
  if (least > most)
    return rules.never();
  // From the end: what may follow so many elements.
  auto prefix = static_cast<uint32_t>(std::min<size_t>(first.size(), most));
  ExprId further = rules.sequence({json.comma(), item, json.space()});
  ExprId tail = rules.empty();
  if (most > prefix)
    tail = rules.repeat(further, least > prefix ? least - prefix : 0,
                        most - prefix);
  for (uint32_t i = prefix; i-- > 0;) {
    ExprId element = compile(
        first[i], flat.where + "/prefixItems/" + std::to_string(i), depth);
    tail = rules.sequence(
        {i > 0 ? json.comma() : rules.empty(), element, json.space(), tail});
    if (i >= least)
      tail = rules.optional(tail);
  }
  return rules.sequence(
      {rules.literal("["), json.space(), tail, rules.literal("]")});
}

/// A list of some constants, each once: a rule for each set of those that are
/// left.
ExprId SchemaCompiler::compileSet(const FlatSchema &flat, uint32_t least,
                                  uint32_t most) {
  auto fail = [&]() -> SchemaError {
    return {flat.where + "/uniqueItems",
            "is supported for at most one element, and for items that are an "
            "enum of at most " +
                std::to_string(kLargestSet) + " values"};
  };
  const Json *items = flat.find("items");
  if (!items || flat.has("prefixItems"))
    throw fail();
  std::vector<ExprId> values;
  Json seen = Json::array(); // 1 and 1.0 are the same
  for (const FlatSchema &way : reader.read(*items, flat.where + "/items")) {
    const Json *list = way.find("enum");
    if (!list)
      throw fail();
    for (const Json &value : *list)
      if (fitsBesides(value, way) && !contains(seen, value)) {
        if (seen.size() >= kLargestSet)
          throw fail();
        seen.push_back(value);
        values.push_back(rules.literal(value.dump()));
      }
  }
  std::vector<RuleId> sets;
  for (size_t set = 0; set < size_t(1) << values.size(); ++set)
    sets.push_back(rules.addRule("set"));
  for (size_t set = 0; set < sets.size(); ++set) {
    auto count = static_cast<uint32_t>(std::popcount(set));
    std::vector<ExprId> ways;
    if (count >= least)
      ways.push_back(rules.empty());
    for (size_t i = 0; i < values.size() && count < most; ++i)
      if (!(set >> i & 1))
        ways.push_back(rules.sequence(
            {count > 0 ? json.comma() : rules.empty(), values[i], json.space(),
             rules.rule(sets[set | size_t(1) << i])}));
    rules.setBody(sets[set], rules.choice(ways));
  }
  return rules.sequence({rules.literal("["), json.space(), rules.rule(sets[0]),
                         rules.literal("]")});
}

} // namespace marimba::rt::grammar
