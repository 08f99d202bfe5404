//===- SchedulerSlots.cpp - Where rows are --------------------------------===//
//
// The rows that decode are side by side, and new ones are read beside them: so
// a row whose prompt is read, or that is finished, seldom makes others move.
//
//===----------------------------------------------------------------------===//

#include "SchedulerRow.h"

#include "marimba/Session.h"

#include <algorithm>

namespace marimba::rt {

bool Scheduler::isDecoding(const Row &row) const {
  return row.slot >= firstDecoding && row.slot < endDecoding;
}

/// Behind those that decode where possible, else in front of them.
int32_t Scheduler::freeSlot() const {
  for (int32_t slot = endDecoding; slot < session->slots(); ++slot)
    if (!rows[static_cast<size_t>(slot)])
      return slot;
  for (int32_t slot = endDecoding; slot-- > 0;)
    if (!rows[static_cast<size_t>(slot)])
      return slot;
  return -1; // not while rows are as many as Options::slots at most
}

/// To a slot that is free.
bool Scheduler::move(int32_t from, int32_t to, std::string &error) {
  if (!session->copySlot(from, to, error))
    return false;
  session->reset(from);
  std::swap(rows[static_cast<size_t>(from)], rows[static_cast<size_t>(to)]);
  rows[static_cast<size_t>(to)]->slot = to;
  return true;
}

bool Scheduler::join(Row &row, std::string &error) {
  std::erase(reading, &row);
  if (firstDecoding == endDecoding)
    firstDecoding = endDecoding = row.slot;
  auto isFree = [&](int32_t slot) {
    return slot >= 0 && slot < session->slots() &&
           !rows[static_cast<size_t>(slot)];
  };
  int32_t before = firstDecoding - 1, behind = endDecoding;
  bool inFront =
      row.slot == before || (row.slot != behind && !isFree(behind) &&
                             (isFree(before) || behind == session->slots()));
  int32_t target = inFront ? before : behind;
  if (target != row.slot) {
    // A prompt that is still read there gives way.
    if (!isFree(target) && !move(target, freeSlot(), error))
      return false;
    if (!move(row.slot, target, error))
      return false;
  }
  (inFront ? firstDecoding : endDecoding) += inFront ? -1 : 1;
  return true;
}

bool Scheduler::removeRow(Row &row, std::string &error) {
  int32_t slot = row.slot;
  bool decoding = isDecoding(row), counts = !row.spare;
  std::erase(reading, &row);
  session->reset(slot);
  rows[static_cast<size_t>(slot)].reset();
  if (decoding) {
    // The shorter end fills the gap.
    int32_t last = endDecoding - 1;
    bool front = slot == firstDecoding ||
                 (slot != last &&
                  session->length(firstDecoding) < session->length(last));
    int32_t filler = front ? firstDecoding : last;
    if (filler != slot && !move(filler, slot, error))
      return false;
    (front ? firstDecoding : endDecoding) += front ? 1 : -1;
  }
  std::scoped_lock lock(mutex);
  rowCount -= counts;
  return true;
}

} // namespace marimba::rt
