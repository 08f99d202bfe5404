//===- ServingLoop.cpp - A thread that answers requests -------------------===//

#include "marimba/ServingLoop.h"

#include "marimba/Stopwatch.h"
#include "marimba/ThreadTeam.h"

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

  bool failed(uint64_t request, const std::string &problem) override {
    auto listener = take(request);
    {
      std::scoped_lock lock(loop.mutex);
      loop.counts.failed += listener != nullptr;
    }
    if (listener)
      listener->failed(problem);
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
  made->threads = model.threads();
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

void ServingLoop::readWhenIdle(std::vector<int32_t> ids,
                               std::vector<int64_t> boundaries) {
  std::scoped_lock lock(mutex);
  if (stopping)
    return;
  tasks.push_back([this, ids = std::move(ids),
                   boundaries = std::move(boundaries)]() mutable {
    scheduler->readWhenIdle(std::move(ids), std::move(boundaries));
  });
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

bool ServingLoop::hasWork() const {
  return !scheduler->idle() || scheduler->hasSpareWork();
}

bool ServingLoop::awaitWork() {
  std::unique_lock lock(mutex);
  wake.wait(lock, [&] { return stopping || !tasks.empty() || hasWork(); });
  if (stopping && (!draining || scheduler->idle()))
    return false;
  while (!tasks.empty()) {
    std::function<void()> task = std::move(tasks.front());
    tasks.pop_front();
    lock.unlock();
    task();
    lock.lock();
  }
  return true;
}

bool ServingLoop::goesOn() const {
  std::scoped_lock lock(mutex);
  return !stopping && tasks.empty() && hasWork();
}

void ServingLoop::step(Ears &ears) {
  if (!hasWork())
    return;
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
    count();
  }
  if (!good)
    failAll(error);
}

void ServingLoop::run() {
  Ears ears(*this);
  while (awaitWork()) {
    bool begun = false;
    auto turn = [&] {
      begun = true;
      do
        step(ears);
      while (goesOn() && !isTeamWanted());
    };
    try {
      threads > 1 ? onTeam(threads, turn) : turn();
    } catch (const std::exception &) {
      // No thread is left for a turn: the step fails, and says so.
      if (!begun)
        step(ears);
    }
  }
  failAll(kStopped);
  std::deque<std::function<void()>> left;
  {
    std::scoped_lock lock(mutex);
    ended = true;
    left.swap(tasks);
  }
  for (const std::function<void()> &task : left)
    task();
}

void ServingLoop::count() {
  PrefixTree::Counts tree = scheduler->tree().counts();
  counts.cacheBytes = tree.bytes;
  counts.cacheNodes = tree.places;
  counts.evictions = tree.evictions;
  counts.spilledBytes = static_cast<int64_t>(tree.spilled);
  counts.storedBytes = tree.stored;
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

//===----------------------------------------------------------------------===//
// Sessions
//===----------------------------------------------------------------------===//

bool ServingLoop::inLoop(const std::function<void()> &task,
                         std::string &error) {
  std::unique_lock lock(mutex);
  if (ended) {
    error = kStopped;
    return false;
  }
  bool done = false;
  tasks.push_back([&] {
    task();
    std::scoped_lock inner(mutex);
    count();
    done = true;
    wake.notify_all();
  });
  wake.notify_all();
  wake.wait(lock, [&] { return done; });
  return true;
}

SessionStore *ServingLoop::store(std::string &error) const {
  SessionStore *files = scheduler->tree().store();
  if (!files)
    error = "there is no folder for sessions";
  return files;
}

bool ServingLoop::hasSessions() const { return scheduler->tree().store(); }

bool ServingLoop::saveSession(const std::string &name, std::vector<int32_t> ids,
                              std::vector<int64_t> boundaries,
                              std::string attachment, std::string &error) {
  std::scoped_lock one(saving);
  SessionStore *files = store(error);
  if (!files || !checkSessionName(name, error))
    return false;
  PrefixTree &tree = scheduler->tree();
  std::optional<PathDigest> last;
  bool saved = false;
  if (!inLoop([&] { last = tree.beginSave(ids, boundaries, error); }, error))
    return false;
  if (last) {
    files->flush();
    if (!inLoop([&] { saved = tree.isSaved(*last); }, error))
      return false;
    if (!saved)
      error = "session '" + name + "': its states could not be written";
  }
  if (saved) {
    KeptSession session;
    session.name = name;
    session.last = *last;
    session.ids = std::move(ids);
    session.boundaries = std::move(boundaries);
    session.attachment = std::move(attachment);
    saved = files->saveSession(std::move(session), error);
  }
  // Where the loop has ended by now, nothing is removed any more.
  std::string ignored;
  inLoop([&] { tree.pinSessions(); }, ignored);
  return saved;
}

std::vector<SessionInfo> ServingLoop::sessions() const {
  std::vector<SessionInfo> result;
  if (const SessionStore *files = scheduler->tree().store())
    for (KeptSession &session : files->sessions())
      result.push_back(
          {session.name, session.ids.size(), std::move(session.attachment)});
  return result;
}

std::optional<KeptSession> ServingLoop::session(const std::string &name,
                                                std::string &error) const {
  const SessionStore *files = store(error);
  return files ? files->session(name, error) : std::nullopt;
}

bool ServingLoop::forkSession(const std::string &from, const std::string &to,
                              std::string &error) {
  std::scoped_lock one(saving);
  SessionStore *files = store(error);
  return files && files->forkSession(from, to, error);
}

bool ServingLoop::deleteSession(const std::string &name, std::string &error) {
  std::scoped_lock one(saving);
  SessionStore *files = store(error);
  if (!files || !files->removeSession(name, error))
    return false;
  std::string ignored;
  inLoop([&] { scheduler->tree().pinSessions(); }, ignored);
  return true;
}

} // namespace marimba::rt
