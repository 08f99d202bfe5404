//===- Rules.cpp - Rules over bytes, as they are put together -------------===//

#include "Rules.h"

#include <algorithm>
#include <unordered_set>

namespace marimba::rt::grammar {

RuleSet::RuleSet() {
  exprs.push_back({Kind::Never});
  exprs.push_back({Kind::Empty});
}

ExprId RuleSet::add(Expr expr, std::span<const ExprId> parts) {
  if (exprs.size() + allParts.size() + parts.size() >= kMostParts) {
    tooLarge = true;
    return never();
  }
  expr.firstPart = static_cast<uint32_t>(allParts.size());
  expr.partCount = static_cast<uint32_t>(parts.size());
  allParts.insert(allParts.end(), parts.begin(), parts.end());
  exprs.push_back(expr);
  return static_cast<ExprId>(exprs.size() - 1);
}

ExprId RuleSet::bytes(const ByteSet &set) {
  if (set.none())
    return never();
  auto [found, isNew] = setExprs.try_emplace(set, 0);
  if (isNew) {
    sets.push_back(set);
    found->second = add(
        {.kind = Kind::Bytes, .index = static_cast<uint32_t>(sets.size() - 1)});
  }
  return found->second;
}

ExprId RuleSet::literal(std::string_view text) {
  std::vector<ExprId> parts;
  for (char byte : text) {
    ByteSet set;
    set.set(static_cast<unsigned char>(byte));
    parts.push_back(bytes(set));
  }
  return sequence(parts);
}

ExprId RuleSet::token(TokenMatch match) {
  tokenMatches.push_back(std::move(match));
  return add({.kind = Kind::Token,
              .index = static_cast<uint32_t>(tokenMatches.size() - 1)});
}

ExprId RuleSet::sequence(std::span<const ExprId> given) {
  std::vector<ExprId> flat;
  for (ExprId part : given) {
    if (part == never())
      return never();
    if (expr(part).kind == Kind::Sequence) {
      auto inner = parts(part);
      flat.insert(flat.end(), inner.begin(), inner.end());
    } else if (part != empty()) {
      flat.push_back(part);
    }
  }
  if (flat.empty())
    return empty();
  return flat.size() == 1 ? flat[0] : add({.kind = Kind::Sequence}, flat);
}

ExprId RuleSet::choice(std::span<const ExprId> given) {
  std::vector<ExprId> flat;
  std::unordered_set<ExprId> seen;
  ByteSet set;
  auto take = [&](ExprId part) {
    if (expr(part).kind == Kind::Bytes)
      set |= sets[expr(part).index];
    else if (part != never() && seen.insert(part).second)
      flat.push_back(part);
  };
  for (ExprId part : given) {
    if (expr(part).kind == Kind::Choice)
      for (ExprId inner :
           std::vector<ExprId>(parts(part).begin(), parts(part).end()))
        take(inner);
    else
      take(part);
  }
  if (set.any())
    flat.insert(flat.begin(), bytes(set));
  if (flat.empty())
    return never();
  return flat.size() == 1 ? flat[0] : add({.kind = Kind::Choice}, flat);
}

ExprId RuleSet::oneOf(std::vector<std::string> texts) {
  std::sort(texts.begin(), texts.end());
  texts.erase(std::ranges::unique(texts).begin(), texts.end());
  return oneOfSorted(texts, 0);
}

ExprId RuleSet::oneOfSorted(std::span<const std::string> texts, size_t at) {
  if (texts.empty())
    return never();
  // What all share: texts are sorted, so the first and the last tell.
  const std::string &first = texts.front(), &last = texts.back();
  size_t shared = at;
  while (shared < first.size() && shared < last.size() &&
         first[shared] == last[shared])
    ++shared;
  ExprId beginning = literal(std::string_view(first).substr(at, shared - at));
  std::vector<ExprId> endings;
  size_t next = 0;
  if (first.size() == shared) {
    endings.push_back(empty());
    next = 1;
  }
  while (next < texts.size()) {
    size_t end = next + 1;
    while (end < texts.size() && texts[end][shared] == texts[next][shared])
      ++end;
    endings.push_back(oneOfSorted(texts.subspan(next, end - next), shared));
    next = end;
  }
  return sequence({beginning, choice(endings)});
}

ExprId RuleSet::repeat(ExprId part, uint32_t least, uint32_t most) {
  if (least > most)
    return never();
  if (most == 0 || part == empty())
    return empty();
  if (part == never())
    return least == 0 ? empty() : never();
  if (least == 1 && most == 1)
    return part;
  if (least == 0 && most == 1)
    return optional(part);
  return add({.kind = Kind::Repeat, .least = least, .most = most},
             std::span(&part, 1));
}

ExprId RuleSet::rule(RuleId id) {
  return add({.kind = Kind::Rule, .index = id});
}

RuleId RuleSet::addRule(std::string name) {
  if (names.size() >= kMostParts) {
    tooLarge = true;
    return 0;
  }
  names.push_back(std::move(name));
  bodies.push_back(never());
  return static_cast<RuleId>(names.size() - 1);
}

RuleId RuleSet::addRule(std::string name, ExprId body) {
  RuleId id = addRule(std::move(name));
  bodies[id] = body;
  return id;
}

} // namespace marimba::rt::grammar
