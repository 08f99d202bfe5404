//===- PrefixCache.cpp - A sequence that changes at its end ---------------===//

#include "marimba/PrefixCache.h"

#include <algorithm>

namespace marimba::rt {

PrefixCache::PrefixCache(Session &session, int64_t piece, Options options,
                         int32_t slot)
    : session(session), piece(piece), options(options), slot(slot) {
  int64_t pieces = (options.every - 1) / piece + 1;
  this->options.every = pieces * piece;
}

bool PrefixCache::mark(std::string &error) {
  int64_t length = session.length(slot);
  if (length == 0 || (!marks.empty() && marks.back().tokens() >= length))
    return true;
  std::optional<Snapshot> made = session.snapshot(slot, error);
  if (!made)
    return false;
  marks.push_back(std::move(*made));
  thinOut();
  return true;
}

int64_t PrefixCache::bytes() const {
  int64_t sum = 0;
  for (const Snapshot &mark : marks)
    sum += mark.bytes();
  return sum;
}

void PrefixCache::thinOut() {
  while (marks.size() > 2 && bytes() > options.bytes) {
    // The gap that its going would leave; the newest one stays.
    auto gap = [&](size_t i) {
      return marks[i + 1].tokens() - (i ? marks[i - 1].tokens() : 0);
    };
    size_t least = 0;
    for (size_t i = 1; i + 1 < marks.size(); ++i)
      if (gap(i) < gap(least))
        least = i;
    marks.erase(marks.begin() + static_cast<std::ptrdiff_t>(least));
  }
}

bool PrefixCache::endsPiece() const {
  int64_t end = session.length(slot);
  return end % piece == 0 || end != readTo ||
         (!marks.empty() && marks.back().tokens() == end);
}

bool PrefixCache::goBack(int64_t tokens, std::string &error) {
  while (!marks.empty() && marks.back().tokens() > tokens)
    marks.pop_back();
  if (session.length(slot) <= tokens && endsPiece())
    return true;
  if (!marks.empty())
    return session.rewind(slot, marks.back(), error);
  session.reset(slot);
  return true;
}

bool PrefixCache::moveTo(std::span<const int32_t> ids,
                         std::vector<float> &logits,
                         const std::function<bool()> &goOn, Moved &moved,
                         std::string &error) {
  moved = Moved();
  if (ids.empty()) {
    error = "expected at least one token";
    return false;
  }
  std::span<const int32_t> held = session.tokens(slot);
  auto differ =
      std::mismatch(ids.begin(), ids.end(), held.begin(), held.end()).first;
  // The last token is read in any case: its logits are wanted.
  int64_t common = std::min<int64_t>(differ - ids.begin(),
                                     static_cast<int64_t>(ids.size()) - 1);
  if (!goBack(common, error) ||
      !session.reserve(static_cast<int64_t>(ids.size()), error))
    return false;
  moved.reused = static_cast<size_t>(session.length(slot));
  for (std::span<const int32_t> rest = ids.subspan(moved.reused);
       !rest.empty();) {
    if (!goOn())
      return true;
    std::span<const int32_t> part = rest.first(std::min(
        rest.size(), static_cast<size_t>(session.untilPieceEnds(slot))));
    rest = rest.subspan(part.size());
    auto wanted = rest.empty() ? LogitsWanted::Last : LogitsWanted::None;
    if (!session.append(part, wanted, logits, error, slot))
      return false;
    moved.read += part.size();
    readTo = session.length(slot);
    if (session.length(slot) % options.every == 0 && !mark(error))
      return false;
  }
  moved.complete = true;
  return true;
}

} // namespace marimba::rt
