//===- LimitsBench.cpp - The probes of the limits, checked ----------------===//
//
// Part of Marimba. The rates that `marimba bench` calls limits, beside the best
// of some simple loops (bench/README.md). Exits with 1 where a probe is more
// than a tenth below.
//
//===----------------------------------------------------------------------===//

#include "bench/Entries.h"
#include "bench/SimpleLoops.h"
#include "marimba/Stopwatch.h"
#include "tools/measure/LimitRunner.h"
#include "tools/measure/Limits.h"

#include "marimba/PrimitiveCache.h"
#include "marimba/ThreadTeam.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <benchmark/benchmark.h>
#include <map>

using namespace marimba;
using namespace marimba::bench;
using namespace llvm;

/// As much as the probes read at least.
static constexpr int64_t kReadBytes = int64_t(256) << 20;
static bool allGood = true;

namespace {
/// The fastest sample of each loop.
class Best {
public:
  void add(double rate, const std::string &loop) {
    all[loop] = std::max(all[loop], rate);
  }
  /// Those of others, where they are as good as own ones.
  void add(const Best &other) {
    all.insert(other.all.begin(), other.all.end());
  }

  /// The loops, the fastest one first.
  std::vector<std::pair<double, std::string>> sorted() const {
    std::vector<std::pair<double, std::string>> result;
    for (const auto &[loop, rate] : all)
      result.emplace_back(rate, loop);
    std::sort(result.rbegin(), result.rend());
    return result;
  }

private:
  std::map<std::string, double> all; // 10^9 a second
};

/// Runs simple loops on the team that the probes run on.
class Team {
public:
  explicit Team(unsigned threads) : threads(threads) {
    std::string error;
    context = rt::Context::create(static_cast<int>(threads),
                                  std::make_shared<rt::PrimitiveCache>(), error,
                                  rt::Context::kSmallestArenaBytes);
    if (!context)
      stop(error);
    if (!buffer.allocate(kReadBytes))
      stop("no memory to read");
    linesEach = kReadBytes / kCacheLine / threads;
    // Whoever reads a page has written it first.
    each(&Team::fill, {}, linesEach);
  }

  void measure(const std::vector<SimpleLoop> &loops, Best &best, bool read) {
    for (const SimpleLoop &loop : loops) {
      int64_t iterations = read ? linesEach : 20000;
      double seconds = each(&Team::runLoop, loop, iterations);
      if (!read) { // samples of two milliseconds
        iterations = static_cast<int64_t>(static_cast<double>(iterations) *
                                          std::max(1.0, 0.002 / seconds));
        for (int sample = 0; sample < 5; ++sample)
          seconds = std::min(each(&Team::runLoop, loop, iterations),
                             sample ? seconds : 1e9);
      }
      best.add(loop.work * static_cast<double>(iterations) * threads / seconds *
                   1e-9,
               loop.name);
    }
  }

private:
  struct Job {
    Team *team;
    void (Team::*body)(const SimpleLoop &, int64_t, char *);
    const SimpleLoop &loop;
    int64_t iterations;
  };

  double each(void (Team::*body)(const SimpleLoop &, int64_t, char *),
              const SimpleLoop &loop, int64_t iterations) {
    Job job{this, body, loop, iterations};
    rt::bindThreads(static_cast<int>(threads));
    rt::Stopwatch watch;
    marimba_parallel_for(
        context->get(), threads, 1,
        [](void *data, int64_t begin, int64_t end) {
          Job &job = *static_cast<Job *>(data);
          for (int64_t thread = begin; thread < end; ++thread)
            (job.team->*job.body)(job.loop, job.iterations,
                                  job.team->buffer.data() +
                                      thread * job.team->linesEach *
                                          kCacheLine);
        },
        &job);
    return watch.seconds();
  }
  void fill(const SimpleLoop &, int64_t lines, char *memory) {
    memset(memory, 1, lines * kCacheLine);
  }
  void runLoop(const SimpleLoop &loop, int64_t iterations, char *memory) {
    loop.run(iterations, memory);
  }

  unsigned threads;
  int64_t linesEach;
  std::unique_ptr<rt::Context> context;
  ReadBuffer buffer;
};
} // namespace

/// Probes and loops in turns: what disturbs one disturbs the other.
static void runLimits(benchmark::State &state, unsigned threads) {
  std::string error;
  static std::unique_ptr<LimitProbes> probes = LimitProbes::create({}, error);
  if (!probes)
    stop(error);
  Team team(threads);
  Best fma, bf16, int8, exp, read;
  Limits probed;
  for (auto _ : state) {
    team.measure(fmaLoops(), fma, /*read=*/false);
    team.measure(bf16Loops(), bf16, /*read=*/false);
    team.measure(int8Loops(), int8, /*read=*/false);
    team.measure(expLoops(), exp, /*read=*/false);
    team.measure(readLoops(), read, /*read=*/true);
    Limits now;
    if (!probes->measure(threads, {9, 0.002, 2}, now, error))
      stop(error);
    for (auto rate :
         {&Limits::f32Gflops, &Limits::bf16Gflops, &Limits::int8Gops,
          &Limits::dramReadGbps, &Limits::expGops})
      (probed.*rate).max = std::max((probed.*rate).max, (now.*rate).max);
  }
  // As the probes do: without instructions of their own, as f32.
  for (Best *best : {&bf16, &int8})
    best->add(fma);

  outs() << format("%u threads   probe    loop   ratio  the fastest loops\n",
                   threads);
  auto row = [&](const char *name, const Spread &probe, const Best &loop) {
    auto sorted = loop.sorted();
    double ratio = probe.max / sorted.front().first;
    allGood &= ratio >= 0.9;
    outs() << format("%-9s %8.2f %8.2f %6.3f ", name, probe.max,
                     sorted.front().first, ratio);
    sorted.resize(std::min<size_t>(sorted.size(), 3));
    for (const auto &[rate, which] : sorted)
      outs() << ' ' << which << format(" %.2f;", rate);
    outs() << (ratio >= 0.9 ? "\n" : " BELOW 0.9\n");
    state.counters[name] = ratio;
  };
  row("f32", probed.f32Gflops, fma);
  row("bf16", probed.bf16Gflops, bf16);
  row("int8", probed.int8Gops, int8);
  row("dram", probed.dramReadGbps, read);
  row("exp", probed.expGops, exp);
  outs().flush();
}

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 1;
  std::vector<int> teams{1};
  if (rt::allowedCpus() > 1)
    teams.push_back(rt::allowedCpus());
  for (int threads : teams)
    benchmark::RegisterBenchmark(
        ("limits/threads" + std::to_string(threads)).c_str(), runLimits,
        threads)
        ->Iterations(10)
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  if (!allGood)
    errs() << "error: a probe is below 0.9 of the fastest loop\n";
  return allGood ? 0 : 1;
}
