//===- JsonRules.cpp - JSON as rules --------------------------------------===//

#include "JsonRules.h"

namespace marimba::rt::grammar {

namespace {

constexpr uint32_t kMostIndent = 20;
constexpr int64_t kMostCount = 1 << 24;
constexpr CodeRange kControls{0, 0x1F};

ExprId digits(RuleSet &rules, char first, uint32_t least, uint32_t most) {
  CodeRange range{static_cast<char32_t>(first), '9'};
  return rules.repeat(rules.characters({&range, 1}), least, most);
}

} // namespace

std::string checkSchemaOptions(const SchemaOptions &options) {
  if (options.maxDepth < 1 || options.maxDepth > 64)
    return "maxDepth is " + std::to_string(options.maxDepth) +
           ", allowed: 1 to 64";
  if (options.maxStringLength < 0 || options.maxStringLength > kMostCount)
    return "maxStringLength is " + std::to_string(options.maxStringLength) +
           ", allowed: 0 to " + std::to_string(kMostCount);
  if (options.maxItems < 0 || options.maxItems > kMostCount)
    return "maxItems is " + std::to_string(options.maxItems) +
           ", allowed: 0 to " + std::to_string(kMostCount);
  return {};
}

JsonRules::JsonRules(RuleSet &rules, const SchemaOptions &options)
    : rules(rules), options(options) {
  std::vector<CodeRange> indent = {{' ', ' '}, {'\t', '\t'}};
  spaceRule = rules.addRule(
      "space",
      rules.choice({rules.empty(), rules.literal(" "),
                    rules.sequence({rules.literal("\n"),
                                    rules.repeat(rules.characters(indent), 0,
                                                 kMostIndent)})}));
  std::vector<CodeRange> all = {{0, kLastCodePoint}};
  std::vector<CodeRange> hex = {{'0', '9'}, {'a', 'f'}, {'A', 'F'}};
  std::vector<CodeRange> notD = {
      {'0', '9'}, {'a', 'c'}, {'e', 'f'}, {'A', 'C'}, {'E', 'F'}};
  ExprId digit = rules.characters(hex);
  std::vector<CodeRange> low = {{'0', '7'}};
  // A half of a surrogate pair is no character: those stand for themselves.
  ExprId unicode = rules.choice(
      {rules.sequence({rules.characters(notD), digit}),
       rules.sequence({rules.oneOf({"d", "D"}), rules.characters(low)})});
  characterRule = rules.addRule(
      "character",
      rules.choice(
          {rules.characters(
               without(all, {kControls, {'"', '"'}, {'\\', '\\'}})),
           rules.sequence(
               {rules.literal("\\"),
                rules.oneOf({"\"", "\\", "/", "b", "f", "n", "r", "t"})}),
           rules.sequence({rules.literal("\\u"), unicode, digit, digit})}));
  integerRule = rules.addRule(
      "integer",
      rules.sequence(
          {rules.optional(rules.literal("-")),
           rules.choice(
               {rules.literal("0"),
                rules.sequence({digits(rules, '1', 1, 1),
                                digits(rules, '0', 0, kMostDigits - 1)})})}));
  // At most 1e114: a double has it.
  ExprId fraction =
      rules.sequence({rules.literal("."), digits(rules, '0', 1, kMostDigits)});
  ExprId exponent = rules.sequence({rules.oneOf({"e", "E"}),
                                    rules.optional(rules.oneOf({"+", "-"})),
                                    digits(rules, '0', 1, 2)});
  numberRule =
      rules.addRule("number", rules.sequence({rules.rule(integerRule),
                                              rules.optional(fraction),
                                              rules.optional(exponent)}));
}

ExprId JsonRules::characters(const std::vector<CodeRange> &ranges) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::vector<ExprId> ways = {
      rules.characters(without(ranges, {kControls, {'"', '"'}, {'\\', '\\'}}))};
  std::vector<std::string> escapes;
  auto has = [&](char32_t point) {
    for (const CodeRange &range : ranges)
      if (point >= range.first && point <= range.last)
        return true;
    return false;
  };
  for (char32_t point = 0; point <= '\\'; ++point) {
    if ((point > 0x1F && point != '"' && point != '\\') || !has(point))
      continue;
    switch (point) {
    case '"':
      escapes.emplace_back("\\\"");
      break;
    case '\\':
      escapes.emplace_back("\\\\");
      break;
    case '\n':
      escapes.emplace_back("\\n");
      break;
    case '\r':
      escapes.emplace_back("\\r");
      break;
    case '\t':
      escapes.emplace_back("\\t");
      break;
    default:
      escapes.push_back("\\u00" + std::string(1, hex[point >> 4]) +
                        hex[point & 15]);
    }
  }
  ways.push_back(rules.oneOf(std::move(escapes)));
  return rules.choice(ways);
}

ExprId JsonRules::quoted(ExprId inside) {
  return rules.sequence({rules.literal("\""), inside, rules.literal("\"")});
}

ExprId JsonRules::text(uint32_t least, std::optional<uint32_t> most) {
  bool isAny = least == 0 && !most;
  if (isAny && anyText)
    return rules.rule(*anyText);
  ExprId result = quoted(rules.repeat(
      character(), least, most ? *most : std::max(least, mostCharacters())));
  if (!isAny)
    return result;
  anyText = rules.addRule("text", result);
  return rules.rule(*anyText);
}

ExprId JsonRules::boolean() { return rules.oneOf({"true", "false"}); }

ExprId JsonRules::null() { return rules.literal("null"); }

ExprId JsonRules::comma() {
  return rules.sequence({rules.literal(","), space()});
}

ExprId JsonRules::member(ExprId name, ExprId value) {
  return rules.sequence({name, rules.literal(":"), space(), value});
}

ExprId JsonRules::list(char open, ExprId item, uint32_t least, uint32_t most,
                       char close) {
  if (least > most)
    return rules.never();
  ExprId end = rules.literal(std::string_view(&close, 1));
  std::vector<ExprId> ways;
  if (least == 0)
    ways.push_back(end);
  if (most > 0) {
    ExprId further = rules.repeat(rules.sequence({comma(), item, space()}),
                                  least == 0 ? 0 : least - 1, most - 1);
    ways.push_back(rules.sequence({item, space(), further, end}));
  }
  return rules.sequence(
      {rules.literal(std::string_view(&open, 1)), space(), rules.choice(ways)});
}

ExprId JsonRules::value(int depth) {
  auto [found, isNew] = values.try_emplace(depth, 0);
  if (isNew) {
    RuleId rule = found->second = rules.addRule("value");
    std::vector<ExprId> ways = {text(), number(), boolean(), null()};
    if (depth > 0) {
      ways.push_back(object(depth));
      ways.push_back(array(depth));
    }
    rules.setBody(rule, rules.choice(ways));
    return rules.rule(rule);
  }
  return rules.rule(found->second);
}

ExprId JsonRules::object(int depth) {
  if (depth < 1)
    return rules.never();
  auto [found, isNew] = objects.try_emplace(depth, 0);
  if (isNew) {
    RuleId rule = found->second = rules.addRule("object");
    rules.setBody(
        rule, list('{', member(text(), value(depth - 1)), 0, mostItems(), '}'));
    return rules.rule(rule);
  }
  return rules.rule(found->second);
}

ExprId JsonRules::array(int depth) {
  if (depth < 1)
    return rules.never();
  auto [found, isNew] = arrays.try_emplace(depth, 0);
  if (isNew) {
    RuleId rule = found->second = rules.addRule("array");
    rules.setBody(rule, list('[', value(depth - 1), 0, mostItems(), ']'));
    return rules.rule(rule);
  }
  return rules.rule(found->second);
}

} // namespace marimba::rt::grammar
