//===- Program.cpp - Rules as the automaton reads them --------------------===//

#include "Program.h"

#include "marimba/formats/Message.h"

#include <unordered_map>

namespace marimba::rt::grammar {

namespace {

using Kind = RuleSet::Kind;

/// Which rules match the empty text, and which begin with themselves.
class Beginnings {
public:
  explicit Beginnings(const RuleSet &rules)
      : rules(rules), nullable(rules.ruleCount()) {
    for (bool changes = true; changes;) {
      changes = false;
      for (RuleId rule = 0; rule < rules.ruleCount(); ++rule)
        if (!nullable[rule] && isNullable(rules.body(rule)))
          changes = nullable[rule] = true;
    }
  }

  bool isNullable(ExprId id) const {
    const RuleSet::Expr &expr = rules.expr(id);
    switch (expr.kind) {
    case Kind::Never:
    case Kind::Bytes:
    case Kind::Token:
      return false;
    case Kind::Empty:
      return true;
    case Kind::Rule:
      return expr.index < nullable.size() && nullable[expr.index];
    case Kind::Repeat:
      return expr.least == 0 || isNullable(rules.parts(id)[0]);
    case Kind::Sequence:
      for (ExprId part : rules.parts(id))
        if (!isNullable(part))
          return false;
      return true;
    case Kind::Choice:
      for (ExprId part : rules.parts(id))
        if (isNullable(part))
          return true;
      return false;
    }
    return false;
  }

  /// A rule that begins with itself; none: ruleCount().
  RuleId leftRecursive() const {
    enum : char { New, Open, Done };
    std::vector<char> marks(rules.ruleCount(), New);
    struct Visit {
      RuleId rule;
      std::vector<RuleId> next;
    };
    for (RuleId root = 0; root < rules.ruleCount(); ++root) {
      if (marks[root] != New)
        continue;
      std::vector<Visit> open;
      auto enter = [&](RuleId rule) {
        marks[rule] = Open;
        open.push_back({rule, {}});
        collectFirst(rules.body(rule), open.back().next);
      };
      enter(root);
      while (!open.empty()) {
        if (open.back().next.empty()) {
          marks[open.back().rule] = Done;
          open.pop_back();
          continue;
        }
        RuleId next = open.back().next.back();
        open.back().next.pop_back();
        if (marks[next] == Open)
          return next;
        if (marks[next] == New)
          enter(next);
      }
    }
    return static_cast<RuleId>(rules.ruleCount());
  }

private:
  /// The rules that a text of `id` may begin with.
  void collectFirst(ExprId id, std::vector<RuleId> &found) const {
    const RuleSet::Expr &expr = rules.expr(id);
    if (expr.kind == Kind::Rule)
      found.push_back(expr.index);
    for (ExprId part : rules.parts(id)) {
      collectFirst(part, found);
      if (expr.kind == Kind::Sequence && !isNullable(part))
        return;
    }
  }

  const RuleSet &rules;
  std::vector<bool> nullable;
};

/// Takes the empty text out of what is repeated: only then is each repetition
/// a step forward.
class Lowering {
public:
  Lowering(RuleSet &rules, const Beginnings &beginnings)
      : rules(rules), beginnings(beginnings) {}

  std::shared_ptr<Program> run(RuleId root) {
    auto result = std::make_shared<Program>();
    program = result.get();
    program->root = number(root);
    // Each may bring further ones.
    for (size_t i = 0; i < pending.size() && !isTooLarge(); ++i)
      lowerRule(pending[i]);
    program->firstStart.push_back(
        static_cast<uint32_t>(program->starts.size()));
    program->sets = rules.byteSets();
    program->tokens = rules.tokens();
    return isTooLarge() ? nullptr : result;
  }

private:
  bool isTooLarge() const {
    return isTooDeep || rules.isTooLarge() ||
           program->elements.size() > Program::kMostElements;
  }

  /// The number of a rule in the program.
  uint32_t number(RuleId rule) {
    return numberOfBody(rules.body(rule), &ruleNumbers[rule]);
  }
  uint32_t numberOfBody(ExprId body, uint32_t *known = nullptr) {
    uint32_t &slot = known ? *known : bodyNumbers[body];
    if (slot == 0) { // Numbers are kept plus one.
      pending.push_back(body);
      slot = static_cast<uint32_t>(pending.size());
    }
    return slot - 1;
  }
  /// Of what a rule or a repetition calls.
  uint32_t numberOf(ExprId id) {
    const RuleSet::Expr &expr = rules.expr(id);
    return expr.kind == Kind::Rule ? number(expr.index) : numberOfBody(id);
  }

  void lowerRule(ExprId body) {
    program->firstStart.push_back(
        static_cast<uint32_t>(program->starts.size()));
    if (rules.expr(body).kind != Kind::Choice) {
      lowerAlternative(body);
      return;
    }
    std::vector<ExprId> ways(rules.parts(body).begin(),
                             rules.parts(body).end());
    for (ExprId way : ways)
      lowerAlternative(way);
  }

  void lowerAlternative(ExprId id) {
    if (id == rules.never())
      return;
    program->starts.push_back(static_cast<uint32_t>(program->elements.size()));
    if (rules.expr(id).kind == Kind::Sequence) {
      std::vector<ExprId> parts(rules.parts(id).begin(), rules.parts(id).end());
      for (ExprId part : parts)
        lowerElement(part);
    } else {
      lowerElement(id);
    }
    program->elements.emplace_back();
  }

  void lowerElement(ExprId id) {
    RuleSet::Expr expr = rules.expr(id);
    switch (expr.kind) {
    case Kind::Empty:
      return;
    case Kind::Bytes:
      program->elements.push_back({Element::Kind::Bytes, expr.index});
      return;
    case Kind::Token:
      program->elements.push_back({Element::Kind::Token, expr.index});
      return;
    case Kind::Repeat: {
      ExprId part = rules.parts(id)[0];
      if (beginnings.isNullable(part)) {
        part = nonEmpty(part);
        expr.least = 0;
      }
      if (part != rules.never())
        program->elements.push_back(
            {Element::Kind::Repeat, numberOf(part), expr.least, expr.most});
      return;
    }
    default:
      program->elements.push_back({Element::Kind::Rule, numberOf(id)});
    }
  }

  /// What matches all texts of `id` but the empty one.
  ExprId nonEmpty(ExprId id) {
    if (!beginnings.isNullable(id))
      return id;
    if (auto found = nonEmptyExprs.find(id); found != nonEmptyExprs.end())
      return found->second;
    if (depth >= kDeepest) {
      isTooDeep = true;
      return rules.never();
    }
    ++depth;
    ExprId result = makeNonEmpty(id);
    --depth;
    nonEmptyExprs[id] = result;
    return result;
  }

  ExprId makeNonEmpty(ExprId id) {
    RuleSet::Expr expr = rules.expr(id);
    std::vector<ExprId> parts(rules.parts(id).begin(), rules.parts(id).end());
    switch (expr.kind) {
    case Kind::Repeat:
      return rules.repeat(nonEmpty(parts[0]), 1, expr.most);
    case Kind::Choice:
      for (ExprId &part : parts)
        part = nonEmpty(part);
      return rules.choice(parts);
    case Kind::Sequence: {
      // The first part that matches something is the first, the second, ...
      std::vector<ExprId> ways;
      for (size_t i = 0; i < parts.size() && !rules.isTooLarge(); ++i) {
        std::vector<ExprId> rest(parts.begin() + static_cast<ptrdiff_t>(i),
                                 parts.end());
        rest[0] = nonEmpty(rest[0]);
        ways.push_back(rules.sequence(rest));
      }
      return rules.choice(ways);
    }
    case Kind::Rule: {
      auto [found, isNew] = nonEmptyRules.try_emplace(expr.index, 0);
      if (isNew) {
        RuleId rule = rules.addRule(std::string(rules.ruleName(expr.index)));
        found->second = rule;
        ExprId body = nonEmpty(rules.body(expr.index));
        rules.setBody(rule, body);
        return rules.rule(rule);
      }
      return rules.rule(found->second);
    }
    default:
      return rules.never();
    }
  }

  /// Rules that begin with each other: each takes some stack.
  static constexpr int kDeepest = 4000;

  RuleSet &rules;
  const Beginnings &beginnings;
  Program *program = nullptr;
  int depth = 0;
  bool isTooDeep = false;
  std::vector<ExprId> pending;
  std::unordered_map<RuleId, uint32_t> ruleNumbers;
  std::unordered_map<ExprId, uint32_t> bodyNumbers;
  std::unordered_map<ExprId, ExprId> nonEmptyExprs;
  std::unordered_map<RuleId, RuleId> nonEmptyRules;
};

} // namespace

std::shared_ptr<const Program> lower(RuleSet rules, RuleId root,
                                     std::string &error) {
  auto tooLarge = [&]() -> std::shared_ptr<const Program> {
    error = "has rules of more than " + std::to_string(RuleSet::kMostParts) +
            " parts";
    return nullptr;
  };
  if (rules.isTooLarge())
    return tooLarge();
  Beginnings beginnings(rules);
  if (RuleId rule = beginnings.leftRecursive(); rule < rules.ruleCount()) {
    error = "rule " + formats::quotedName(rules.ruleName(rule)) +
            " begins with itself, supported: recursion behind something that "
            "is not empty";
    return nullptr;
  }
  auto program = Lowering(rules, beginnings).run(root);
  return program ? program : tooLarge();
}

} // namespace marimba::rt::grammar
