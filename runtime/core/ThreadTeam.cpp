//===- ThreadTeam.cpp - Parallel loops and binding ------------------------===//

#include "marimba/ThreadTeam.h"

#include "Team.h"
#include "TeamQueue.h"
#include "marimba/abi.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <vector>

namespace marimba::rt {

namespace {

/// The cpus of the process, read once, before anything is bound. Found at load
/// time: a later reader might already run on a bound thread.
const std::vector<int> &cpuList() {
  static const std::vector<int> list = [] {
    std::vector<int> cpus;
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof(set), &set) == 0)
      for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
        if (CPU_ISSET(cpu, &set))
          cpus.push_back(cpu);
    return cpus;
  }();
  return list;
}
[[maybe_unused]] const size_t cpusAtLoad = cpuList().size();

/// The cpu this thread was bound to here, or -1.
thread_local int boundCpu = -1;
/// The team size this thread last asked to bind, or 0.
thread_local int boundTeam = 0;

/// Binds the calling member of a team that is to be bound. A team that shrinks
/// and grows again gets new threads, so each region checks.
void bindSelf(bool bound) {
  if (!bound)
    return;
  int cpu = cpuList()[static_cast<size_t>(team::threadNumber())];
  if (boundCpu == cpu)
    return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (pthread_setaffinity_np(pthread_self(), sizeof(set), &set) == 0)
    boundCpu = cpu;
}

bool fits(int threads) {
  return threads > 1 && static_cast<size_t>(threads) <= cpuList().size();
}

struct Loop {
  MarimbaLoopBody body;
  void *closure;
  int64_t count;
  int64_t parts;
  bool bound;
};

/// The part of a loop that the calling thread owns: part i of `parts` is
/// [count * i / parts, count * (i + 1) / parts), computed without overflow.
void runPart(void *data) {
  const Loop &loop = *static_cast<const Loop *>(data);
  bindSelf(loop.bound);
  int64_t base = loop.count / loop.parts;
  int64_t extra = loop.count % loop.parts;
  // The system may have given fewer threads than parts.
  for (int64_t part = team::threadNumber(); part < loop.parts;
       part += team::teamSize()) {
    int64_t begin = part * base + std::min(part, extra);
    int64_t end = begin + base + (part < extra ? 1 : 0);
    loop.body(loop.closure, begin, end);
  }
}

} // namespace

int allowedCpus() {
  return std::max<int>(1, static_cast<int>(cpuList().size()));
}

void bindThreads(int threads) {
  if (team::inside())
    return;
  if (team::defaultSize() != threads)
    team::setDefaultSize(threads);
  if (boundTeam == threads)
    return;
  boundTeam = threads;
  bool bound = fits(threads);
  if (bound)
    team::run(threads, [](void *) { bindSelf(true); }, nullptr);
}

void unbindThread() {
  const std::vector<int> &cpus = cpuList();
  cpu_set_t set;
  // A thread that a bound one started has the same single cpu.
  bool inherited = cpus.size() > 1 &&
                   sched_getaffinity(0, sizeof(set), &set) == 0 &&
                   CPU_COUNT(&set) == 1 &&
                   CPU_ISSET(static_cast<size_t>(cpus.front()), &set);
  boundTeam = 0;
  boundCpu = -1;
  if (!inherited)
    return;
  CPU_ZERO(&set);
  for (int cpu : cpus)
    CPU_SET(static_cast<size_t>(cpu), &set);
  pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

BesideLeader::BesideLeader(int threads) {
  if (!fits(threads) || sched_getaffinity(0, sizeof(before), &before) != 0)
    return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<size_t>(cpuList().front()), &set);
  moved = sched_setaffinity(0, sizeof(set), &set) == 0;
}

BesideLeader::~BesideLeader() {
  if (moved)
    sched_setaffinity(0, sizeof(before), &before);
}

} // namespace marimba::rt

extern "C" void marimba_parallel_for(MarimbaContext *ctx, int64_t count,
                                     int64_t grain, MarimbaLoopBody body,
                                     void *closure) {
  using namespace marimba::rt;
  if (count <= 0)
    return;
  int64_t parts =
      std::min<int64_t>(ctx->threads, count / std::max<int64_t>(grain, 1));
  if (parts <= 1 || team::inside()) {
    body(closure, 0, count);
    return;
  }
  // Always the whole team: libgomp ends the threads that a smaller one would
  // leave out, and starts new ones for the next full one.
  Loop loop = {body, closure, count, parts,
               boundTeam == ctx->threads && fits(ctx->threads)};
  team::run(ctx->threads, runPart, &loop);
}
