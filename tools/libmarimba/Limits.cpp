//===- Limits.cpp - What the machine can do at best -----------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/Limits.h"
#include "tools/libmarimba/JitCode.h"
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
// The probes as MLIR
//===----------------------------------------------------------------------===//

/// What a probe is given. The offsets stand in kFrame, too.
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

// The text of a probe is made by expand(): a line that begins with `*` stands
// once for each of $N accumulators, $[...] is a list of as many, and $i is the
// number of one.

/// All that the probes share: a loop body for the team, in which each thread
/// runs %n iterations on accumulators of its own. They start from different
/// values: equal ones could be computed once.
constexpr StringLiteral kFrame = R"(
func.func @probe(%closure: !llvm.ptr, %begin: index, %end: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %at64 = llvm.getelementptr %closure[64] : (!llvm.ptr) -> !llvm.ptr, i8
  %at72 = llvm.getelementptr %closure[72] : (!llvm.ptr) -> !llvm.ptr, i8
  %at80 = llvm.getelementptr %closure[80] : (!llvm.ptr) -> !llvm.ptr, i8
  %at88 = llvm.getelementptr %closure[88] : (!llvm.ptr) -> !llvm.ptr, i8
  %at96 = llvm.getelementptr %closure[96] : (!llvm.ptr) -> !llvm.ptr, i8
  %n64 = llvm.load %at64 : !llvm.ptr -> i64
  %n = arith.index_cast %n64 : i64 to index
  %sinks = llvm.load %at72 : !llvm.ptr -> !llvm.ptr
  %memory = llvm.load %at80 : !llvm.ptr -> !llvm.ptr
  %share = llvm.load %at88 : !llvm.ptr -> i64
  %x = llvm.load %closure : !llvm.ptr -> $OPERAND
*  %init$i = arith.constant dense<$i$POINT> : $ACC
$SETUP
  scf.for %thread = %begin to %end step %c1 {
    %t64 = arith.index_cast %thread : index to i64
    %line = arith.constant 64 : i64
    %offset = arith.muli %t64, %line : i64
    %sink = llvm.getelementptr %sinks[%offset] : (!llvm.ptr, i64) -> !llvm.ptr, i8
    %first = arith.muli %t64, %share : i64
    %mine = llvm.getelementptr %memory[%first] : (!llvm.ptr, i64) -> !llvm.ptr, i8
    %r:$N = scf.for %k = %c0 to %n step %c1
        iter_args($[%a$i = %init$i]) -> ($[$ACC]) {
$BODY
      scf.yield $[%s$i] : $[$ACC]
    }
*   llvm.store volatile %r#$i, %sink : $ACC, !llvm.ptr
  }
  return
}
)";

constexpr StringLiteral kFma = R"(
*     %s$i = math.fma %x, %x, %a$i : $ACC
)";

constexpr StringLiteral kDot = R"(
*     %s$i = llvm.call_intrinsic "$CALLEE"(%a$i, %x, %x) : ($ACC, $OPERAND, $OPERAND) -> $ACC
)";

/// e^x = 2^n e^r: n by the rounding of a large addend, |r| <= ln2/2, a
/// polynomial of degree 5 (Remez, 0.75e-7 relative), 2^n added to the
/// exponent. x moves by %step1 an iteration, which is zero.
constexpr StringLiteral kExpSetup = R"(
  %step1 = llvm.load %at96 : !llvm.ptr -> f32
* %number$i = arith.constant $i.0 : f32
* %shift$i = arith.mulf %number$i, %step1 : f32
* %shifts$i = vector.broadcast %shift$i : f32 to $ACC
* %from$i = arith.addf %x, %shifts$i : $ACC
  %log2e = arith.constant dense<1.44269502> : $ACC
  %magic = arith.constant dense<12582912.0> : $ACC
  %ln2 = arith.constant dense<-0.693147182> : $ACC
  %p0 = arith.constant dense<1.0000000718663848> : $ACC
  %p1 = arith.constant dense<0.9999996910699441> : $ACC
  %p2 = arith.constant dense<0.49998892661193134> : $ACC
  %p3 = arith.constant dense<0.1666757654180822> : $ACC
  %p4 = arith.constant dense<0.041915629250534533> : $ACC
  %p5 = arith.constant dense<0.00829761946630291> : $ACC
  %mantissa = arith.constant dense<23> : $INT
)";
constexpr StringLiteral kExp = R"(
      %k64 = arith.index_cast %k : index to i64
      %kf = arith.sitofp %k64 : i64 to f32
      %kstep = arith.mulf %kf, %step1 : f32
      %moved = vector.broadcast %kstep : f32 to $ACC
*     %x$i = arith.addf %from$i, %moved : $ACC
*     %t$i = math.fma %x$i, %log2e, %magic : $ACC
*     %n$i = arith.subf %t$i, %magic : $ACC
*     %r$i = math.fma %n$i, %ln2, %x$i : $ACC
*     %q4$i = math.fma %r$i, %p5, %p4 : $ACC
*     %q3$i = math.fma %r$i, %q4$i, %p3 : $ACC
*     %q2$i = math.fma %r$i, %q3$i, %p2 : $ACC
*     %q1$i = math.fma %r$i, %q2$i, %p1 : $ACC
*     %q0$i = math.fma %r$i, %q1$i, %p0 : $ACC
*     %ti$i = arith.bitcast %t$i : $ACC to $INT
*     %qi$i = arith.bitcast %q0$i : $ACC to $INT
*     %sh$i = arith.shli %ti$i, %mantissa : $INT
*     %ei$i = arith.addi %qi$i, %sh$i : $INT
*     %e$i = arith.bitcast %ei$i : $INT to $ACC
*     %s$i = arith.addf %a$i, %e$i : $ACC
)";

/// $N streams, one cache line of each in an iteration, asked for $AHEAD bytes
/// before. What is asked for behind the end is never there, which is harmless.
constexpr StringLiteral kReadBody = R"(
      %k64 = arith.index_cast %k : index to i64
      %here = arith.muli %k64, %line : i64
      %lines = arith.muli %n64, %line : i64
*     %no$i = arith.constant $i : i64
*     %off$i = arith.muli %no$i, %lines : i64
*     %base$i = llvm.getelementptr %mine[%off$i] : (!llvm.ptr, i64) -> !llvm.ptr, i8
*     %p$i = llvm.getelementptr %base$i[%here] : (!llvm.ptr, i64) -> !llvm.ptr, i8
*     %f$i = llvm.getelementptr %p$i[$AHEAD] : (!llvm.ptr) -> !llvm.ptr, i8
*     "llvm.intr.prefetch"(%f$i) <{cache = 1 : i32, hint = 3 : i32, rw = 0 : i32}> : (!llvm.ptr) -> ()
*     %v$i = llvm.load %p$i : !llvm.ptr -> $ACC
*     %s$i = arith.addi %a$i, %v$i : $ACC
)";

/// The text of `pattern` with all names filled in.
static std::string expand(StringRef pattern, unsigned copies,
                          const StringMap<std::string> &names) {
  auto replace = [](std::string text, StringRef from, StringRef to) {
    for (size_t at = 0; (at = text.find(from, at)) != std::string::npos;
         at += to.size())
      text.replace(at, from.size(), to);
    return text;
  };
  std::string text = pattern.str();
  // SETUP and BODY use the other names.
  for (StringRef outer : {"SETUP", "BODY"})
    if (auto it = names.find(outer); it != names.end())
      text = replace(text, ("$" + outer).str(), it->second);
  for (auto &[name, value] : names)
    text = replace(text, ("$" + name).str(), value);
  text = replace(text, "$N", std::to_string(copies));

  auto forEach = [&](StringRef one, StringRef separator) {
    std::vector<std::string> all;
    for (unsigned i = 0; i < copies; ++i)
      all.push_back(replace(one.str(), "$i", std::to_string(i)));
    return join(all, separator);
  };
  for (size_t at; (at = text.find("$[")) != std::string::npos;) {
    size_t end = text.find(']', at);
    std::string one = text.substr(at + 2, end - at - 2);
    text.replace(at, end + 1 - at, forEach(one, ", "));
  }
  std::string result;
  SmallVector<StringRef> lines;
  StringRef(text).split(lines, '\n');
  for (StringRef line : lines)
    result +=
        (line.consume_front("*") ? forEach(line, "\n") : line.str()) + "\n";
  return result;
}

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
