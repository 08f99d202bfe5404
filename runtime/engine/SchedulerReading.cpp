//===- SchedulerReading.cpp - Prompts, piece by piece ---------------------===//

#include "SchedulerRow.h"

#include "marimba/Session.h"

#include <algorithm>

namespace marimba::rt {

bool Scheduler::read(RequestListener &listener, bool &any, std::string &error) {
  any = restore(listener);
  if (any)
    return true;
  std::vector<Row *> group = chooseGroup();
  any = !group.empty();
  return !any || readGroup(group, listener, error);
}

bool Scheduler::waitsForOther(Row &row) {
  auto find = [&](uint64_t number) -> Row * {
    auto found = std::ranges::find(reading, number, &Row::number);
    return found == reading.end() ? nullptr : *found;
  };
  auto keptTokens = [&] {
    return PrefixTree::tokens(
        kept->find(row.request.ids, row.ends, /*use=*/false));
  };
  if (!kept->enabled())
    return false;
  if (row.ahead) {
    Row *other = find(*row.ahead);
    if (other && other->read() < row.until)
      return true;
    // Where there was no room for it, waiting longer is no use either.
    if (other && keptTokens() < row.until)
      return false;
    row.ahead.reset();
  }
  int64_t most = 0;
  for (Row *other : reading) {
    if (other == &row || (!other->begun && other->number > row.number))
      continue;
    // The last place that both come by, and the other has not come by yet.
    size_t count = std::min(row.ends.size(), other->ends.size());
    auto total = static_cast<int64_t>(row.request.ids.size());
    int64_t common = 0;
    for (size_t i = 0; i < count; ++i) {
      const PrefixTree::End &end = row.ends[i], &otherEnd = other->ends[i];
      if (end.digest != otherEnd.digest || end.tokens >= total)
        break;
      if (otherEnd.keep)
        common = end.tokens;
    }
    if (common > other->read() && common > most) {
      most = common;
      row.ahead = other->number;
      row.until = common;
    }
  }
  if (most > 0 && keptTokens() < most)
    return true;
  row.ahead.reset();
  return false;
}

bool Scheduler::restore(RequestListener &listener) {
  // A step takes about as long as a piece at most.
  constexpr int64_t most = int64_t(64) << 20;
  int64_t copied = 0;
  for (Row *row : reading) {
    if (!row->begun) {
      if (waitsForOther(*row))
        continue;
      row->begun = true;
      row->path = PrefixTree::path(kept->find(row->request.ids, row->ends));
    }
    while (row->restored < row->path.size()) {
      if (copied >= most)
        return true;
      restore(*row, listener, copied);
    }
  }
  return false;
}

void Scheduler::restore(Row &row, RequestListener &listener, int64_t &copied) {
  const PrefixTree::Place &place = row.path[row.restored];
  ++row.restored;
  bool last = row.restored == row.path.size();
  if (!kept->restore(*session, row.slot, row.request.ids, place, last,
                     copied)) {
    // It reads everything.
    session->reset(row.slot);
    row.path.clear();
    row.restored = 0;
    return;
  }
  if (!last)
    return;
  row.place = place;
  while (row.read() < PrefixTree::tokens(place))
    ++row.next;
  row.path.clear();
  row.restored = 0;
  row.usage.reusedTokens = static_cast<size_t>(row.read());
  if (!row.spare)
    listener.reading(row.number, row.usage.reusedTokens,
                     row.usage.promptTokens);
}

std::vector<Scheduler::Row *> Scheduler::chooseGroup() {
  // A short prompt need not wait for long ones, nor they for all short ones.
  oldestFirst = !oldestFirst;
  Row *leader = nullptr;
  for (Row *row : reading)
    if (row->begun &&
        (!leader || (!oldestFirst && row->unread() < leader->unread())))
      leader = row;
  if (!leader)
    return {};
  // Padding and scratch memory are those of a few chunks at most, and nobody
  // who answers waits for more than one.
  constexpr int64_t mostChunks = 4;
  bool alone = firstDecoding == endDecoding;
  int64_t most = (alone ? mostChunks : 1) * model.chunk();
  int64_t longest = leader->piece(), sum = longest;
  std::deque<Row *> group = {leader};
  auto add = [&](int32_t slot, bool inFront) {
    Row *row = slot >= 0 && slot < session->slots()
                   ? rows[static_cast<size_t>(slot)].get()
                   : nullptr;
    if (!row || !row->begun || isDecoding(*row))
      return false;
    int64_t length = std::max(longest, row->piece());
    int64_t padded = length * static_cast<int64_t>(group.size() + 1);
    // Not much of it is padding.
    constexpr int64_t slack = 64;
    if (padded > most || padded - sum - row->piece() > sum / 4 + slack)
      return false;
    longest = length;
    sum += row->piece();
    inFront ? group.push_front(row) : group.push_back(row);
    return true;
  };
  for (int32_t slot = leader->slot + 1; add(slot, false);)
    ++slot;
  for (int32_t slot = leader->slot - 1; add(slot, true);)
    --slot;
  return {group.begin(), group.end()};
}

bool Scheduler::readGroup(std::span<Row *const> group,
                          RequestListener &listener, std::string &error) {
  std::vector<std::vector<int32_t>> ids;
  bool ends = false;
  for (const Row *row : group) {
    auto begin = row->request.ids.begin() + row->read();
    ids.emplace_back(begin, begin + row->piece());
    ends = ends || row->next + 1 == row->ends.size();
  }
  std::vector<std::string> problems;
  if (!session->forward(group.front()->slot, ids,
                        ends ? LogitsWanted::Last : LogitsWanted::None, logits,
                        error, nullptr, &problems))
    return false;
  size_t vocabulary = logits.size() / group.size();
  for (size_t i = 0; i < group.size(); ++i) {
    Row &row = *group[i];
    if (!problems[i].empty()) {
      if (!fail(row, problems[i], listener, error))
        return false;
      continue;
    }
    row.place = kept->keep(*session, row.slot, row.request.ids,
                           row.ends[row.next], row.place);
    ++row.next;
    if (!row.spare)
      listener.reading(row.number, static_cast<size_t>(row.read()),
                       row.usage.promptTokens);
    if (row.unread() > 0)
      continue;
    if (row.request.onlyRead)
      row.end = AnswerEnd::Length;
    else
      choose(row, std::span(logits).subspan(i * vocabulary, vocabulary),
             listener);
  }
  // Only now: rows may change places. The nearest to those that decode first.
  std::vector<Row *> done(group.begin(), group.end());
  if (group.front()->slot < firstDecoding)
    std::ranges::reverse(done);
  for (Row *row : done)
    if (row->unread() == 0 && !row->end && !row->failed && !join(*row, error))
      return false;
  return true;
}

} // namespace marimba::rt
