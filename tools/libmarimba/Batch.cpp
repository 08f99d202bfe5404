//===- Batch.cpp - Many prompts together ----------------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/Batch.h"
#include "tools/libmarimba/Memory.h"

#include "marimba/Session.h"
#include "llvm/ADT/STLExtras.h"

using namespace marimba;
using namespace llvm;

namespace {
/// What runs in one slot.
struct Row {
  size_t index; // of its prompt
  rt::Sampler sampler;
  int64_t made = 0;
  int32_t last = 0; // the newest token, which the state does not hold yet
  bool done = false;
};

/// The rows are in the first slots, without gaps: a step is one call.
class Scheduler {
public:
  Scheduler(rt::Session &session, int64_t chunk, ArrayRef<BatchPrompt> prompts,
            const BatchOptions &options, BatchListener &listener)
      : session(session), chunk(chunk), prompts(prompts), options(options),
        listener(listener) {}

  bool run(std::string &error) {
    while ((next < prompts.size() || !rows.empty()) && listener.goOn())
      if (!(hasPlace() ? begin(error) : step(error)) || !clear(error))
        return false;
    return true;
  }

private:
  bool hasPlace() const {
    return next < prompts.size() &&
           rows.size() < static_cast<size_t>(session.slots());
  }
  bool begin(std::string &error);
  bool step(std::string &error);
  bool clear(std::string &error);
  void choose(Row &row, ArrayRef<float> logits);
  /// Names the prompt that a call failed for, where it was one; false.
  bool fail(size_t firstRow, std::string &error) const {
    if (session.notFiniteRow() >= 0)
      error = listener.describe(
                  rows[firstRow + size_t(session.notFiniteRow())].index) +
              ": " + error;
    return false;
  }

  rt::Session &session;
  int64_t chunk;
  ArrayRef<BatchPrompt> prompts;
  const BatchOptions &options;
  BatchListener &listener;
  std::vector<Row> rows;
  size_t next = 0; // prompt
  std::vector<float> logits;
};
} // namespace

void Scheduler::choose(Row &row, ArrayRef<float> logits) {
  row.last = row.sampler.sample({logits.data(), logits.size()});
  bool more = listener.token(row.index, row.last);
  row.done = ++row.made >= options.maxTokens || !more ||
             is_contained(options.endIds, row.last);
}

/// Reads the next prompts into free slots, together.
bool Scheduler::begin(std::string &error) {
  // Padding and scratch memory are those of a few chunks at most.
  constexpr int64_t mostChunks = 4;
  std::vector<std::vector<int32_t>> ids;
  int64_t longest = 0;
  size_t first = rows.size();
  while (hasPlace()) {
    const BatchPrompt &prompt = prompts[next];
    longest = std::max<int64_t>(longest, prompt.ids.size());
    if (!ids.empty() &&
        static_cast<int64_t>(ids.size() + 1) * std::min(longest, chunk) >
            mostChunks * chunk)
      break;
    rt::SamplerOptions sampler = options.sampler;
    sampler.seed = prompt.seed;
    rows.push_back({next, rt::Sampler(sampler)});
    rows.back().sampler.see({prompt.ids.data(), prompt.ids.size()});
    ids.push_back(prompt.ids);
    session.reset(static_cast<int32_t>(rows.size() - 1));
    ++next;
  }
  if (!session.forward(static_cast<int32_t>(first), ids, rt::LogitsWanted::Last,
                       logits, error))
    return fail(first, error);
  size_t vocabulary = logits.size() / ids.size();
  for (size_t i = 0; i < ids.size(); ++i)
    choose(rows[first + i], ArrayRef(logits).slice(i * vocabulary, vocabulary));
  return true;
}

/// One token more for every row.
bool Scheduler::step(std::string &error) {
  std::vector<std::vector<int32_t>> ids;
  for (const Row &row : rows)
    ids.push_back({row.last});
  if (!session.forward(0, ids, rt::LogitsWanted::Last, logits, error))
    return fail(0, error);
  size_t vocabulary = logits.size() / ids.size();
  for (size_t i = 0; i < rows.size(); ++i)
    choose(rows[i], ArrayRef(logits).slice(i * vocabulary, vocabulary));
  return true;
}

/// Reports the rows that are done and closes the gaps that they leave.
bool Scheduler::clear(std::string &error) {
  for (size_t i = 0; i < rows.size();) {
    if (!rows[i].done) {
      ++i;
      continue;
    }
    if (!listener.finished(rows[i].index, error))
      return false;
    auto last = static_cast<int32_t>(rows.size() - 1);
    if (!session.copySlot(last, static_cast<int32_t>(i), error))
      return false;
    session.reset(last);
    std::swap(rows[i], rows.back());
    rows.pop_back();
  }
  return true;
}

bool marimba::generateBatch(LoadedModel &model, ArrayRef<BatchPrompt> prompts,
                            const BatchOptions &options,
                            BatchListener &listener, std::string &error) {
  size_t longest = 0;
  for (const BatchPrompt &prompt : prompts) {
    if (!model.checkIds(prompt.ids, error))
      return false;
    longest = std::max(longest, prompt.ids.size());
  }
  if (!checkRoom(model.info(), static_cast<int64_t>(longest), options.slots,
                 error))
    return false;
  std::unique_ptr<rt::Session> session =
      model.makeSession(error, options.slots);
  return session &&
         Scheduler(*session, model.chunk(), prompts, options, listener)
             .run(error);
}
