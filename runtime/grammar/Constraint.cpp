//===- Constraint.cpp - A grammar and a vocabulary ------------------------===//

#include "Constraint.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace marimba::rt::grammar {

namespace {

/// Counts that no token can tell apart are one.
uint32_t horizonOf(const TokenTable &table) {
  return static_cast<uint32_t>(table.trie.longest());
}

/// No count is beyond it.
constexpr uint32_t kNoHorizon = Stacks::kFar;

class GrammarConstraint : public TokenConstraint {
public:
  GrammarConstraint(std::shared_ptr<GrammarMasks> shared, int64_t maxTokens)
      : masks(std::move(shared)),
        own(masks->program(), masks->costs(), kNoHorizon),
        set(own.stacks().start()),
        left(static_cast<uint64_t>(std::max<int64_t>(maxTokens, 0))) {}

  /// The tokens of the shortest answer, its end included.
  uint64_t shortest() const {
    uint64_t cost = own.stacks().cost(set);
    return cost == kNoEnd ? kNoEnd : cost + 1;
  }

  void mask(std::span<float> logits) override {
    if (hasEnded) {
      apply(nullptr, true, logits);
      return;
    }
    // One token is chosen now, and the last one is the end.
    bool isLast = left < 2;
    uint64_t limit = isLast ? 0 : left - 2;
    std::shared_ptr<const Mask> allowed = masks->mask(own.stacks(), set, limit);
    // Where counts beyond the horizon or missing stacks may matter, once more
    // with all that there is.
    bool isTight = limit < allowed->highestCost;
    if (allowed->isCut || (allowed->isFar && isTight))
      allowed = std::make_shared<Mask>(walk(own, masks->table().trie,
                                            masks->tokenIds(), own.stateOf(set),
                                            limit));
    apply(isLast && allowed->mayEnd ? nullptr : allowed.get(), allowed->mayEnd,
          logits);
  }

  void accept(int32_t id) override {
    if (left > 0)
      --left;
    const std::vector<int32_t> &ends = masks->table().endIds;
    if (hasEnded || std::ranges::find(ends, id) != ends.end()) {
      hasEnded = true;
      return;
    }
    std::vector<StackId> next = afterToken(id), now = set;
    const auto &bytes = masks->table().bytes;
    if (id >= 0 && static_cast<size_t>(id) < bytes.size() &&
        !bytes[static_cast<size_t>(id)].empty()) {
      for (char byte : bytes[static_cast<size_t>(id)])
        now = own.step(now, static_cast<unsigned char>(byte));
      next.insert(next.end(), now.begin(), now.end());
    }
    own.stacks().normalize(next);
    // Of a token that was not allowed nothing can follow.
    hasEnded = next.empty();
    set = std::move(next);
    compact();
  }

private:
  /// Stacks behind `id` where the grammar names it.
  std::vector<StackId> afterToken(int32_t id) {
    std::vector<StackId> result;
    Stacks::Next next;
    own.stacks().expand(set, next);
    for (StackId stack : next.tokens) {
      uint32_t index;
      const TokenMatch &match = own.tokenMatch(stack, index);
      bool isSame = masks->tokenIds()[index] == id;
      if (match.isNegated ? !isSame && hasBit(masks->table().trie.all(), id)
                          : isSame)
        result.push_back(own.stacks().after(stack));
    }
    return result;
  }

  /// Forgets stacks that the text has left behind.
  void compact() {
    if (own.stacks().size() < kMostFrames && own.stateCount() < kMostStates)
      return;
    Stacks before = std::move(own.stacks());
    own.clear();
    for (StackId &id : set)
      id = own.stacks().import(before, id);
    own.stacks().normalize(set);
  }

  /// `allowed`: null for none but end tokens.
  void apply(const Mask *allowed, bool mayEnd, std::span<float> logits) const {
    constexpr float never = -std::numeric_limits<float>::infinity();
    std::vector<std::pair<size_t, float>> ends;
    for (int32_t id : masks->table().endIds)
      if (id >= 0 && static_cast<size_t>(id) < logits.size())
        ends.emplace_back(id, logits[static_cast<size_t>(id)]);
    bool any = false;
    for (size_t word = 0; word * 64 < logits.size(); ++word) {
      uint64_t bits =
          allowed && word < allowed->bits.size() ? allowed->bits[word] : 0;
      size_t begin = word * 64, end = std::min(begin + 64, logits.size());
      if (bits == 0) {
        std::fill(logits.begin() + static_cast<ptrdiff_t>(begin),
                  logits.begin() + static_cast<ptrdiff_t>(end), never);
        continue;
      }
      for (size_t i = begin; i < end; ++i)
        if (!(bits >> (i - begin) & 1))
          logits[i] = never;
        else
          any |= logits[i] > never;
    }
    bool endsOnly = !allowed || allowed->bits.empty() ||
                    std::ranges::all_of(
                        allowed->bits, [](uint64_t bits) { return bits == 0; });
    for (auto [id, logit] : ends)
      if (mayEnd || endsOnly) {
        logits[id] = logit;
        any |= logit > never;
      }
    if (!any)
      rescue(endsOnly || mayEnd, allowed, logits);
  }

  /// The model gave all that is allowed no chance: each gets the same.
  void rescue(bool ends, const Mask *allowed, std::span<float> logits) const {
    for (size_t i = 0; i < logits.size(); ++i)
      if (allowed && hasBit(allowed->bits, static_cast<int32_t>(i)))
        logits[i] = 0;
    for (int32_t id : masks->table().endIds)
      if (ends && id >= 0 && static_cast<size_t>(id) < logits.size())
        logits[static_cast<size_t>(id)] = 0;
  }

  /// Few: to forget them all takes a part of a step.
  static constexpr size_t kMostFrames = 1 << 12, kMostStates = 1 << 10;

  std::shared_ptr<GrammarMasks> masks;
  mutable ByteAutomaton own;
  std::vector<StackId> set;
  /// Tokens that the answer may still have.
  uint64_t left;
  bool hasEnded = false;
};

} // namespace

GrammarMasks::GrammarMasks(std::shared_ptr<const Program> program,
                           std::shared_ptr<const TokenTable> table,
                           std::vector<int32_t> tokenIds)
    : rules(std::move(program)), tokens(std::move(table)),
      ids(std::move(tokenIds)),
      ways(std::make_shared<Costs>(*rules, tokens->trie.singleBytes(), ids)),
      automaton(rules, ways, horizonOf(*tokens)) {}

std::shared_ptr<const Mask> GrammarMasks::mask(const Stacks &stacks,
                                               const std::vector<StackId> &set,
                                               uint64_t limit) {
  std::lock_guard lock(mutex);
  if (automaton.isFull() || maskBytes > kMostBytes) {
    automaton.clear();
    masks.clear();
    maskBytes = 0;
  }
  std::vector<StackId> here;
  for (StackId id : set)
    here.push_back(automaton.stacks().import(stacks, id));
  bool isCut = automaton.stacks().normalize(here);
  StateId state = automaton.stateOf(std::move(here), isCut);
  std::shared_ptr<const Mask> &slot = masks[state];
  if (!slot) {
    Mask made = walk(automaton, tokens->trie, ids, state, limit);
    if (made.isLimited && !made.isFar && !made.isCut)
      return std::make_shared<Mask>(std::move(made));
    // What is kept holds for all limits.
    if (made.isLimited)
      made = walk(automaton, tokens->trie, ids, state, kNoEnd);
    maskBytes += sizeof(Mask) + tokens->trie.words() * sizeof(uint64_t) +
                 made.costs.capacity() * sizeof(made.costs[0]);
    slot = std::make_shared<Mask>(std::move(made));
  }
  if (limit >= slot->highestCost || slot->isFar || slot->isCut)
    return slot;
  return std::make_shared<Mask>(
      slot->hasCosts ? within(*slot, limit)
                     : walk(automaton, tokens->trie, ids, state, limit));
}

std::unique_ptr<TokenConstraint>
makeConstraint(std::shared_ptr<GrammarMasks> masks, int64_t maxTokens,
               std::string &error) {
  auto constraint =
      std::make_unique<GrammarConstraint>(std::move(masks), maxTokens);
  uint64_t shortest = constraint->shortest();
  if (shortest == kNoEnd) {
    error = "the grammar has no answer that the model's vocabulary can write "
            "byte by byte";
    return nullptr;
  }
  if (maxTokens < 1 || static_cast<uint64_t>(maxTokens) < shortest) {
    error = "the answer may have " + std::to_string(maxTokens) +
            " tokens, but the shortest that fits may take " +
            std::to_string(shortest);
    return nullptr;
  }
  error.clear();
  return constraint;
}

} // namespace marimba::rt::grammar
