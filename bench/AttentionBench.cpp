//===- AttentionBench.cpp - How fast attention is -------------------------===//
//
// Part of Marimba. One attention through the compiler's normal stages: FLOPs
// of many tokens beside the FMAs that the machine can do, bytes of the cache
// that one token reads beside the memory's bandwidth (bench/README.md).
//
//===----------------------------------------------------------------------===//

#include "bench/Entries.h"
#include "marimba/Stopwatch.h"
#include "tools/measure/Limits.h"

#include "marimba/Context.h"
#include "marimba/Tensor.h"
#include "marimba/ThreadTeam.h"
#include "marimba/abi.h"
#include "llvm/Support/raw_ostream.h"
#include <benchmark/benchmark.h>
#include <cmath>
#include <cstring>
#include <map>

using namespace marimba;
using namespace marimba::bench;
using namespace llvm;

// As in Mistral 7B, Llama 3 8B and Jamba's attention layers.
static constexpr int64_t kHeads = 32, kGroups = 8, kSize = 128;

namespace {
/// What a cache holds.
enum class Kept { F32, BF16, Int8 };
} // namespace

// $CACHE is the type of the elements of a cache; $SCALES, $INITS and so on are
// for their scales, if there are some.
static constexpr StringLiteral kModule = R"(
!c = tensor<?x8x?x128x$CACHE>
!s = tensor<?x8x?xf32>
module @attention {
  func.func @prefill(
      %q: tensor<?x?x32x128xf32> {marimba.input = "q"},
      %k: tensor<?x?x8x128xf32> {marimba.input = "k"},
      %v: tensor<?x?x8x128xf32> {marimba.input = "v"},
      %past: tensor<?xi32> {marimba.input = "past"},
      %out: tensor<?x?x32x128xf32> {marimba.output = "y"},
      %keys: !c {marimba.state = "key"},
      %values: !c {marimba.state = "value"}$SCALES)
      -> (tensor<?x?x32x128xf32>, !c, !c$TYPES)
      attributes {marimba.entry = "prefill"} {
    %y, %k1, %v1$RESULTS = marimba.attention %q, %k, %v past(%past)
        outs(%out, %keys, %values$INITS : tensor<?x?x32x128xf32>, !c, !c$TYPES)
        {scale = 0.08838834764831845 : f64 $ATTRIBUTES}
        : tensor<?x?x32x128xf32>, tensor<?x?x8x128xf32>,
          tensor<?x?x8x128xf32>, tensor<?xi32>
       -> tensor<?x?x32x128xf32>, !c, !c$TYPES
    return %y, %k1, %v1$RESULTS : tensor<?x?x32x128xf32>, !c, !c$TYPES
  }
}
)";

namespace {

StringRef nameOf(Kept kept) {
  return kept == Kept::F32 ? "f32" : kept == Kept::BF16 ? "bf16" : "i8";
}

/// The module for caches of a type and a window (0: none).
std::string moduleText(Kept kept, int64_t window) {
  bool scales = kept == Kept::Int8;
  std::string text = kModule.str();
  auto replace = [&](StringRef place, StringRef with) {
    for (size_t at; (at = text.find(place.str())) != std::string::npos;)
      text.replace(at, place.size(), with.str());
  };
  replace("$CACHE", nameOf(kept));
  replace("$ATTRIBUTES",
          window ? ", window = " + std::to_string(window) : std::string());
  replace("$SCALES", scales ? ", %ks: !s {marimba.state = \"key_scales\"}, "
                              "%vs: !s {marimba.state = \"value_scales\"}"
                            : "");
  replace("$INITS", scales ? ", %ks, %vs" : "");
  replace("$RESULTS", scales ? ", %ks1, %vs1" : "");
  replace("$TYPES", scales ? ", !s, !s" : "");
  return text;
}

/// The code for caches of a type, a window (0: none) and a number of threads,
/// compiled at first use for this processor.
const Entries &entries(Kept kept, int64_t window, int threads) {
  static std::map<std::tuple<Kept, int64_t, int>, Entries> all;
  auto [it, fresh] = all.try_emplace({kept, window, threads});
  Entries &result = it->second;
  if (!fresh)
    return result;
  std::string text = moduleText(kept, window);
  mlir::marimba::PipelineOptions pipeline;
  pipeline.vectorBits = mlir::marimba::preferredVectorBits({});
  pipeline.threads = static_cast<unsigned>(threads);
  return result = compileEntries(text, "attention", pipeline);
}

/// What the machine can do now.
Limits limits(int threads) {
  static std::unique_ptr<LimitProbes> probes;
  std::string error;
  if (!probes)
    probes = LimitProbes::create({}, error);
  Limits found;
  if (!probes ||
      !probes->measure(static_cast<unsigned>(threads), {}, found, error))
    stop(error);
  return found;
}

/// Memory of all tensors of one call: `time` tokens behind `past` cached ones.
class Call {
public:
  Call(Kept kept, int64_t time, int64_t past) {
    add({1, time, kHeads, kSize}, true);
    add({1, time, kGroups, kSize}, true);
    add({1, time, kGroups, kSize}, true);
    addPast(past);
    add({1, time, kHeads, kSize}, false);
    addCaches(kept, past + time);
    call = {nullptr, args.data(), 0, static_cast<int32_t>(args.size())};
  }

  const MarimbaCall *get() const { return &call; }
  /// Whether all of y is finite and some of it not zero.
  bool sane() const {
    const MarimbaTensor &y = args[4];
    bool any = false;
    for (int64_t i = 0; i < y.sizes[1] * kHeads * kSize; ++i) {
      float value = static_cast<const float *>(y.data)[i];
      if (!std::isfinite(value))
        return false;
      any |= value != 0;
    }
    return any;
  }

private:
  uint8_t *zeroed(int64_t bytes) {
    auto buffer = rt::AlignedBuffer::zeroed(bytes);
    if (!buffer)
      stop("no memory for " + std::to_string(bytes) + " bytes");
    buffers.push_back(std::move(*buffer));
    return reinterpret_cast<uint8_t *>(buffers.back().data());
  }
  void addPast(int64_t past) {
    auto *data = reinterpret_cast<int32_t *>(zeroed(sizeof(int32_t)));
    *data = static_cast<int32_t>(past);
    args.push_back(
        rt::makeTensor(data, MARIMBA_I32, std::array<int64_t, 1>{1}));
  }
  /// Keys and values of `capacity` tokens. Codes have a scale that makes them
  /// about as large as the others are.
  void addCaches(Kept kept, int64_t capacity) {
    std::array<int64_t, 4> shape{1, kGroups, capacity, kSize};
    int64_t count = kGroups * capacity * kSize;
    for (int cache = 0; cache < 2; ++cache) {
      if (kept == Kept::F32) {
        add(shape, true);
        continue;
      }
      int64_t bytes = kept == Kept::BF16 ? 2 : 1;
      uint8_t *data = zeroed(count * bytes);
      for (int64_t i = 0; i < count; ++i) {
        float value = next();
        if (kept == Kept::BF16) {
          auto bits = static_cast<uint16_t>(bit_cast<uint32_t>(value) >> 16);
          std::memcpy(data + 2 * i, &bits, 2);
        } else {
          data[i] = static_cast<uint8_t>(static_cast<int8_t>(127 * value));
        }
      }
      args.push_back(rt::makeTensor(
          data, kept == Kept::BF16 ? MARIMBA_BF16 : MARIMBA_I8, shape));
    }
    for (int cache = 0; kept == Kept::Int8 && cache < 2; ++cache) {
      auto *data = reinterpret_cast<float *>(zeroed(kGroups * capacity * 4));
      std::fill_n(data, kGroups * capacity, 1.0f / 127);
      args.push_back(rt::makeTensor(
          data, MARIMBA_F32, std::array<int64_t, 3>{1, kGroups, capacity}));
    }
  }
  float next() {
    random = random * 1664525 + 1013904223;
    return static_cast<float>(random >> 8) * 0x1p-23f - 1;
  }
  /// A tensor of zeros or of uniform values in [-1, 1).
  void add(std::array<int64_t, 4> shape, bool filled) {
    int64_t count = shape[0] * shape[1] * shape[2] * shape[3];
    auto *data = reinterpret_cast<float *>(zeroed(count * 4));
    for (int64_t i = 0; filled && i < count; ++i)
      data[i] = next();
    args.push_back(rt::makeTensor(data, MARIMBA_F32, shape));
  }

  uint32_t random = 1;
  std::vector<rt::AlignedBuffer> buffers;
  std::vector<MarimbaTensor> args;
  MarimbaCall call;
};

/// One case: tokens of a call, tokens in the cache before it, window or 0.
struct Case {
  int64_t time, past, window;
  Kept kept = Kept::F32;
};

/// Keys that all queries of a case see together.
double seenKeys(const Case &c) {
  double keys = 0;
  for (int64_t t = 0; t < c.time; ++t) {
    int64_t visible = c.past + t + 1;
    keys +=
        static_cast<double>(c.window ? std::min(visible, c.window) : visible);
  }
  return keys;
}

} // namespace

static void runAttention(benchmark::State &state, Case c, int threads) {
  const Entries &code = entries(c.kept, c.window, threads);
  MarimbaEntry entry = c.time == 1 ? code.decode : code.prefill;
  Call call(c.kept, c.time, c.past);
  auto context = contextOf(threads);
  Limits before = limits(threads);
  rt::bindThreads(threads);
  double best = INFINITY; // other processes only make it longer
  for (auto _ : state) {
    context->clear();
    rt::Stopwatch watch;
    if (entry(context->get(), call.get()) != MARIMBA_OK)
      stop(context->message());
    best = std::min(best, watch.seconds());
  }
  if (!call.sane())
    stop("the output is not finite, or nothing but zeros");
  Limits after = limits(threads);
  // Two products of two FLOPs for each element of a head.
  double flops = 4.0 * kHeads * kSize * seenKeys(c) / best;
  double peak = std::max(before.f32Gflops.max, after.f32Gflops.max) * 1e9;
  // Each key and value once for all of its queries.
  double perKey = c.kept == Kept::F32    ? 4 * kSize
                  : c.kept == Kept::BF16 ? 2 * kSize
                                         : kSize + 4;
  double bytes = 2.0 * kGroups * perKey *
                 static_cast<double>(c.window ? std::min(c.past + 1, c.window)
                                              : c.past + 1);
  double memory =
      std::max(before.dramReadGbps.max, after.dramReadGbps.max) * 1e9;
  state.counters["best_us"] = best * 1e6;
  state.counters["flops"] = flops;
  state.counters["peak"] = peak;
  state.counters["of_peak"] = flops / peak;
  if (c.time == 1) {
    state.counters["bytes"] = bytes / best;
    state.counters["dram"] = memory;
    state.counters["of_dram"] = bytes / best / memory;
  }
  state.counters["arena"] = static_cast<double>(context->get()->arenaPeak);
}

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 1;
  std::vector<int> teams{1};
  if (rt::allowedCpus() > 1)
    teams.push_back(rt::allowedCpus());
  const Case cases[] = {{512, 0, 0},
                        {2048, 0, 0},
                        {8192, 0, 0},
                        {8192, 0, 1024},
                        {8, 32768, 0},
                        {1, 4096, 0},
                        {1, 32768, 0},
                        {1, 32768, 4096},
                        {2048, 0, 0, Kept::BF16},
                        {1, 32768, 0, Kept::BF16},
                        {2048, 0, 0, Kept::Int8},
                        {1, 32768, 0, Kept::Int8}};
  for (const Case &c : cases)
    for (int threads : teams)
      benchmark::RegisterBenchmark(("attention/T" + Twine(c.time) + "/past" +
                                    Twine(c.past) + "/window" +
                                    Twine(c.window) + "/kv" + nameOf(c.kept) +
                                    "/threads" + Twine(threads))
                                       .str()
                                       .c_str(),
                                   runAttention, c, threads)
          ->UseRealTime()
          ->Unit(benchmark::kMicrosecond);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
