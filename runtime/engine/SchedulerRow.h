//===- SchedulerRow.h - A request in a slot ---------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_ENGINE_SCHEDULERROW_H
#define MARIMBA_RUNTIME_ENGINE_SCHEDULERROW_H

#include "marimba/PrefixTree.h"
#include "marimba/Scheduler.h"

namespace marimba::rt {

/// What runs in one slot: its prompt is read, then its answer is made.
struct Scheduler::Row {
  Row(uint64_t number, Request &&asked)
      : number(number), request(std::move(asked)), sampler(request.sampler) {}

  uint64_t number;
  Request request;
  Sampler sampler;
  std::optional<AnswerText> answer;
  RequestUsage usage;
  int32_t slot = 0;
  std::optional<AnswerEnd> end;
  bool failed = false; // its logits were not finite
  bool spare = false;  // spare work, of which nobody hears

  // Of the prompt.
  std::vector<PrefixTree::End> ends;
  size_t next = 0;                     // of ends: where the next piece ends
  PrefixTree::Place place;             // the last on its way
  bool begun = false;                  // it waits for nobody any more
  std::optional<uint64_t> ahead;       // the row that it waits for,
  int64_t until = 0;                   // to have read so many tokens
  std::vector<PrefixTree::Place> path; // to be taken from the tree
  size_t restored = 0;                 // of the path

  // Of the answer.
  int32_t last = 0; // the newest token, which the state does not hold yet

  int64_t read() const { return next ? ends[next - 1].tokens : 0; }
  int64_t unread() const {
    return static_cast<int64_t>(request.ids.size()) - read();
  }
  /// Tokens of its next piece.
  int64_t piece() const { return ends[next].tokens - read(); }
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_ENGINE_SCHEDULERROW_H
