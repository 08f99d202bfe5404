//===- StdTeam.cpp - The thread team on std::thread -----------------------===//
//
// For ThreadSanitizer, which does not see how libgomp's threads wait for each
// other. As there, every calling thread has a team of its own. oneDNN stays on
// the thread that calls it: a team that it made would be libgomp's.
//
//===----------------------------------------------------------------------===//

#include "Team.h"
#include "marimba/ThreadTeam.h"

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <system_error>
#include <thread>
#include <tuple>
#include <vector>

extern "C" void omp_set_num_threads(int threads);

namespace marimba::rt::team {

namespace {

/// What a thread is in the region that it runs.
struct Place {
  int number = 0;
  int size = 1;
  bool inside = false;
};

/// The threads numbered 1 and up of one calling thread's team. They stay; in a
/// region smaller than the team some have nothing to do. Regions begin and end
/// by a mutex each: with one for both, a part that ends would come before one
/// that begins late, and a race of the two would not show.
class Pool {
public:
  ~Pool();
  void run(int threads, void (*function)(void *), void *data);

private:
  void grow(int threads);
  void work(int number);

  std::vector<std::thread> members;

  std::mutex beginning;
  std::condition_variable begun;
  // What `beginning` guards:
  void (*function)(void *) = nullptr;
  void *data = nullptr;
  int size = 1;
  uint64_t regions = 0;
  bool closing = false;

  std::mutex ending;
  std::condition_variable ended;
  int running = 0; // guarded by `ending`
};

/// What this file knows of a thread. Its team ends with it.
struct Self {
  // Whoever is known here is kept from teams inside of oneDNN. All ways there
  // ask for inside() or defaultSize() first.
  Self() { omp_set_num_threads(1); }

  Place place;
  int defaultTeam = allowedCpus();
  Pool pool;
};

Self &self() {
  thread_local Self self;
  return self;
}

Pool::~Pool() {
  {
    std::lock_guard lock(beginning);
    closing = true;
  }
  begun.notify_all();
  for (std::thread &member : members)
    member.join();
}

void Pool::grow(int threads) {
  while (static_cast<int>(members.size()) + 1 < threads) {
    int number = static_cast<int>(members.size()) + 1;
    try {
      members.emplace_back([this, number] { work(number); });
    } catch (const std::system_error &) {
      return; // the system gives no more: the team is smaller
    }
  }
}

void Pool::run(int threads, void (*function)(void *), void *data) {
  countRegion(threads);
  grow(threads);
  int size = std::min(threads, static_cast<int>(members.size()) + 1);
  {
    std::lock_guard lock(ending);
    running = size - 1;
  }
  {
    std::lock_guard lock(beginning);
    this->function = function;
    this->data = data;
    this->size = size;
    ++regions;
  }
  begun.notify_all();
  self().place = {0, size, size > 1};
  function(data);
  self().place = {};
  std::unique_lock lock(ending);
  ended.wait(lock, [this] { return running == 0; });
}

void Pool::work(int number) {
  uint64_t seen = 0;
  for (;;) {
    std::unique_lock begin(beginning);
    begun.wait(begin, [&] { return closing || regions != seen; });
    if (closing)
      return;
    seen = regions;
    if (number >= size)
      continue;
    auto [function, data, size] =
        std::tuple(this->function, this->data, this->size);
    begin.unlock();
    self().place = {number, size, true};
    function(data);
    std::lock_guard end(ending);
    if (--running == 0)
      ended.notify_one();
  }
}

} // namespace

void run(int threads, void (*function)(void *), void *data) {
  Place &place = self().place;
  if (threads > 1 && !place.inside)
    return self().pool.run(threads, function, data);
  // A team of one, which a region may have inside it.
  Place before = place;
  place = {0, 1, before.inside};
  function(data);
  place = before;
}
int threadNumber() { return self().place.number; }
int teamSize() { return self().place.size; }
bool inside() { return self().place.inside; }
void setDefaultSize(int threads) { self().defaultTeam = threads; }
int defaultSize() { return self().defaultTeam; }

} // namespace marimba::rt::team
