//===- ThreadTeam.cpp - Parallel loops and binding ------------------------===//

#include "marimba/ThreadTeam.h"

#include "marimba/GroupLimits.h"
#include "marimba/ParallelRegions.h"

#include "LoopShares.h"
#include "Team.h"
#include "TeamQueue.h"
#include "marimba/abi.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <vector>

namespace marimba::rt {

namespace {

/// A set of cpus of any number, for calls that take its size.
class CpuSet {
public:
  explicit CpuSet(size_t cpus) : words((cpus + CPU_SETSIZE - 1) / CPU_SETSIZE) {
    clear();
  }
  explicit CpuSet(const std::vector<int> &list)
      : CpuSet(list.empty() ? 1 : static_cast<size_t>(list.back()) + 1) {
    for (int cpu : list)
      add(cpu);
  }
  void clear() { CPU_ZERO_S(bytes(), words.data()); }
  void add(int cpu) {
    CPU_SET_S(static_cast<size_t>(cpu), bytes(), words.data());
  }
  bool holds(size_t cpu) const {
    return CPU_ISSET_S(cpu, bytes(), words.data());
  }
  int count() const { return CPU_COUNT_S(bytes(), words.data()); }
  size_t bytes() const { return words.size() * sizeof(cpu_set_t); }
  size_t cpus() const { return words.size() * CPU_SETSIZE; }
  cpu_set_t *get() { return words.data(); }

private:
  std::vector<cpu_set_t> words;
};

/// The cpus of the process, read once, before anything is bound. Found at load
/// time: a later reader might already run on a bound thread. Empty where the
/// system does not tell.
const std::vector<int> &cpuList() {
  static const std::vector<int> list = [] {
    std::vector<int> cpus;
    // The kernel refuses a set that is too small for the machine.
    constexpr size_t most = 1 << 20;
    for (size_t size = CPU_SETSIZE; size <= most; size *= 2) {
      CpuSet set(size);
      if (sched_getaffinity(0, set.bytes(), set.get()) == 0) {
        for (size_t cpu = 0; cpu < set.cpus(); ++cpu)
          if (set.holds(cpu))
            cpus.push_back(static_cast<int>(cpu));
        break;
      }
      if (errno != EINVAL)
        break;
    }
    return cpus;
  }();
  return list;
}
[[maybe_unused]] const size_t cpusAtLoad = cpuList().size();

std::atomic<int64_t> regionsBegun = 0;

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
  CpuSet set(std::vector<int>{cpu});
  // Where that is not allowed, asking again would not help.
  pthread_setaffinity_np(pthread_self(), set.bytes(), set.get());
  boundCpu = cpu;
}

bool fits(int threads) {
  return threads > 1 && static_cast<size_t>(threads) <= cpuList().size();
}

struct Loop {
  MarimbaPhase phase;
  int64_t parts;
  bool bound;
  LoopShares *shares = nullptr;
};

void runShares(void *data) {
  const Loop &loop = *static_cast<const Loop *>(data);
  bindSelf(loop.bound);
  loop.shares->run(team::threadNumber(), team::teamSize(),
                   [&](int64_t begin, int64_t end) {
                     loop.phase.body(loop.phase.closure, begin, end);
                   });
}

/// The part of a loop that the calling thread owns: part i of `parts` is
/// [count * i / parts, count * (i + 1) / parts), computed without overflow.
void runOwn(const MarimbaPhase &phase, int64_t parts, int self, int size) {
  int64_t base = phase.count / std::max<int64_t>(parts, 1);
  int64_t extra = phase.count % std::max<int64_t>(parts, 1);
  // The system may have given fewer threads than parts.
  for (int64_t part = self; part < parts; part += size) {
    int64_t begin = part * base + std::min(part, extra);
    int64_t end = begin + base + (part < extra ? 1 : 0);
    phase.body(phase.closure, begin, end);
  }
}

void runPart(void *data) {
  const Loop &loop = *static_cast<const Loop *>(data);
  bindSelf(loop.bound);
  runOwn(loop.phase, loop.parts, team::threadNumber(), team::teamSize());
}

/// Where the threads of a team wait for each other, any number of times.
class Barrier {
public:
  /// `spins`: how often a thread looks before it sleeps.
  explicit Barrier(int spins) : spins(spins) {}

  /// The last thread to come calls `last` before it lets the others go on.
  template <typename Last> void wait(int size, Last last) {
    uint32_t before = round.load(std::memory_order_relaxed);
    if (arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == size) {
      last();
      arrived.store(0, std::memory_order_relaxed);
      round.store(before + 1, std::memory_order_release);
      round.notify_all();
      return;
    }
    for (int i = 0; i < spins; ++i) {
      if (round.load(std::memory_order_acquire) != before)
        return;
#ifdef __x86_64__
      __builtin_ia32_pause();
#endif
    }
    round.wait(before, std::memory_order_acquire);
  }

private:
  // On lines of their own: who waits reads one, who comes writes the other.
  alignas(64) std::atomic<int> arrived = 0;
  alignas(64) std::atomic<uint32_t> round = 0;
  int spins;
};

/// Looks at a barrier before a thread sleeps: some 0.3 ms, as other threads of
/// the team are at work; few where they may have to wait for its cpu.
constexpr int kSpins = 1 << 14, kSpinsWithoutCpus = 1 << 6;

struct Phases {
  const MarimbaPhase *first;
  int64_t count;
  int64_t threads;
  bool bound;
  Barrier barrier;
  LoopShares shares = {}; // of the phase that runs, if it is split

  int64_t parts(int64_t i) const { return std::min(threads, first[i].count); }
  bool isShared(int64_t i) const {
    return parts(i) > 1 && parts(i) <= LoopShares::kMostParts;
  }
  void prepare(int64_t i) {
    if (isShared(i))
      shares.reset(first[i].count, parts(i));
  }
};

/// The parts of all phases that the calling thread owns. Phases that are not
/// split all run on the first thread: between them nobody waits.
void runPhases(void *data) {
  Phases &phases = *static_cast<Phases *>(data);
  bindSelf(phases.bound);
  int self = team::threadNumber(), size = team::teamSize();
  int64_t before = 0;
  for (int64_t i = 0; i < phases.count; ++i) {
    int64_t parts = phases.parts(i);
    if (i > 0 && (parts > 1 || before > 1))
      phases.barrier.wait(size, [&] { phases.prepare(i); });
    const MarimbaPhase &phase = phases.first[i];
    if (phases.isShared(i))
      phases.shares.run(self, size, [&](int64_t begin, int64_t end) {
        phase.body(phase.closure, begin, end);
      });
    else
      runOwn(phase, parts, self, size);
    before = parts;
  }
}

} // namespace

void team::countRegion(int threads) {
  if (threads > 1)
    regionsBegun.fetch_add(1, std::memory_order_relaxed);
}

int64_t parallelRegions() {
  return regionsBegun.load(std::memory_order_relaxed);
}

int allowedCpus() {
  static const int count = [] {
    auto cpus = static_cast<int>(cpuList().size());
    if (cpus == 0)
      cpus = static_cast<int>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
    std::optional<double> quota = readGroupLimits().cpus;
    return quota ? std::min(cpus, threadsFor(*quota)) : cpus;
  }();
  return count;
}

bool canStartTeam(int threads, std::string &error) {
  static std::atomic<int> most = 1;
  if (threads <= most)
    return true;
  // As many more as there will be beside the caller, all at once.
  struct Gate {
    std::mutex mutex;
    std::condition_variable opened;
    bool open = false;
  } gate;
  std::vector<pthread_t> started;
  started.reserve(static_cast<size_t>(threads));
  int code = 0;
  while (static_cast<int>(started.size()) < threads && code == 0) {
    pthread_t thread;
    code = pthread_create(
        &thread, nullptr,
        [](void *data) -> void * {
          Gate &gate = *static_cast<Gate *>(data);
          std::unique_lock lock(gate.mutex);
          gate.opened.wait(lock, [&] { return gate.open; });
          return nullptr;
        },
        &gate);
    if (code == 0)
      started.push_back(thread);
  }
  {
    std::lock_guard lock(gate.mutex);
    gate.open = true;
  }
  gate.opened.notify_all();
  for (pthread_t thread : started)
    pthread_join(thread, nullptr);
  if (code != 0) {
    error = "a team of " + std::to_string(threads) +
            " threads cannot be started, only " +
            std::to_string(started.size()) + ": " + std::strerror(code) +
            "; ask for fewer threads, or see what ulimit -u, ulimit -v or the "
            "container allows";
    return false;
  }
  most = std::max(threads, most.load());
  return true;
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
  CpuSet set(cpus);
  // A thread that a bound one started has the same single cpu.
  bool inherited =
      cpus.size() > 1 && sched_getaffinity(0, set.bytes(), set.get()) == 0 &&
      set.count() == 1 && set.holds(static_cast<size_t>(cpus.front()));
  boundTeam = 0;
  boundCpu = -1;
  if (!inherited)
    return;
  CpuSet all(cpus);
  pthread_setaffinity_np(pthread_self(), all.bytes(), all.get());
}

BesideLeader::BesideLeader(int threads) {
  if (!fits(threads) || sched_getaffinity(0, sizeof(before), &before) != 0)
    return;
  CpuSet set(std::vector<int>{cpuList().front()});
  moved = sched_setaffinity(0, set.bytes(), set.get()) == 0;
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
  Loop loop = {{count, body, closure},
               parts,
               boundTeam == ctx->threads && fits(ctx->threads)};
  // Pieces may be smaller than `grain`.
  if (parts > LoopShares::kMostParts || grain > 1) {
    team::run(ctx->threads, runPart, &loop);
    return;
  }
  LoopShares shares(count, parts);
  loop.shares = &shares;
  team::run(ctx->threads, runShares, &loop);
}

extern "C" void marimba_parallel_phases(MarimbaContext *ctx, int64_t count,
                                        const MarimbaPhase *phases) {
  using namespace marimba::rt;
  bool alone = ctx->threads <= 1 || team::inside();
  auto split = [&](int64_t i) { return !alone && phases[i].count > 1; };
  auto runHere = [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      if (phases[i].count > 0)
        phases[i].body(phases[i].closure, 0, phases[i].count);
  };
  // The team works from the first loop that is split to the last one.
  int64_t begin = 0, end = count;
  while (begin < end && !split(begin))
    ++begin;
  while (end > begin && !split(end - 1))
    --end;
  runHere(0, begin);
  if (end - begin == 1) {
    const MarimbaPhase &phase = phases[begin];
    marimba_parallel_for(ctx, phase.count, 1, phase.body, phase.closure);
  } else if (begin < end) {
    bool hasCpus = fits(ctx->threads);
    Phases together = {phases + begin, end - begin, ctx->threads,
                       boundTeam == ctx->threads && hasCpus,
                       Barrier(hasCpus ? kSpins : kSpinsWithoutCpus)};
    together.prepare(0);
    team::run(ctx->threads, runPhases, &together);
  }
  runHere(end, count);
}
