//===- ExpertsBench.cpp - How fast hundreds of experts are ----------------===//
//
// Part of Marimba. One mixture of experts, from the router's choice on: its
// time beside the time that reading the weights of the chosen experts takes at
// the memory's bandwidth (bench/README.md).
//
//===----------------------------------------------------------------------===//

#include "bench/Entries.h"
#include "marimba/Stopwatch.h"
#include "tools/measure/Limits.h"

#include "marimba/Context.h"
#include "marimba/Tensor.h"
#include "marimba/ThreadTeam.h"
#include "marimba/abi.h"
#include "marimba/formats/Layout.h"
#include "llvm/Support/raw_ostream.h"
#include <benchmark/benchmark.h>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>

using namespace marimba;
using namespace marimba::bench;
using namespace llvm;

namespace {
/// How weights are stored; packed: bf16, packed at first use.
enum class Kind { BF16, F32, Packed, Int8, Int4 };

/// `rows` tokens that choose K of E experts each. All choose the same ones
/// where they are `together`, else as evenly as they can.
struct Case {
  Kind kind;
  int64_t experts, topK, rows;
  bool together;
};

constexpr int64_t kHidden = 2048, kInner = 512;
} // namespace

static constexpr StringLiteral kModule = R"(
module @experts {
  marimba.weight @gate : $UP from [$GATES]
  marimba.weight @up : $UP from [$UPS]
  marimba.weight @down : $DOWN from [$DOWNS]
  func.func @prefill(%x: tensor<?x?x2048xf32> {marimba.input = "x"},
      %p: tensor<?x?x$Kxf32> {marimba.input = "p"},
      %e: tensor<?x?x$Kxi32> {marimba.input = "e"},
      %out: tensor<?x?x2048xf32> {marimba.output = "y"}) -> tensor<?x?x2048xf32>
      attributes {marimba.entry = "prefill"} {
    %gate = marimba.get_weight @gate : $UP
    %up = marimba.get_weight @up : $UP
    %down = marimba.get_weight @down : $DOWN
    %y = marimba.experts %x, %p, %e, %gate, %up, %down : tensor<?x?x2048xf32>,
        tensor<?x?x$Kxf32>, tensor<?x?x$Kxi32>, $UP, $UP, $DOWN
    %z = linalg.copy ins(%y : tensor<?x?x2048xf32>)
        outs(%out : tensor<?x?x2048xf32>) -> tensor<?x?x2048xf32>
    return %z : tensor<?x?x2048xf32>
  }
}
)";

static StringRef nameOf(Kind kind) {
  switch (kind) {
  case Kind::BF16:
    return "bf16";
  case Kind::F32:
    return "f32";
  case Kind::Packed:
    return "packed";
  case Kind::Int8:
    return "int8";
  case Kind::Int4:
    return "int4";
  }
  return {};
}

static bool isQuantized(Kind kind) {
  return kind == Kind::Int8 || kind == Kind::Int4;
}

static formats::Layout layoutOf(const Case &c, int64_t n, int64_t k) {
  formats::Encoding encoding;
  encoding.bits = c.kind == Kind::Int8 ? 8 : 4;
  encoding.group = 64;
  encoding.scale = formats::Scalar::BF16;
  return formats::Layout::of(encoding, n, k, c.experts);
}

/// Bytes of one matrix of an expert.
static int64_t matrixBytes(const Case &c, int64_t n, int64_t k) {
  return isQuantized(c.kind) ? layoutOf(c, n, k).matrixBytes()
                             : n * k * (c.kind == Kind::F32 ? 4 : 2);
}

static std::string moduleText(const Case &c) {
  std::string text = kModule.str();
  auto replace = [&](StringRef place, const std::string &with) {
    for (size_t at; (at = text.find(place.str())) != std::string::npos;)
      text.replace(at, place.size(), with);
  };
  auto sources = [&](StringRef name) {
    std::string list;
    for (int64_t e = 0; e < c.experts; ++e) {
      std::string own = (name + Twine(e)).str();
      list += (e ? ", \"" : "\"") + own + "\"";
      if (isQuantized(c.kind))
        list += ", \"" + own + ".scales\"";
    }
    return list;
  };
  auto type = [&](int64_t n, int64_t k) {
    std::string shape = "tensor<" + std::to_string(c.experts) + "x" +
                        std::to_string(n) + "x" + std::to_string(k);
    if (isQuantized(c.kind))
      return shape + (c.kind == Kind::Int8 ? "xi8" : "xi4") +
             ", #marimba.quantized<group 64, scale bf16>>";
    return shape + (c.kind == Kind::F32 ? "xf32>" : "xbf16>");
  };
  replace("$GATES", sources("g"));
  replace("$UPS", sources("u"));
  replace("$DOWNS", sources("d"));
  replace("$UP", type(kInner, kHidden));
  replace("$DOWN", type(kHidden, kInner));
  replace("$K", std::to_string(c.topK));
  return text;
}

/// The code of a case, compiled at first use for this processor.
static MarimbaEntry entryOf(const Case &c, int threads) {
  static std::map<std::string, std::pair<CodePtr, MarimbaEntry>> all;
  std::string text = moduleText(c);
  auto [it, fresh] =
      all.try_emplace(text + nameOf(c.kind).str() + std::to_string(threads));
  auto &[code, entry] = it->second;
  if (!fresh)
    return entry;
  mlir::marimba::PipelineOptions pipeline;
  pipeline.threads = static_cast<unsigned>(threads);
  pipeline.bf16 = c.kind != Kind::F32;
  if (c.kind == Kind::Packed)
    pipeline.experts = mlir::marimba::ExpertForm::Packed;
  std::string error;
  code = compileText(text, "experts", pipeline, {}, error);
  if (code)
    entry = lookupFunction<std::remove_pointer_t<MarimbaEntry>>(
        *code, MARIMBA_ENTRY_PREFILL, error);
  if (!entry)
    stop(error);
  return entry;
}

namespace {

/// Memory of all tensors of a call.
class Call {
public:
  explicit Call(const Case &c) : c(c) {
    turnOf.resize(c.rows);
    weights = {stack(kInner, kHidden), stack(kInner, kHidden),
               stack(kHidden, kInner)};
    args = {rows(MARIMBA_F32, kHidden), rows(MARIMBA_F32, c.topK),
            rows(MARIMBA_I32, c.topK), rows(MARIMBA_F32, kHidden)};
    fill(args[0], [&] { return float(int(next() >> 16) % 256 - 128) / 128; });
    fill(args[1], [&] { return 1.0f / float(c.topK); });
    call = {weights.data(), args.data(), 3, static_cast<int32_t>(args.size())};
    if (c.together)
      return;
    std::iota(turnOf.begin(), turnOf.end(), 0);
    for (int64_t r = c.rows - 1; r > 0; --r)
      std::swap(turnOf[r], turnOf[next() % (r + 1)]);
  }
  const MarimbaCall *get() const { return &call; }

  /// Each call chooses other experts, so that weights come from memory.
  void choose(int64_t turn) {
    auto *chosen = static_cast<int32_t *>(args[2].data);
    for (int64_t r = 0; r < c.rows; ++r)
      for (int64_t k = 0; k < c.topK; ++k)
        chosen[r * c.topK + k] =
            static_cast<int32_t>(((turn + turnOf[r]) * c.topK + k) % c.experts);
  }
  /// Experts that are chosen by anybody.
  int64_t chosen() const {
    return c.together ? c.topK : std::min(c.rows * c.topK, c.experts);
  }
  bool sane() const {
    const auto *y = static_cast<const float *>(args[3].data);
    bool any = false;
    for (int64_t i = 0; i < c.rows * kHidden; ++i) {
      if (!std::isfinite(y[i]))
        return false;
      any |= y[i] != 0;
    }
    return any;
  }

private:
  char *zeroed(int64_t size) {
    auto buffer = rt::AlignedBuffer::zeroed(size);
    if (!buffer)
      stop("no memory for " + std::to_string(size) + " bytes");
    buffers.push_back(std::move(*buffer));
    return buffers.back().data();
  }
  uint32_t next() {
    random = random * 1664525 + 1013904223;
    return random;
  }
  MarimbaTensor rows(MarimbaDType type, int64_t columns) {
    return rt::makeTensor(zeroed(4 * c.rows * columns), type,
                          std::array<int64_t, 3>{1, c.rows, columns});
  }
  template <typename Value> void fill(MarimbaTensor &tensor, Value value) {
    int64_t count = tensor.sizes[1] * tensor.sizes[2];
    for (int64_t i = 0; i < count; ++i)
      static_cast<float *>(tensor.data)[i] = value();
  }
  MarimbaTensor stack(int64_t n, int64_t k) {
    int64_t each = matrixBytes(c, n, k);
    char *data = zeroed(each * c.experts);
    // One matrix of random numbers, and copies.
    if (isQuantized(c.kind)) {
      formats::Layout layout = layoutOf(c, n, k);
      for (int64_t i = 0; i < layout.codeBytes(); ++i)
        data[i] = static_cast<char>(next() >> 24);
      const uint16_t scale = 0x3c00; // 1/128 in bf16
      for (int64_t i = layout.partOffset(formats::PartKind::Scales); i < each;
           i += 2)
        std::memcpy(data + i, &scale, 2);
    } else {
      for (int64_t i = 0; i < n * k; ++i) {
        float value = float(int(next() >> 16) % 256 - 128) / 4096;
        if (c.kind == Kind::F32)
          std::memcpy(data + 4 * i, &value, 4);
        else
          std::memcpy(data + 2 * i, reinterpret_cast<char *>(&value) + 2, 2);
      }
    }
    for (int64_t e = 1; e < c.experts; ++e)
      std::memcpy(data + e * each, data, static_cast<size_t>(each));
    if (isQuantized(c.kind))
      return rt::makeTensor(data, MARIMBA_I8,
                            std::array<int64_t, 1>{each * c.experts});
    return rt::makeTensor(data,
                          c.kind == Kind::F32 ? MARIMBA_F32 : MARIMBA_BF16,
                          std::array<int64_t, 3>{c.experts, n, k});
  }

  const Case c;
  uint32_t random = 1;
  /// Shuffled: rows of one expert at equal distances would share the sets of
  /// the caches.
  std::vector<int64_t> turnOf;
  std::vector<rt::AlignedBuffer> buffers;
  std::vector<MarimbaTensor> weights, args;
  MarimbaCall call;
};

} // namespace

static void runExperts(benchmark::State &state, Case c, int threads) {
  MarimbaEntry entry = entryOf(c, threads);
  Call call(c);
  auto context = contextOf(threads);
  const Limits &limit = limitsOnce(threads);
  rt::bindThreads(threads);
  int64_t turn = 0;
  auto run = [&] {
    call.choose(turn++);
    context->clear();
    rt::Stopwatch watch;
    if (entry(context->get(), call.get()) != MARIMBA_OK)
      stop(context->message());
    return watch.seconds();
  };
  // Every expert once: what is packed, is.
  for (int64_t i = 0; i * c.topK < c.experts; ++i)
    run();
  std::vector<double> times;
  for (auto _ : state)
    times.push_back(run());
  if (!call.sane())
    stop("the output is not finite, or nothing but zeros");
  // Other processes only make it longer.
  double best = *llvm::min_element(times);
  double bytes = double(call.chosen()) * (2 * matrixBytes(c, kInner, kHidden) +
                                          matrixBytes(c, kHidden, kInner));
  double flops = 6.0 * double(c.rows * c.topK) * kHidden * kInner;
  double reading = bytes / (limit.dramReadGbps.max * 1e9);
  state.counters["best_us"] = best * 1e6;
  state.counters["gflops"] = flops / best * 1e-9;
  state.counters["gbps"] = bytes / best * 1e-9;
  state.counters["of_reading"] = best / reading;
}

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 1;
  struct Rows {
    int64_t count;
    bool together;
  };
  for (Kind kind :
       {Kind::BF16, Kind::F32, Kind::Packed, Kind::Int8, Kind::Int4})
    for (auto [experts, topK] :
         {std::pair<int64_t, int64_t>{256, 8}, {512, 10}})
      for (Rows rows :
           {Rows{1, true}, {2, true}, {4, true}, {16, false}, {512, false}})
        benchmark::RegisterBenchmark(
            (nameOf(kind) + "/e" + Twine(experts) + "/k" + Twine(topK) +
             "/rows" + Twine(rows.count) + (rows.together ? "same" : ""))
                .str()
                .c_str(),
            runExperts, Case{kind, experts, topK, rows.count, rows.together},
            rt::allowedCpus())
            ->UseRealTime()
            ->Unit(benchmark::kMicrosecond);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
