//===- BatchApi.cpp - Many prompts, for programs in C ---------------------===//
//
// See marimba.h.
//
//===----------------------------------------------------------------------===//

#include "runtime/capi/CApi.h"

#include "marimba/Scheduler.h"

#include <cstddef>
#include <cstring>
#include <deque>

using namespace marimba;
using namespace marimba::capi;

namespace {
struct Event {
  uint64_t request;
  int32_t id;
  marimba_end end;
  std::string text;
};

/// Keeps what comes until it is asked for.
class EventQueue : public rt::RequestListener {
public:
  void token(uint64_t request, const rt::NewToken &token) override {
    events.push_back(
        {request, token.id, MARIMBA_GOES_ON, std::string(token.text)});
  }
  bool finished(uint64_t request, rt::AnswerEnd end, std::string_view text,
                const rt::RequestUsage &, std::string &) override {
    events.push_back({request, -1, endOf(end), std::string(text)});
    return true;
  }

  std::deque<Event> events;
};
} // namespace

struct marimba_batch {
  std::shared_ptr<const rt::ReadyModel> model;
  std::shared_ptr<const rt::Tokenizer> tokenizer;
  std::unique_ptr<rt::Scheduler> scheduler;
  EventQueue queue;
  std::string text; // of the last event that was given
};

marimba_code marimba_batch_create(const marimba_model *model, int32_t slots,
                                  marimba_batch **batch, char **message) try {
  rt::ClassicLocale classic;
  if (!model || !batch)
    return failNull("marimba_batch_create", message);
  *batch = nullptr;
  constexpr int32_t most = 1024;
  if (slots < 1 || slots > most)
    return fail(MARIMBA_BAD_ARGUMENT,
                "marimba_batch_create: slots is " + std::to_string(slots) +
                    ", expected 1 to " + std::to_string(most),
                message);
  auto made = std::make_unique<marimba_batch>();
  made->model = model->ready;
  made->tokenizer = model->tokenizer;
  std::string error;
  made->scheduler = rt::Scheduler::create(*made->model, made->tokenizer.get(),
                                          {.slots = slots}, error);
  if (!made->scheduler)
    return fail(MARIMBA_FAILED, error, message);
  *batch = made.release();
  return succeed(message);
} catch (...) {
  return failCaught("marimba_batch_create", message);
}

void marimba_batch_free(marimba_batch *batch) { delete batch; }

marimba_code marimba_batch_submit(marimba_batch *batch, const int32_t *ids,
                                  size_t count, const marimba_sampling *given,
                                  uint64_t *request, char **message) try {
  rt::ClassicLocale classic;
  if (!batch || !ids || !request)
    return failNull("marimba_batch_submit", message);
  *request = 0;
  Sampling sampling;
  std::string error;
  std::optional<uint64_t> number;
  if (count > INT32_MAX)
    error =
        "count is " + std::to_string(count) + ", expected at most 2147483647";
  else if (readSampling(given, sampling, error)) {
    rt::Request asked;
    asked.ids.assign(ids, ids + count);
    asked.sampler = sampling.sampler;
    if (sampling.maxTokens)
      asked.maxTokens = sampling.maxTokens;
    if (!sampling.ignoreEnd)
      asked.endIds = batch->model->endIds();
    asked.stops = std::move(sampling.stops);
    number = batch->scheduler->submit(std::move(asked), error);
  }
  if (!number)
    return fail(MARIMBA_BAD_ARGUMENT, "marimba_batch_submit: " + error,
                message);
  *request = *number;
  return succeed(message);
} catch (...) {
  return failCaught("marimba_batch_submit", message);
}

void marimba_batch_cancel(marimba_batch *batch, uint64_t request) {
  try {
    if (batch)
      batch->scheduler->cancel(request);
  } catch (...) {
    // Without memory to remember it, it runs to its end.
  }
}

marimba_code marimba_batch_next(marimba_batch *batch, marimba_event *event,
                                int *some, char **message) try {
  rt::ClassicLocale classic;
  if (!batch || !event || !some)
    return failNull("marimba_batch_next", message);
  *some = 0;
  if (event->size != sizeof(marimba_event))
    return fail(MARIMBA_BAD_ARGUMENT,
                "marimba_batch_next: event.size is " +
                    std::to_string(event->size) + ", expected " +
                    std::to_string(sizeof(marimba_event)),
                message);
  std::deque<Event> &events = batch->queue.events;
  std::string error;
  while (events.empty() && !batch->scheduler->idle())
    if (!batch->scheduler->step(batch->queue, error)) {
      events.clear();
      if (std::optional<uint64_t> failed = batch->scheduler->failed())
        error = "request " + std::to_string(*failed) + ": " + error;
      return fail(MARIMBA_FAILED, error, message);
    }
  if (events.empty())
    return succeed(message);
  Event next = std::move(events.front());
  events.pop_front();
  batch->text = std::move(next.text);
  *event = {sizeof(marimba_event), next.request, next.id, next.end,
            batch->text.c_str()};
  *some = 1;
  return succeed(message);
} catch (...) {
  // Nothing runs or waits any more.
  if (batch)
    batch->queue.events.clear();
  return failCaught("marimba_batch_next", message);
}
