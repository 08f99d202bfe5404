//===- Costs.cpp - How near the end is ------------------------------------===//

#include "Costs.h"

namespace marimba::rt::grammar {

Costs::Costs(const Program &program, const ByteSet &bytes,
             const std::vector<int32_t> &tokenIds) {
  for (const ByteSet &set : program.sets)
    setHasByte.push_back((set & bytes).any());
  for (size_t i = 0; i < program.tokens.size(); ++i)
    hasToken.push_back(program.tokens[i].isNegated || tokenIds[i] >= 0);
  auto rules = static_cast<uint32_t>(program.firstStart.size() - 1);
  ofRules.assign(rules, kNoEnd);
  // What a rule needs mostly stands behind it, or mostly before.
  for (bool changes = true; changes;) {
    changes = false;
    for (uint32_t rule = rules; rule-- > 0;)
      changes |= improve(program, rule);
    for (uint32_t rule = 0; rule < rules; ++rule)
      changes |= improve(program, rule);
  }
  fromPosition.assign(program.elements.size(), 0);
  for (size_t i = program.elements.size(); i-- > 0;)
    if (program.elements[i].kind != Element::Kind::End)
      fromPosition[i] =
          add(ofElement(program.elements[i]), fromPosition[i + 1]);
}

uint64_t Costs::ofElement(const Element &element) const {
  switch (element.kind) {
  case Element::Kind::End:
    return 0;
  case Element::Kind::Bytes:
    return setHasByte[element.index] ? 1 : kNoEnd;
  case Element::Kind::Token:
    return hasToken[element.index] ? 1 : kNoEnd;
  case Element::Kind::Rule:
    return ofRules[element.index];
  case Element::Kind::Repeat:
    return times(ofRules[element.index], element.least);
  }
  return kNoEnd;
}

bool Costs::improve(const Program &program, uint32_t rule) {
  uint64_t best = kNoEnd;
  for (uint32_t i = program.firstStart[rule]; i < program.firstStart[rule + 1];
       ++i) {
    uint64_t cost = 0;
    for (uint32_t at = program.starts[i];
         program.elements[at].kind != Element::Kind::End && cost < kNoEnd; ++at)
      cost = add(cost, ofElement(program.elements[at]));
    best = std::min(best, cost);
  }
  bool improves = best < ofRules[rule];
  if (improves)
    ofRules[rule] = best;
  return improves;
}

} // namespace marimba::rt::grammar
