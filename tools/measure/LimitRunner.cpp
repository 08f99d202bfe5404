//===- LimitRunner.cpp - Runs the probes of the limits --------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/measure/LimitRunner.h"
#include "marimba/Stopwatch.h"

#include "marimba/PrimitiveCache.h"
#include "marimba/ThreadTeam.h"
#include <algorithm>
#include <cstddef>
#include <sys/mman.h>

using namespace marimba;

static_assert(offsetof(ProbeClosure, iterations) == 64 &&
              offsetof(ProbeClosure, sinks) == 72 &&
              offsetof(ProbeClosure, memory) == 80 &&
              offsetof(ProbeClosure, share) == 88 &&
              offsetof(ProbeClosure, step) == 96);

ReadBuffer::~ReadBuffer() {
  if (memory)
    munmap(memory, size);
}

bool ReadBuffer::allocate(int64_t bytes) {
  void *data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED)
    return false;
  madvise(data, bytes, MADV_HUGEPAGE);
  memory = static_cast<char *>(data);
  size = bytes;
  return true;
}

std::unique_ptr<LimitRunner> LimitRunner::create(unsigned threads,
                                                 std::string &error) {
  std::unique_ptr<LimitRunner> runner(new LimitRunner);
  runner->threads = threads;
  runner->context = rt::Context::create(
      static_cast<int>(threads), std::make_shared<rt::PrimitiveCache>(), error,
      rt::Context::kSmallestArenaBytes);
  if (!runner->context)
    return nullptr;
  auto sinks = rt::AlignedBuffer::zeroed(int64_t(threads) * kCacheLine);
  if (!sinks) {
    error = "no memory for the probes";
    return nullptr;
  }
  runner->sinks = std::move(*sinks);
  runner->closure.sinks = runner->sinks.data();
  return runner;
}

double LimitRunner::time(const Probe &probe, int64_t iterations) {
  closure.iterations = iterations;
  double seconds = 0;
  rt::onTeam(static_cast<int>(threads), [&] {
    rt::Stopwatch watch;
    marimba_parallel_for(context->get(), threads, 1, probe.body, &closure);
    seconds = watch.seconds();
  });
  return seconds;
}

Spread LimitRunner::measure(const Probe &probe, const ProbeOptions &options) {
  int64_t iterations = 1024;
  double seconds = time(probe, iterations);
  while (seconds < options.secondsPerSample / 4) {
    iterations *= 4;
    seconds = time(probe, iterations);
  }
  iterations = std::max<int64_t>(
      1, static_cast<int64_t>(static_cast<double>(iterations) *
                              options.secondsPerSample / seconds));
  return measure(probe, options.repeats, iterations);
}

Spread LimitRunner::measure(const Probe &probe, unsigned repeats,
                            int64_t iterations) {
  std::vector<double> rates;
  double work =
      probe.workPerIteration * static_cast<double>(iterations) * threads * 1e-9;
  for (unsigned i = 0; i < repeats; ++i)
    rates.push_back(work / time(probe, iterations));
  return Spread::of(std::move(rates));
}

void LimitRunner::setMemory(const ReadBuffer &buffer, int64_t bytes) {
  closure.memory = buffer.data();
  closure.share = bytes;
  // Whoever reads a page has written it first: it lies near that thread.
  auto touch = [](void *data, int64_t begin, int64_t end) {
    auto *closure = static_cast<ProbeClosure *>(data);
    memset(closure->memory + begin * closure->share, 1,
           (end - begin) * closure->share);
  };
  rt::onTeam(static_cast<int>(threads), [&] {
    marimba_parallel_for(context->get(), threads, 1, touch, &closure);
  });
}

Spread LimitRunner::measureReads(const std::vector<Probe> &probes,
                                 const ReadBuffer &buffer,
                                 const ProbeOptions &options) {
  setMemory(buffer, buffer.bytes() / threads / kCacheLine * kCacheLine);
  Spread best;
  for (const Probe &probe : probes) {
    int64_t iterations = closure.share / probe.streams / kCacheLine;
    time(probe, iterations);
    Spread rate = measure(probe, options.readRepeats, iterations);
    if (rate.max > best.max)
      best = rate;
  }
  return best;
}
