//===- TextUntil.cpp - Any text up to a mark ------------------------------===//

#include "SchemaRules.h"
#include "TokenTrie.h"

#include <map>

namespace marimba::rt::grammar {

namespace {

/// The longest beginning of `end` that `text` ends with.
size_t overlap(std::string_view text, std::string_view end) {
  for (size_t length = std::min(text.size(), end.size()); length > 0; --length)
    if (text.ends_with(end.substr(0, length)))
      return length;
  return 0;
}

} // namespace

RuleId addTextUntilRule(std::string_view end, RuleSet &rules) {
  // A rule for each: so much of `end` was just read, and this much of a
  // character.
  using Place = std::pair<size_t, int>;
  std::map<Place, RuleId> placeRules;
  std::vector<Place> open;
  auto ruleOf = [&](Place place) {
    auto [found, isNew] = placeRules.try_emplace(place, 0);
    if (isNew) {
      found->second = rules.addRule("text-until");
      open.push_back(place);
    }
    return found->second;
  };
  RuleId root = ruleOf({0, Utf8State::kBetween});
  while (!open.empty()) {
    auto [seen, utf8] = open.back();
    open.pop_back();
    std::map<Place, ByteSet> steps;
    ByteSet last;
    for (unsigned byte = 0; byte < 256; ++byte) {
      int state = Utf8State::next(utf8, static_cast<unsigned char>(byte));
      if (state == Utf8State::kWrong)
        continue;
      std::string text(end.substr(0, seen));
      text += static_cast<char>(byte);
      size_t now = overlap(text, end);
      if (now == end.size())
        last.set(byte);
      else
        steps[{now, state}].set(byte);
    }
    std::vector<ExprId> ways = {rules.bytes(last)};
    for (const auto &[place, bytes] : steps)
      ways.push_back(
          rules.sequence({rules.bytes(bytes), rules.rule(ruleOf(place))}));
    rules.setBody(placeRules[{seen, utf8}], rules.choice(ways));
  }
  return root;
}

} // namespace marimba::rt::grammar
