//===- Limits.cpp - What the machine can do at best -----------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/Limits.h"
#include "tools/libmarimba/JitCode.h"
#include "tools/libmarimba/LimitsText.h"
#include "tools/libmarimba/Stopwatch.h"

#include "marimba/Context.h"
#include "marimba/Library.h"
#include "marimba/Tensor.h"
#include "marimba/ThreadTeam.h"
#include "marimba/abi.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"
#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

using namespace marimba;
using namespace llvm;

Spread Spread::of(std::vector<double> samples) {
  if (samples.empty())
    return {};
  std::sort(samples.begin(), samples.end());
  size_t n = samples.size();
  return {samples.front(), (samples[(n - 1) / 2] + samples[n / 2]) / 2,
          samples.back()};
}

//===----------------------------------------------------------------------===//
// What a probe is given
//===----------------------------------------------------------------------===//

/// The offsets stand in kFrame, too (LimitsText.h).
namespace {
struct alignas(64) Closure {
  char data[64] = {};     // the operand of every multiplication
  int64_t iterations = 0; // of the innermost loop
  char *sinks = nullptr;  // 64 bytes for each thread
  char *memory = nullptr; // what is read
  int64_t share = 0;      // bytes of `memory` from one thread to the next
  float step = 0;         // added to x: zero, but the compiler cannot know
};
static_assert(offsetof(Closure, iterations) == 64 &&
              offsetof(Closure, sinks) == 72 &&
              offsetof(Closure, memory) == 80 &&
              offsetof(Closure, share) == 88 && offsetof(Closure, step) == 96);
} // namespace

//===----------------------------------------------------------------------===//
// Compiling and running them
//===----------------------------------------------------------------------===//

namespace {

/// One probe in machine code.
struct Probe {
  CodePtr code;
  MarimbaLoopBody body = nullptr;
  double workPerIteration = 0; // of one thread: operations or bytes
  unsigned streams = 0;        // of those that read memory

  explicit operator bool() const { return body != nullptr; }
};

std::string vectorType(unsigned lanes, StringRef element) {
  return ("vector<" + Twine(lanes) + "x" + element + ">").str();
}

/// The last-level cache of one processor in bytes.
int64_t lastLevelCacheBytes() {
  int64_t largest = 0;
  for (int name : {_SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE})
    largest = std::max<int64_t>(largest, sysconf(name));
  return largest;
}

/// Memory in huge pages where the system has them, to be read.
class ReadBuffer {
public:
  ~ReadBuffer() {
    if (memory)
      munmap(memory, size);
  }
  bool allocate(int64_t bytes) {
    void *data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED)
      return false;
    madvise(data, bytes, MADV_HUGEPAGE);
    memory = static_cast<char *>(data);
    size = bytes;
    return true;
  }
  char *data() const { return memory; }
  int64_t bytes() const { return size; }

private:
  char *memory = nullptr;
  int64_t size = 0;
};

/// Independent sums in flight: as many as hide the latency of any processor's
/// multipliers, and fit in 16 registers.
constexpr unsigned kAccumulators = 12;
constexpr unsigned kExpAccumulators = 6;
constexpr int64_t kCacheLine = 64;

} // namespace

struct LimitProbes::Impl {
  mlir::marimba::TargetOptions target;
  unsigned bits = 128;
  Probe fma, bf16, int8, exp;
  std::vector<Probe> reads; // the fastest one counts

  bool compile(Probe &probe, StringRef name, StringRef body, unsigned copies,
               double work, StringMap<std::string> names, std::string &error);
  bool compileAll(std::string &error);
};

/// A team of one size and what its probes work on.
namespace {
class Runner {
public:
  static std::unique_ptr<Runner> create(unsigned threads, std::string &error) {
    std::unique_ptr<Runner> runner(new Runner);
    runner->threads = threads;
    runner->context = rt::Context::create(
        static_cast<int>(threads), std::make_shared<rt::Library>(), error,
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

  /// Seconds of one run with `iterations` on every thread.
  double time(const Probe &probe, int64_t iterations) {
    closure.iterations = iterations;
    rt::TeamLock lock;
    rt::bindThreads(static_cast<int>(threads));
    Stopwatch watch;
    marimba_parallel_for(context->get(), threads, 1, probe.body, &closure);
    return watch.seconds();
  }

  /// Work per second in 10^9, measured `options.repeats` times.
  Spread measure(const Probe &probe, const ProbeOptions &options) {
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

  Spread measure(const Probe &probe, unsigned repeats, int64_t iterations) {
    std::vector<double> rates;
    double work = probe.workPerIteration * static_cast<double>(iterations) *
                  threads * 1e-9;
    for (unsigned i = 0; i < repeats; ++i)
      rates.push_back(work / time(probe, iterations));
    return Spread::of(std::move(rates));
  }

  /// Reads all of `buffer`, a part of it by each thread.
  Spread measureReads(const std::vector<Probe> &probes,
                      const ReadBuffer &buffer, const ProbeOptions &options) {
    closure.memory = buffer.data();
    closure.share = buffer.bytes() / threads / kCacheLine * kCacheLine;
    rt::TeamLock lock;
    rt::bindThreads(static_cast<int>(threads));
    // Whoever reads a page has written it first: it lies near that thread.
    marimba_parallel_for(
        context->get(), threads, 1,
        [](void *data, int64_t begin, int64_t end) {
          auto *closure = static_cast<Closure *>(data);
          memset(closure->memory + begin * closure->share, 1,
                 (end - begin) * closure->share);
        },
        &closure);
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

  template <typename T> void setOperand(T value) {
    for (size_t at = 0; at < sizeof(closure.data); at += sizeof(T))
      memcpy(closure.data + at, &value, sizeof(T));
  }
  const char *sink() const { return sinks.data(); }

private:
  Runner() = default;
  unsigned threads = 1;
  std::unique_ptr<rt::Context> context;
  rt::AlignedBuffer sinks;
  Closure closure;
};
} // namespace

bool LimitProbes::Impl::compile(Probe &probe, StringRef name, StringRef body,
                                unsigned copies, double work,
                                StringMap<std::string> names,
                                std::string &error) {
  names["BODY"] = body.str();
  names.try_emplace("SETUP", "");
  names.try_emplace("POINT", "");
  mlir::marimba::PipelineOptions pipeline;
  pipeline.vectorBits = bits;
  probe.code =
      compileText(expand(kFrame, copies, names), ("probe-" + name).str(),
                  pipeline, target, error, /*firstStage=*/"llvm");
  if (!probe.code)
    return false;
  probe.body = lookupFunction<void(void *, int64_t, int64_t)>(*probe.code,
                                                              "probe", error);
  probe.workPerIteration = work;
  probe.streams = copies;
  return probe.body != nullptr;
}

bool LimitProbes::Impl::compileAll(std::string &error) {
  bits = mlir::marimba::preferredVectorBits(target);
  unsigned lanes = bits / 32;
  StringMap<bool> host = sys::getHostCPUFeatures();
  auto has = [&](StringRef name) {
    return target.cpu.empty()
               ? host.lookup(name)
               : is_contained(split(target.features, ','), ("+" + name).str());
  };
  std::string floats = vectorType(lanes, "f32");
  std::string ints = vectorType(lanes, "i32");
  std::string bitsText = std::to_string(bits);

  if (!compile(fma, "fma", kFma, kAccumulators, 2.0 * lanes * kAccumulators,
               {{"OPERAND", floats}, {"ACC", floats}, {"POINT", ".0"}}, error))
    return false;
  if (!compile(exp, "exp", kExp, kExpAccumulators,
               1.0 * lanes * kExpAccumulators,
               {{"OPERAND", floats},
                {"ACC", floats},
                {"INT", ints},
                {"POINT", ".0e-30"}, // below the last bit of any result

                {"SETUP", kExpSetup.str()}},
               error))
    return false;
  if (has("avx512bf16") && bits == 512 &&
      !compile(bf16, "bf16", kDot, kAccumulators, 4.0 * lanes * kAccumulators,
               {{"OPERAND", vectorType(2 * lanes, "bf16")},
                {"ACC", floats},
                {"POINT", ".0"},
                {"CALLEE", "llvm.x86.avx512bf16.dpbf16ps." + bitsText}},
               error))
    return false;
  if (((has("avx512vnni") && bits == 512) || (has("avxvnni") && bits == 256)) &&
      !compile(int8, "int8", kDot, kAccumulators, 8.0 * lanes * kAccumulators,
               {{"OPERAND", vectorType(4 * lanes, "i8")},
                {"ACC", ints},
                {"CALLEE", "llvm.x86.avx512.vpdpbusd." + bitsText}},
               error))
    return false;
  for (unsigned streams : {1, 4, 8})
    for (unsigned ahead : {1024, 4096}) {
      Probe &probe = reads.emplace_back();
      std::string line = vectorType(kCacheLine / 4, "i32");
      if (!compile(probe, "read", kReadBody, streams, kCacheLine * streams,
                   {{"OPERAND", line},
                    {"ACC", line},
                    {"AHEAD", std::to_string(ahead)}},
                   error))
        return false;
    }
  return true;
}

LimitProbes::LimitProbes(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
LimitProbes::~LimitProbes() = default;

std::unique_ptr<LimitProbes>
LimitProbes::create(const mlir::marimba::TargetOptions &target,
                    std::string &error) {
  auto impl = std::make_unique<Impl>();
  impl->target = target;
  if (!impl->compileAll(error))
    return nullptr;
  return std::unique_ptr<LimitProbes>(new LimitProbes(std::move(impl)));
}

bool LimitProbes::measureExp(unsigned threads, const ProbeOptions &options,
                             Spread &gopsPerSecond, std::string &error) {
  std::unique_ptr<Runner> runner = Runner::create(threads, error);
  if (!runner)
    return false;
  runner->setOperand(-1.25f);
  gopsPerSecond = runner->measure(impl->exp, options);
  return true;
}

bool LimitProbes::measure(unsigned threads, const ProbeOptions &options,
                          Limits &limits, std::string &error) {
  std::unique_ptr<Runner> runner = Runner::create(threads, error);
  if (!runner || !measureExp(threads, options, limits.expGops, error))
    return false;
  limits.threads = threads;
  runner->setOperand(0.5f);
  limits.f32Gflops = runner->measure(impl->fma, options);
  limits.bf16Gflops = limits.int8Gops = limits.f32Gflops;
  if ((limits.hasBf16Dot = bool(impl->bf16))) {
    runner->setOperand(uint16_t(0x3f00)); // 0.5
    limits.bf16Gflops = runner->measure(impl->bf16, options);
  }
  if ((limits.hasInt8Dot = bool(impl->int8))) {
    runner->setOperand(uint8_t(1));
    limits.int8Gops = runner->measure(impl->int8, options);
  }
  constexpr int64_t smallest = int64_t(256) << 20;
  constexpr int64_t largest = int64_t(2) << 30;
  ReadBuffer buffer;
  if (!buffer.allocate(
          std::clamp(4 * lastLevelCacheBytes(), smallest, largest))) {
    error = "no memory to measure the rate of reading";
    return false;
  }
  limits.dramReadGbps = runner->measureReads(impl->reads, buffer, options);
  return true;
}

float LimitProbes::exp(float x) const {
  std::string error;
  std::unique_ptr<Runner> runner = Runner::create(1, error);
  if (!runner)
    return NAN;
  runner->setOperand(x);
  runner->time(impl->exp, 1);
  float result;
  memcpy(&result, runner->sink(), sizeof(result));
  return result;
}
