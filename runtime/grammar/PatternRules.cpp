//===- PatternRules.cpp - Regular expressions of schemas ------------------===//

#include "PatternRules.h"

#include "PatternParser.h"

#include <algorithm>

namespace marimba::rt::grammar {

namespace {

using Kind = PatternNode::Kind;

constexpr uint64_t kNoBound = UINT64_MAX;

/// The fewest and the most characters of what a node matches.
struct Lengths {
  uint64_t least = 0, most = 0;
};

uint64_t sum(uint64_t a, uint64_t b) {
  return a == kNoBound || b == kNoBound || a + b > kUnbounded ? kNoBound
                                                              : a + b;
}
uint64_t product(uint64_t a, uint64_t b) {
  if (a == 0 || b == 0)
    return 0;
  return a == kNoBound || b == kNoBound || a > kUnbounded / b ? kNoBound
                                                              : a * b;
}

Lengths lengthsOf(const PatternNode &node) {
  Lengths result;
  switch (node.kind) {
  case Kind::Characters:
    return {1, 1};
  case Kind::Sequence:
    for (const PatternNode &part : node.parts) {
      Lengths one = lengthsOf(part);
      result = {sum(result.least, one.least), sum(result.most, one.most)};
    }
    return result;
  case Kind::Choice:
    result.least = kNoBound;
    for (const PatternNode &part : node.parts) {
      Lengths one = lengthsOf(part);
      result = {std::min(result.least, one.least),
                std::max(result.most, one.most)};
    }
    return result;
  case Kind::Repeat:
    result = lengthsOf(node.parts[0]);
    return {
        product(result.least, node.least),
        product(result.most, node.most == kUnbounded ? kNoBound : node.most)};
  }
  return result;
}

/// An expression whose lengths are right by themselves.
class PlainRules {
public:
  PlainRules(JsonRules &json, RuleSet &rules) : json(json), rules(rules) {}

  ExprId of(const PatternNode &node) {
    std::vector<ExprId> parts;
    switch (node.kind) {
    case Kind::Characters:
      return json.characters(node.ranges);
    case Kind::Sequence:
      for (const PatternNode &part : node.parts)
        parts.push_back(of(part));
      return rules.sequence(parts);
    case Kind::Choice:
      for (const PatternNode &part : node.parts)
        parts.push_back(of(part));
      return rules.choice(parts);
    case Kind::Repeat:
      return rules.repeat(of(node.parts[0]), node.least,
                          node.most == kUnbounded
                              ? std::max(node.least, json.mostCharacters())
                              : node.most);
    }
    return rules.never();
  }

private:
  JsonRules &json;
  RuleSet &rules;
};

/// An expression and the number of characters so far.
class CountedRules {
public:
  static constexpr size_t kMostStates = 2000;
  static constexpr size_t kMostRules = 50000;
  static constexpr uint32_t kFurther = 256;

  CountedRules(uint32_t least, std::optional<uint32_t> most, JsonRules &json,
               RuleSet &rules)
      : least(least), most(most.value_or(least + kFurther)), json(json),
        rules(rules) {}

  std::optional<ExprId> of(const PatternNode &node) {
    // State 0 is the end.
    states.emplace_back();
    size_t first = add(node, 0);
    if (states.size() > kMostStates)
      return std::nullopt;
    size_t places = 0;
    for (State &state : states)
      if (state.isCharacter) {
        ++places;
        state.characters = json.characters(state.ranges);
      }
    if ((places + 1) * (size_t(most) + 1) > kMostRules)
      return std::nullopt;
    return ruleOf(first, 0);
  }

private:
  struct State {
    bool isCharacter = false;
    std::vector<CodeRange> ranges;
    ExprId characters = 0;
    std::vector<size_t> next;
  };

  /// The state at which `node` begins, if `behind` follows it.
  size_t add(const PatternNode &node, size_t behind) {
    if (states.size() > kMostStates)
      return behind;
    switch (node.kind) {
    case Kind::Characters:
      states.push_back({true, node.ranges, 0, {behind}});
      return states.size() - 1;
    case Kind::Sequence:
      for (size_t i = node.parts.size(); i-- > 0;)
        behind = add(node.parts[i], behind);
      return behind;
    case Kind::Choice: {
      State fork;
      for (const PatternNode &part : node.parts)
        fork.next.push_back(add(part, behind));
      states.push_back(std::move(fork));
      return states.size() - 1;
    }
    case Kind::Repeat:
      return addRepeat(node, behind);
    }
    return behind;
  }

  size_t addRepeat(const PatternNode &node, size_t behind) {
    const PatternNode &part = node.parts[0];
    // Else each round adds a state, and their number ends it.
    if (lengthsOf(part).most == 0)
      return behind;
    if (node.most == kUnbounded) {
      size_t loop = states.size();
      states.emplace_back();
      size_t inside = add(part, loop);
      states[loop].next = {inside, behind};
      behind = loop;
    } else {
      size_t end = behind;
      for (uint32_t i = node.least;
           i < node.most && states.size() <= kMostStates; ++i) {
        State fork;
        fork.next = {add(part, behind), end};
        states.push_back(std::move(fork));
        behind = states.size() - 1;
      }
    }
    for (uint32_t i = 0; i < node.least && states.size() <= kMostStates; ++i)
      behind = add(part, behind);
    return behind;
  }

  /// The characters that may come at `state`, and whether the end is there.
  bool collect(size_t state, std::vector<size_t> &found) const {
    std::vector<bool> seen(states.size());
    std::vector<size_t> open = {state};
    while (!open.empty()) {
      size_t at = open.back();
      open.pop_back();
      if (seen[at])
        continue;
      seen[at] = true;
      if (states[at].isCharacter)
        found.push_back(at);
      else
        open.insert(open.end(), states[at].next.begin(), states[at].next.end());
    }
    return seen[0];
  }

  ExprId ruleOf(size_t first, uint32_t firstCount) {
    std::map<std::pair<size_t, uint32_t>, RuleId> known;
    std::vector<std::pair<size_t, uint32_t>> open;
    auto ruleAt = [&](size_t state, uint32_t count) {
      auto [found, isNew] = known.try_emplace({state, count}, 0);
      if (isNew) {
        found->second = rules.addRule("pattern");
        open.emplace_back(state, count);
      }
      return rules.rule(found->second);
    };
    ExprId result = ruleAt(first, firstCount);
    while (!open.empty() && !rules.isTooLarge()) {
      auto [state, count] = open.back();
      open.pop_back();
      std::vector<size_t> characters;
      bool isEnd = collect(state, characters);
      std::vector<ExprId> ways;
      if (isEnd && count >= least)
        ways.push_back(rules.empty());
      for (size_t next : characters)
        if (count < most)
          ways.push_back(
              rules.sequence({states[next].characters,
                              ruleAt(states[next].next[0], count + 1)}));
      rules.setBody(known[{state, count}], rules.choice(ways));
    }
    return result;
  }

  uint32_t least, most;
  JsonRules &json;
  RuleSet &rules;
  std::vector<State> states;
};

} // namespace

std::optional<ExprId> textsWithPattern(std::string_view text, uint32_t least,
                                       std::optional<uint32_t> most,
                                       JsonRules &json, RuleSet &rules,
                                       std::string &problem) {
  std::optional<Pattern> pattern = parsePattern(text, problem);
  if (!pattern)
    return std::nullopt;
  PatternNode *root = &pattern->root;
  // ^[a-z]+$: the length is how often.
  if (root->kind == Kind::Sequence && root->parts.size() == 1 &&
      root->parts[0].kind == Kind::Repeat &&
      root->parts[0].parts[0].kind == Kind::Characters) {
    PatternNode &repeat = root->parts[0];
    repeat.least = std::max(repeat.least, least);
    repeat.most = std::min(repeat.most, most.value_or(kUnbounded));
  }
  Lengths lengths = lengthsOf(*root);
  if (lengths.least >= least && (!most || lengths.most <= *most))
    return PlainRules(json, rules).of(*root);
  std::optional<ExprId> counted =
      CountedRules(least, most, json, rules).of(*root);
  if (!counted)
    problem = "is too large together with the text's length";
  return counted;
}

} // namespace marimba::rt::grammar
