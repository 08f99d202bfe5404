//===- SchemaObjects.cpp - Objects of schemas -----------------------------===//

#include "PatternRules.h"
#include "SchemaCompiler.h"

#include <algorithm>

namespace marimba::rt::grammar {

namespace {

constexpr size_t kMostPlaces = 100000;
/// Bytes of a name that others must differ from, character by character.
constexpr size_t kLongestName = 1000;

/// Texts with their quotes that are none of `names`: without escapes, so that
/// none is spelled in another way.
ExprId otherNames(std::vector<std::string> names, JsonRules &json,
                  RuleSet &rules) {
  const std::vector<CodeRange> plain =
      without({{0x20, kLastCodePoint}}, {{'"', '"'}, {'\\', '\\'}});
  ExprId any = rules.repeat(rules.characters(plain), 0, json.mostCharacters());
  ExprId quote = rules.literal("\"");
  std::sort(names.begin(), names.end());
  // By characters, as far as names share their beginnings.
  auto restOf = [&](auto &self, size_t begin, size_t end, size_t at) -> ExprId {
    std::vector<ExprId> ways;
    std::vector<CodeRange> used;
    size_t next = begin;
    bool isName = next < end && names[next].size() == at;
    while (next < end && names[next].size() == at)
      ++next;
    if (!isName)
      ways.push_back(rules.empty());
    while (next < end) {
      auto lead = static_cast<unsigned char>(names[next][at]);
      size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
      std::string character = names[next].substr(at, length);
      size_t last = next;
      while (last < end && names[last].compare(at, length, character) == 0)
        ++last;
      char32_t point = length == 1 ? lead : lead & (0xFF >> (length + 1));
      for (size_t i = 1; i < character.size(); ++i)
        point = point << 6 | (static_cast<unsigned char>(character[i]) & 0x3F);
      used.push_back({point, point});
      std::vector<CodeRange> own = {{point, point}};
      if (!without(own, complement(plain)).empty())
        ways.push_back(rules.sequence(
            {rules.literal(character), self(self, next, last, at + length)}));
      next = last;
    }
    std::vector<CodeRange> others = without(plain, used);
    ways.push_back(rules.sequence({rules.characters(others), any}));
    return rules.rule(rules.addRule("name", rules.choice(ways)));
  };
  return rules.sequence({quote, restOf(restOf, 0, names.size(), 0), quote});
}

struct Member {
  ExprId rule;
  bool isRequired;
};

/// Members in their order, some of them left out; commas between those that are
/// there; then others.
class MemberRules {
public:
  MemberRules(std::vector<Member> members, ExprId other, uint32_t least,
              uint32_t most, uint32_t mostOthers, JsonRules &json,
              RuleSet &rules)
      : members(std::move(members)), other(other), least(least), most(most),
        mostOthers(mostOthers), json(json), rules(rules),
        highest(std::max<uint32_t>(1, least)) {
    if (most != kUnbounded)
      highest = std::max(highest, most);
  }

  size_t places() const { return (members.size() + 1) * (size_t(highest) + 1); }

  ExprId all() {
    // From the last member to the first: what follows so many members.
    std::vector<RuleId> behind = endings();
    for (size_t i = members.size(); i-- > 0;) {
      std::vector<RuleId> here;
      for (uint32_t count = 0; count <= highest; ++count) {
        std::vector<ExprId> ways;
        if (count < most)
          ways.push_back(rules.sequence(
              {commaAfter(count), members[i].rule, json.space(),
               rules.rule(behind[std::min(count + 1, highest)])}));
        if (!members[i].isRequired)
          ways.push_back(rules.rule(behind[count]));
        here.push_back(rules.addRule("members", rules.choice(ways)));
      }
      behind = std::move(here);
    }
    return rules.sequence(
        {rules.literal("{"), json.space(), rules.rule(behind[0])});
  }

private:
  ExprId commaAfter(uint32_t count) {
    return count > 0 ? json.comma() : rules.empty();
  }

  std::vector<RuleId> endings() {
    std::vector<RuleId> result;
    ExprId end = rules.literal("}");
    for (uint32_t count = 0; count <= highest; ++count) {
      std::vector<ExprId> ways;
      if (count >= least)
        ways.push_back(end);
      uint32_t room = most == kUnbounded
                          ? mostOthers
                          : std::min(mostOthers, most - std::min(most, count));
      // Two others may have the same name, so that only one counts.
      if (other != rules.never() && room > 0 && count + 1 >= least)
        ways.push_back(rules.sequence(
            {commaAfter(count), other, json.space(),
             rules.repeat(rules.sequence({json.comma(), other, json.space()}),
                          0, room - 1),
             end}));
      result.push_back(rules.addRule("members", rules.choice(ways)));
    }
    return result;
  }

  std::vector<Member> members;
  ExprId other;
  uint32_t least, most, mostOthers;
  JsonRules &json;
  RuleSet &rules;
  /// Counts beyond it are the same.
  uint32_t highest;
};

} // namespace

ExprId SchemaCompiler::compileOtherMember(const FlatSchema &flat,
                                          const std::vector<std::string> &names,
                                          int depth) {
  const Json *rest = flat.find("additionalProperties");
  if (const Json *patterns = flat.find("patternProperties")) {
    bool isSupported = names.empty() && patterns->size() == 1 &&
                       (!rest || *rest == Json(false)) &&
                       !flat.has("propertyNames");
    if (!isSupported)
      throw SchemaError(flat.where + "/patternProperties",
                        "is supported with one pattern, without properties "
                        "and required, and with no or false "
                        "additionalProperties");
    std::string pattern = patterns->begin().key(), problem;
    std::optional<ExprId> name =
        textsWithPattern(pattern, 0, {}, json, rules, problem);
    if (!name)
      throw SchemaError(flat.where + "/patternProperties/" + pattern, problem);
    return json.member(json.quoted(*name),
                       compile(*patterns->begin(),
                               flat.where + "/patternProperties/" + pattern,
                               depth));
  }
  bool isAny = !rest && !flat.has("properties");
  if (!rest && !isAny)
    return rules.never();
  for (const std::string &name : names)
    if (name.size() > kLongestName)
      throw SchemaError(
          flat.where, "has a property name of " + std::to_string(name.size()) +
                          " bytes, supported beside additionalProperties: " +
                          std::to_string(kLongestName));
  if (isAny && depth < 1)
    return rules.never();
  ExprId value =
      isAny ? json.value(depth - 1)
            : compile(*rest, flat.where + "/additionalProperties", depth);
  const Json *form = flat.find("propertyNames");
  if (!form)
    return json.member(
        names.empty() ? json.text() : otherNames(names, json, rules), value);
  if (!names.empty())
    throw SchemaError(flat.where + "/propertyNames",
                      "is not supported together with properties or required");
  Json name = bothSchemas(*form, Json{{"type", "string"}});
  return json.member(compile(name, flat.where + "/propertyNames", depth),
                     value);
}

ExprId SchemaCompiler::compileObject(const FlatSchema &flat, int depth) {
  const Json none = Json::object(), noNames = Json::array();
  const Json *given = flat.find("properties"), *asked = flat.find("required");
  const Json &properties = given ? *given : none;
  const Json &required = asked ? *asked : noNames;
  const Json *rest = flat.find("additionalProperties");
  auto isRequired = [&](const std::string &name) {
    return contains(required, name);
  };
  std::vector<Member> members;
  std::vector<std::string> names;
  auto add = [&](const std::string &name, const Json &schema,
                 const std::string &where) {
    names.push_back(name);
    if (schema == Json(false) && !isRequired(name))
      return;
    members.push_back({json.member(rules.literal(Json(name).dump()),
                                   compile(schema, where, depth)),
                       isRequired(name)});
  };
  for (const auto &[name, schema] : properties.items())
    add(name, schema, flat.where + "/properties/" + name);
  for (const Json &item : required)
    if (auto name = item.get<std::string>();
        std::ranges::find(names, name) == names.end())
      add(name, rest ? *rest : Json(true), flat.where + "/required");
  ExprId other = rest && *rest == Json(false) && !flat.has("patternProperties")
                     ? rules.never()
                     : compileOtherMember(flat, names, depth);
  uint32_t least = flat.count("minProperties").value_or(0);
  uint32_t most = flat.count("maxProperties").value_or(kUnbounded);
  bool isShort = least > members.size();
  if (isShort && (other == rules.never() || least > members.size() + 1))
    throw SchemaError(flat.where + "/minProperties",
                      "is " + std::to_string(least) +
                          ", but the schema names " +
                          std::to_string(members.size()) +
                          " properties, and of others only one is sure to "
                          "differ from the rest");
  MemberRules all(std::move(members), other, least, most, json.mostItems(),
                  json, rules);
  if (all.places() > kMostPlaces)
    throw SchemaError(flat.where,
                      "has too many properties to count for minProperties or "
                      "maxProperties");
  return all.all();
}

} // namespace marimba::rt::grammar
