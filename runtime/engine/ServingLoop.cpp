//===- ServingLoop.cpp - A thread that answers requests -------------------===//

#include "marimba/ServingLoop.h"

#include "marimba/Stopwatch.h"

#include <algorithm>

namespace marimba::rt {

static constexpr const char *kStopped = "the server stops";

/// Tells each listener what concerns it.
class ServingLoop::Ears : public RequestListener {
public:
  explicit Ears(ServingLoop &loop) : loop(loop) {}

  void reading(uint64_t request, size_t done, size_t total) override {
    if (auto listener = find(request))
      listener->reading(done, total);
  }
  void token(uint64_t request, const NewToken &token) override {
    if (auto listener = find(request))
      listener->token(token);
    std::scoped_lock lock(loop.mutex);
    ++loop.counts.newTokens;
  }
  bool finished(uint64_t request, AnswerEnd end, std::string_view text,
                const RequestUsage &usage, std::string &) override {
    auto listener = take(request);
    {
      std::scoped_lock lock(loop.mutex);
      loop.counts.readTokens += usage.promptTokens - usage.reusedTokens;
      loop.counts.reusedTokens += usage.reusedTokens;
      loop.counts.finished += listener != nullptr;
    }
    if (listener)
      listener->finished(end, text, usage);
    return true;
  }

private:
  std::shared_ptr<AnswerListener> find(uint64_t request) {
    std::scoped_lock lock(loop.mutex);
    auto found = loop.listeners.find(request);
    return found == loop.listeners.end() ? nullptr : found->second;
  }
  std::shared_ptr<AnswerListener> take(uint64_t request) {
    std::scoped_lock lock(loop.mutex);
    auto node = loop.listeners.extract(request);
    return node ? std::move(node.mapped()) : nullptr;
  }

  ServingLoop &loop;
};

std::unique_ptr<ServingLoop>
ServingLoop::create(const ReadyModel &model, const Tokenizer *tokenizer,
                    const Scheduler::Options &options, std::string &error) {
  std::unique_ptr<ServingLoop> made(new ServingLoop);
  made->scheduler = Scheduler::create(model, tokenizer, options, error);
  if (!made->scheduler)
    return nullptr;
  made->thread = std::thread([loop = made.get()] { loop->run(); });
  return made;
}

ServingLoop::~ServingLoop() { stop(false); }

std::optional<uint64_t>
ServingLoop::submit(Request request, std::shared_ptr<AnswerListener> listener,
                    SubmitError &why, std::string &error) {
  // Locked: a token may come before this returns.
  std::scoped_lock lock(mutex);
  if (stopping) {
    why = SubmitError::Stopped;
    error = kStopped;
    return std::nullopt;
  }
  std::optional<uint64_t> number =
      scheduler->submit(std::move(request), error, &why);
  if (!number) {
    counts.refused += why == SubmitError::Full;
    return std::nullopt;
  }
  ++counts.requests;
  listeners[*number] = std::move(listener);
  wake.notify_all();
  return number;
}

void ServingLoop::cancel(uint64_t request) {
  std::shared_ptr<AnswerListener> listener; // dies unlocked
  std::scoped_lock lock(mutex);
  auto node = listeners.extract(request);
  if (!node)
    return;
  listener = std::move(node.mapped());
  ++counts.cancelled;
  scheduler->cancel(request);
  wake.notify_all();
}

void ServingLoop::stop(bool drain) {
  {
    std::scoped_lock lock(mutex);
    draining = drain && (draining || !stopping);
    stopping = true;
    wake.notify_all();
  }
  std::scoped_lock lock(joining);
  if (thread.joinable())
    thread.join();
}

ServingCounters ServingLoop::counters() const {
  std::scoped_lock lock(mutex);
  ServingCounters result = counts;
  result.running = scheduler->running();
  result.waiting = scheduler->waiting();
  return result;
}

void ServingLoop::run() {
  Ears ears(*this);
  while (true) {
    {
      std::unique_lock lock(mutex);
      wake.wait(lock, [&] { return stopping || !scheduler->idle(); });
      if (stopping && (!draining || scheduler->idle()))
        break;
    }
    std::string error;
    Stopwatch watch;
    bool good = false;
    try {
      good = scheduler->step(ears, error);
    } catch (const std::exception &exception) {
      error = std::string("no memory for this call: ") + exception.what();
    }
    {
      std::scoped_lock lock(mutex);
      ++counts.steps;
      counts.longestStep = std::max(counts.longestStep, watch.seconds());
    }
    if (!good)
      failAll(error);
  }
  failAll(kStopped);
}

void ServingLoop::failAll(const std::string &error) {
  std::map<uint64_t, std::shared_ptr<AnswerListener>> left;
  {
    std::scoped_lock lock(mutex);
    // What came while the step failed still waits, or was dropped with it.
    left.swap(listeners);
    counts.failed += left.size();
    for (const auto &[number, listener] : left)
      scheduler->cancel(number);
  }
  for (const auto &[number, listener] : left)
    listener->failed(error);
}

} // namespace marimba::rt
