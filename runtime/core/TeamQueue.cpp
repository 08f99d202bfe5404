//===- TeamQueue.cpp - Work of several threads on one team ----------------===//

#include "TeamQueue.h"

#include "marimba/ThreadTeam.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

namespace marimba::rt {

namespace {

struct Job {
  int threads;
  void (*work)(void *);
  void *data;
  std::exception_ptr failure;
  bool done = false;
  std::condition_variable ended;
};

/// Whether the calling thread is inside the work of a team.
thread_local bool working = false;

void runHere(int threads, void (*work)(void *), void *data) {
  struct Mark {
    Mark() { working = true; }
    ~Mark() { working = false; }
  } mark;
  bindThreads(threads);
  work(data);
}

/// Stands for a thread by its address.
thread_local char self;

class Queue {
public:
  /// Never destroyed: its thread outlives main().
  static Queue &instance() {
    static Queue &queue = *new Queue;
    return queue;
  }

  void share() { shared = true; }
  bool isWanted() const { return waiting > 0; }

  void run(int threads, void (*work)(void *), void *data) {
    if (isOwner()) {
      std::unique_lock turn(team);
      if (!shared)
        return runHere(threads, work, data);
    }
    shared = true;
    thread_local bool unbound = false;
    if (!unbound)
      unbindThread();
    unbound = true;
    Job job{threads, work, data, nullptr, false, {}};
    BesideLeader place(threads);
    {
      std::unique_lock lock(mutex);
      // It lives as long as the process, as the threads of its team do. Where
      // it cannot be started nothing has happened.
      if (!started)
        std::thread([this] { serve(); }).detach();
      started = true;
      jobs.push_back(&job);
      ++waiting;
      arrived.notify_one();
      job.ended.wait(lock, [&] { return job.done; });
    }
    if (job.failure)
      std::rethrow_exception(job.failure);
  }

private:
  /// Whether the caller is the first thread that asked.
  bool isOwner() {
    const void *first = nullptr;
    return owner.compare_exchange_strong(first, &self) || first == &self;
  }

  [[noreturn]] void serve() {
    unbindThread();
    // Until the owner's work has ended; later it comes here, too.
    {
      std::unique_lock turn(team);
    }
    for (;;) {
      std::unique_lock lock(mutex);
      arrived.wait(lock, [&] { return !jobs.empty(); });
      Job &job = *jobs.front();
      jobs.pop_front();
      --waiting;
      lock.unlock();
      try {
        runHere(job.threads, job.work, job.data);
      } catch (...) {
        job.failure = std::current_exception();
      }
      lock.lock();
      job.done = true;
      job.ended.notify_one(); // with the lock: the job is the waiter's
    }
  }

  std::atomic<const void *> owner = nullptr;
  std::atomic<bool> shared = false; // another thread asked, too
  std::mutex team;                  // held by the owner while it works
  std::atomic<int> waiting = 0;     // of jobs

  std::mutex mutex; // of what follows
  std::condition_variable arrived;
  std::deque<Job *> jobs;
  bool started = false;
};

} // namespace

void onTeam(int threads, void (*work)(void *), void *data) {
  if (working)
    return work(data);
  if (threads <= 1)
    return runHere(threads, work, data);
  Queue::instance().run(threads, work, data);
}

bool isTeamWanted() { return Queue::instance().isWanted(); }

void shareTeams() { Queue::instance().share(); }

} // namespace marimba::rt
