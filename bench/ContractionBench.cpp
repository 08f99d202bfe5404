//===- ContractionBench.cpp - How fast projections are --------------------===//
//
// Part of Marimba. One product of rows with a weight, as generated code and as
// the library computes it: FLOPs beside the FMAs that the machine can do, bytes
// of the weight beside the memory's bandwidth (bench/README.md).
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

using namespace marimba;
using namespace marimba::bench;
using namespace llvm;

namespace {
/// What the weight is stored as, and who multiplies.
enum class Kind { Library, F32, BF16, Int8, Int4 };
} // namespace

static constexpr StringLiteral kModule = R"(
module @contraction {
  marimba.weight @w : $WEIGHT from ["w"]
  func.func @prefill(%x: tensor<?x?x$Kxf32> {marimba.input = "x"},
      %out: tensor<?x?x$Nxf32> {marimba.output = "y"}) -> tensor<?x?x$Nxf32>
      attributes {marimba.entry = "prefill"} {
    %w = marimba.get_weight @w : $WEIGHT
    %y = $OP outs(%out : tensor<?x?x$Nxf32>)
        : tensor<?x?x$Kxf32>, $WEIGHT -> tensor<?x?x$Nxf32>
    return %y : tensor<?x?x$Nxf32>
  }
}
)";

namespace {

/// One case: y [rows, n] = x [rows, k] times a weight [n, k].
struct Case {
  Kind kind;
  int64_t k, n, rows;
};

StringRef nameOf(Kind kind) {
  switch (kind) {
  case Kind::Library:
    return "library";
  case Kind::F32:
    return "f32";
  case Kind::BF16:
    return "bf16";
  case Kind::Int8:
    return "int8";
  case Kind::Int4:
    return "int4";
  }
  return {};
}

bool isQuantized(Kind kind) { return kind == Kind::Int8 || kind == Kind::Int4; }

formats::Layout layoutOf(const Case &c) {
  formats::Encoding encoding;
  encoding.bits = c.kind == Kind::Int8 ? 8 : 4;
  encoding.group = 64;
  encoding.scale = formats::Scalar::BF16;
  return formats::Layout::of(encoding, c.n, c.k);
}

std::string moduleText(const Case &c) {
  std::string text = kModule.str();
  auto replace = [&](StringRef place, const std::string &with) {
    for (size_t at; (at = text.find(place.str())) != std::string::npos;)
      text.replace(at, place.size(), with);
  };
  std::string n = std::to_string(c.n), k = std::to_string(c.k);
  if (isQuantized(c.kind)) {
    std::string type = "tensor<" + n + "x" + k + "xi" +
                       (c.kind == Kind::Int8 ? "8" : "4") +
                       ", #marimba.quantized<group 64, scale bf16>>";
    replace("$OP", "marimba.quantized_matmul %x, %w as " + type);
    replace("[\"w\"]", "[\"w.codes\", \"w.scales\"]");
    replace("$WEIGHT", type);
  } else {
    StringRef type = c.kind == Kind::BF16 ? "bf16" : "f32";
    replace("$OP", c.kind == Kind::Library
                       ? "onednn.matmul %x, %w"
                       : "marimba.packed_matmul %x, %w packed " + type.str());
    replace("$WEIGHT", "tensor<" + n + "x" + k + "x" + type.str() + ">");
  }
  replace("$N", n);
  replace("$K", k);
  return text;
}

/// The code of a case for a number of threads, compiled at first use for this
/// processor.
MarimbaEntry entryOf(const Case &c, int threads) {
  static std::map<std::string, std::pair<CodePtr, MarimbaEntry>> all;
  std::string text = moduleText(c);
  auto [it, fresh] = all.try_emplace(text + std::to_string(threads));
  auto &[code, entry] = it->second;
  if (!fresh)
    return entry;
  mlir::marimba::PipelineOptions pipeline;
  pipeline.vectorBits = mlir::marimba::preferredVectorBits({});
  pipeline.threads = static_cast<unsigned>(threads);
  std::string error;
  code = compileText(text, "contraction", pipeline, {}, error);
  if (code)
    entry = lookupFunction<std::remove_pointer_t<MarimbaEntry>>(
        *code, MARIMBA_ENTRY_PREFILL, error);
  if (!entry)
    stop(error);
  return entry;
}

/// Memory of all tensors of one call.
class Call {
public:
  explicit Call(const Case &c) {
    weight = makeWeight(c);
    args.push_back(matrix(floats(c.rows * c.k), c.rows, c.k));
    args.push_back(matrix(zeroed(4 * c.rows * c.n), c.rows, c.n));
    call = {&weight, args.data(), 1, static_cast<int32_t>(args.size())};
  }
  const MarimbaCall *get() const { return &call; }
  int64_t weightBytes() const { return bytes; }
  /// Whether all of y is finite and some of it not zero.
  bool sane() const {
    const MarimbaTensor &y = args[1];
    bool any = false;
    for (int64_t i = 0; i < y.sizes[1] * y.sizes[2]; ++i) {
      float value = static_cast<const float *>(y.data)[i];
      if (!std::isfinite(value))
        return false;
      any |= value != 0;
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
  /// Uniform values in [-1, 1).
  char *floats(int64_t count) {
    char *data = zeroed(4 * count);
    for (int64_t i = 0; i < count; ++i) {
      float value = static_cast<float>(next() >> 8) * 0x1p-23f - 1;
      std::memcpy(data + 4 * i, &value, 4);
    }
    return data;
  }
  static MarimbaTensor matrix(char *data, int64_t rows, int64_t columns) {
    return rt::makeTensor(data, MARIMBA_F32,
                          std::array<int64_t, 3>{1, rows, columns});
  }
  MarimbaTensor makeWeight(const Case &c) {
    std::array<int64_t, 2> shape{c.n, c.k};
    if (!isQuantized(c.kind)) {
      char *wide = floats(c.n * c.k);
      bytes = 4 * c.n * c.k;
      if (c.kind != Kind::BF16)
        return rt::makeTensor(wide, MARIMBA_F32, shape);
      bytes /= 2;
      for (int64_t i = 0; i < c.n * c.k; ++i)
        std::memmove(wide + 2 * i, wide + 4 * i + 2, 2);
      return rt::makeTensor(wide, MARIMBA_BF16, shape);
    }
    formats::Layout layout = layoutOf(c);
    bytes = layout.bytes();
    char *data = zeroed(bytes);
    for (int64_t i = 0; i < layout.codeBytes(); ++i)
      data[i] = static_cast<char>(next() >> 24);
    const uint16_t scale = 0x3c00; // 1/128 in bf16
    for (int64_t i = layout.codeBytes(); i < bytes; i += 2)
      std::memcpy(data + i, &scale, 2);
    return rt::makeTensor(data, MARIMBA_I8, std::array<int64_t, 1>{bytes});
  }

  uint32_t random = 1;
  int64_t bytes = 0;
  std::vector<rt::AlignedBuffer> buffers;
  MarimbaTensor weight;
  std::vector<MarimbaTensor> args;
  MarimbaCall call;
};

} // namespace

static void runContraction(benchmark::State &state, Case c, int threads) {
  MarimbaEntry entry = entryOf(c, threads);
  Call call(c);
  auto context = contextOf(threads);
  const Limits &limit = limitsOnce(threads);
  rt::bindThreads(threads);
  auto run = [&] {
    context->clear();
    if (entry(context->get(), call.get()) != MARIMBA_OK)
      stop(context->message());
  };
  run();                  // packs the weight
  double best = INFINITY; // other processes only make it longer
  for (auto _ : state) {
    rt::Stopwatch watch;
    run();
    best = std::min(best, watch.seconds());
  }
  if (!call.sane())
    stop("the output is not finite, or nothing but zeros");
  double flops = 2.0 * c.rows * c.k * c.n / best;
  state.counters["best_us"] = best * 1e6;
  state.counters["gflops"] = flops * 1e-9;
  state.counters["of_peak"] = flops / (limit.f32Gflops.max * 1e9);
  state.counters["of_dram"] =
      call.weightBytes() / best / (limit.dramReadGbps.max * 1e9);
}

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 1;
  std::vector<int> teams{1};
  if (rt::allowedCpus() > 1)
    teams.push_back(rt::allowedCpus());
  const std::pair<int64_t, int64_t> shapes[] = {
      {768, 3072}, {1536, 768}, {2560, 10240}, {8192, 2560}, {1536, 80}};
  for (Kind kind :
       {Kind::Library, Kind::F32, Kind::BF16, Kind::Int8, Kind::Int4})
    for (auto [k, n] : shapes)
      for (int64_t rows : {1, 4, 7, 16, 17, 64, 512})
        for (int threads : teams)
          benchmark::RegisterBenchmark(
              (nameOf(kind) + "/k" + Twine(k) + "/n" + Twine(n) + "/rows" +
               Twine(rows) + "/threads" + Twine(threads))
                  .str()
                  .c_str(),
              runContraction, Case{kind, k, n, rows}, threads)
              ->UseRealTime()
              ->Unit(benchmark::kMicrosecond);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
