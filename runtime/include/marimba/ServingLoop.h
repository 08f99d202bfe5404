//===- ServingLoop.h - A thread that answers requests -----------*- C++ -*-===//
//
// What a server builds on: requests come from any thread, answers go to a
// listener of each (docs/prefix-reuse.md).
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_SERVINGLOOP_H
#define MARIMBA_RUNTIME_SERVINGLOOP_H

#include "marimba/Scheduler.h"

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace marimba::rt {

/// Hears of one request, from the loop's thread, which waits for it: it must
/// not take long. It may submit and cancel. Exactly one of finished() and
/// failed() comes last; neither after cancel().
class AnswerListener {
public:
  virtual ~AnswerListener() = default;
  /// `done` of the `total` tokens of its prompt are read or reused by now.
  virtual void reading(size_t done, size_t total) { (void)done, (void)total; }
  virtual void token(const NewToken &token) = 0;
  /// `text` was held back until now.
  virtual void finished(AnswerEnd end, std::string_view text,
                        const RequestUsage &usage) = 0;
  /// The model failed, or the loop stopped.
  virtual void failed(const std::string &error) = 0;
};

/// What happened since the start, and what is now.
struct ServingCounters {
  uint64_t requests = 0; // accepted
  uint64_t refused = 0;  // because the queue was full
  uint64_t finished = 0, failed = 0, cancelled = 0;
  size_t running = 0, waiting = 0; // now
  uint64_t steps = 0;              // calls of the model, reading and decoding
  double longestStep = 0;          // seconds
  uint64_t readTokens = 0;         // of prompts, by the model
  uint64_t reusedTokens = 0;       // of prompts, not read again
  uint64_t newTokens = 0;          // of answers
  int64_t cacheBytes = 0;          // memory of what is kept for reuse, now
  uint64_t cacheNodes = 0;         // places kept in memory, now
  uint64_t evictions = 0;          // places that left memory
  int64_t spilledBytes = 0;        // written to the folder of sessions
  int64_t storedBytes = 0;         // in that folder, now
};

/// A conversation that has a name.
struct SessionInfo {
  std::string name;
  size_t tokens = 0;
  std::string attachment; // as saveSession() got it
};

/// Steps a scheduler in a thread of its own. All functions may be called from
/// any thread, submit() and cancel() also from listeners.
class ServingLoop {
public:
  /// `tokenizer` may be null: then there are no texts. Model and tokenizer must
  /// outlive this. Null and `error` where memory is short.
  static std::unique_ptr<ServingLoop> create(const ReadyModel &model,
                                             const Tokenizer *tokenizer,
                                             const Scheduler::Options &options,
                                             std::string &error);
  /// As stop(false).
  ~ServingLoop();

  /// Has it answered. Its number; nothing, `why` and `error` where it is not
  /// accepted.
  std::optional<uint64_t> submit(Request request,
                                 std::shared_ptr<AnswerListener> listener,
                                 SubmitError &why, std::string &error);
  /// Drops a request: its slot is free with the next step. A call of its
  /// listener may be under way, and ends. One that is not there is no error.
  void cancel(uint64_t request);

  /// Has a prompt read while there is nothing else to do, so that one which
  /// begins with it need not wait; as Scheduler::readWhenIdle().
  void readWhenIdle(std::vector<int32_t> ids, std::vector<int64_t> boundaries);

  /// Accepts nothing more; `drain`: ends when all that runs and waits is
  /// answered. Otherwise those fail. Returns when the thread has ended; not
  /// from a listener.
  void stop(bool drain);

  ServingCounters counters() const;

  /// Saves a conversation under a name (checkSessionName()), in place of what
  /// has it: what is kept of its beginning stays in the folder until the
  /// session is deleted, and over a restart. True when all of it is on the
  /// disk. `attachment` is the caller's. Waits for the loop: not from a
  /// listener. Here and below: false and `error` without a folder, too.
  bool saveSession(const std::string &name, std::vector<int32_t> ids,
                   std::vector<int64_t> boundaries, std::string attachment,
                   std::string &error);
  /// In the order of their names; none without a folder.
  std::vector<SessionInfo> sessions() const;
  std::optional<KeptSession> session(const std::string &name,
                                     std::string &error) const;
  /// `to` must be free.
  bool forkSession(const std::string &from, const std::string &to,
                   std::string &error);
  bool deleteSession(const std::string &name, std::string &error);
  bool hasSessions() const;

private:
  class Ears;
  ServingLoop() = default;
  void run();
  /// Whether the scheduler has something to do.
  bool hasWork() const;
  /// Waits for work and does what comes before the next step. False at the end.
  bool awaitWork();
  /// A call of the model.
  void step(Ears &ears);
  /// Whether step() has something to do and nothing else is to be done first.
  bool goesOn() const;
  /// Takes what the tree counted; locked, in the loop's thread.
  void count();
  /// Has the loop's thread do something between steps. False and `error` where
  /// it has stopped.
  bool inLoop(const std::function<void()> &task, std::string &error);
  SessionStore *store(std::string &error) const;
  /// Tells everybody who still listens.
  void failAll(const std::string &error);

  std::unique_ptr<Scheduler> scheduler;
  int32_t threads = 1;      // of the model's team
  mutable std::mutex mutex; // of what follows
  std::condition_variable wake;
  std::map<uint64_t, std::shared_ptr<AnswerListener>> listeners;
  ServingCounters counts;
  std::deque<std::function<void()>> tasks;
  bool stopping = false, draining = false, ended = false;
  std::mutex joining;
  std::mutex saving;  // one change of sessions at a time
  std::thread thread; // last: it uses the rest
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_SERVINGLOOP_H
