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

#include "dialects/Marimba/IR/Quantized.h"
#include "marimba/Context.h"
#include "marimba/Tensor.h"
#include "marimba/ThreadTeam.h"
#include "marimba/Units.h"
#include "marimba/abi.h"
#include "marimba/formats/Format.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/StringExtras.h"
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
enum class Kind { Library, F32, BF16, Quantized };
/// What activations become, and for which processor.
struct Route {
  StringLiteral name;
  mlir::marimba::Activations activations;
  StringLiteral unit; // of Units.h; "" for all that this one has
};
} // namespace

using mlir::marimba::Activations;
static constexpr Route kRoutes[] = {
    {"bytes", Activations::Automatic, ""},
    {"f32", Activations::F32, ""},
    {"bytes-avx2", Activations::Automatic, "avx2"},
    {"f32-avx2", Activations::F32, "avx2"},
};

static constexpr StringLiteral kModule = R"(
module @contraction {
  marimba.weight @w : $WEIGHT from ["w"]
  func.func @prefill(%x: tensor<?x?x$Kxf32> {marimba.input = "x"},
      %out: tensor<?x?x$Nxf32> {marimba.output = "y"}) -> tensor<?x?x$Nxf32>
      attributes {marimba.entry = "prefill"} {
    %w = marimba.get_weight @w : $WEIGHT
    %y = $OP outs(%out : tensor<?x?x$Nxf32>)
        : tensor<?x?x$Kxf32>, $WEIGHT -> tensor<?x?x$Nxf32>
    $STORE
    return $RESULT : tensor<?x?x$Nxf32>
  }
}
)";

namespace {

/// One case: y [rows, n] = x [rows, k] times a weight [n, k].
struct Case {
  Kind kind;
  int64_t k = 0, n = 0, rows = 0;
  std::optional<formats::Encoding> encoding = {}; // of a quantised weight
  const Route *route = nullptr;                   // likewise
};

StringRef nameOf(Kind kind) {
  return kind == Kind::Library ? "library" : kind == Kind::F32 ? "f32" : "bf16";
}

formats::Layout layoutOf(const Case &c) {
  return formats::Layout::of(*c.encoding, c.n, c.k);
}

/// The type of the weight in a module.
std::string typeOf(const Case &c) {
  mlir::MLIRContext context;
  context.loadDialect<mlir::marimba::MarimbaDialect>();
  std::string text;
  llvm::raw_string_ostream(text)
      << mlir::marimba::quantizedType(&context, {c.n, c.k}, *c.encoding);
  return text;
}

std::string moduleText(const Case &c) {
  std::string text = kModule.str();
  auto replace = [&](StringRef place, const std::string &with) {
    for (size_t at; (at = text.find(place.str())) != std::string::npos;)
      text.replace(at, place.size(), with);
  };
  std::string n = std::to_string(c.n), k = std::to_string(c.k);
  if (c.encoding) {
    std::string type = typeOf(c);
    std::vector<std::string> names;
    for (formats::PartKind part : layoutOf(c).parts())
      names.push_back("\"w." + std::string(formats::partName(part)) + '"');
    replace("$OP outs(%out : tensor<?x?x$Nxf32>)", "marimba.linear %x, %w");
    replace("\"w\"", join(names, ", "));
    replace("$STORE", "%stored = bufferization.materialize_in_destination %y "
                      "in %out : (tensor<?x?x$Nxf32>, tensor<?x?x$Nxf32>) -> "
                      "tensor<?x?x$Nxf32>");
    replace("$RESULT", "%stored");
    replace("$WEIGHT", type);
  } else {
    StringRef type = c.kind == Kind::BF16 ? "bf16" : "f32";
    replace("$OP", c.kind == Kind::Library
                       ? "onednn.matmul %x, %w"
                       : "marimba.packed_matmul %x, %w packed " + type.str());
    replace("$WEIGHT", "tensor<" + n + "x" + k + "x" + type.str() + ">");
  }
  replace("$STORE", "");
  replace("$RESULT", "%y");
  replace("$N", n);
  replace("$K", k);
  return text;
}

/// The code of a case for a number of threads, compiled at first use for this
/// processor.
MarimbaEntry entryOf(const Case &c, int threads) {
  static std::map<std::string, std::pair<CodePtr, MarimbaEntry>> all;
  std::string text = moduleText(c);
  StringRef route = c.route ? StringRef(c.route->name) : "";
  auto [it, fresh] =
      all.try_emplace(text + std::to_string(threads) + route.str());
  auto &[code, entry] = it->second;
  if (!fresh)
    return entry;
  mlir::marimba::PipelineOptions pipeline;
  mlir::marimba::TargetOptions target;
  if (c.route) {
    pipeline.matmul = mlir::marimba::MatmulRoute::Generated;
    pipeline.activations = c.route->activations;
    if (const rt::Unit *unit = rt::findUnit(c.route->unit))
      target.without.assign(unit->removes.begin(), unit->removes.end());
  }
  mlir::marimba::findTarget("cpu")->addFacts(target, pipeline);
  pipeline.threads = static_cast<unsigned>(threads);
  std::string error;
  code = compileText(text, "contraction", pipeline, target, error);
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
    if (!c.encoding) {
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
    for (formats::PartKind part : layout.parts())
      fill(layout, part, data + layout.partOffset(part));
    return rt::makeTensor(data, MARIMBA_I8, std::array<int64_t, 1>{bytes});
  }
  /// Codes, and integers of groups, are random; scales 1/128 or about that.
  void fill(const formats::Layout &layout, formats::PartKind part, char *to) {
    using formats::PartKind, formats::Scalar;
    Scalar scalar = layout.encoding.scale;
    int64_t size = layout.partBytes(part), unit = layout.partUnit(part);
    bool codes = part == PartKind::Codes || part == PartKind::HighBits;
    uint16_t half = scalar == Scalar::F16 ? 0x2000 : 0x3c00;
    float wide = 0x1p-7F;
    for (int64_t i = 0; i < size; i += codes ? 1 : unit) {
      if (codes) // of E4M3 none is a NaN
        to[i] = static_cast<char>(
            next() >> 24 & (layout.encoding.hasIntegers() ? 0xff : 0xbf));
      else if (unit == 1)
        to[i] = scalar == Scalar::E8M0 && !layout.supers
                    ? 120
                    : static_cast<char>(next() >> 27);
      else
        std::memcpy(to + i, unit == 2 ? static_cast<void *>(&half) : &wide,
                    static_cast<size_t>(unit));
    }
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
  auto add = [&](const Twine &name, Case c) {
    for (auto [k, n] : shapes)
      for (int64_t rows : {1, 4, 7, 16, 17, 64, 512})
        for (int threads : teams) {
          c.k = k, c.n = n, c.rows = rows;
          benchmark::RegisterBenchmark((name + "/k" + Twine(k) + "/n" +
                                        Twine(n) + "/rows" + Twine(rows) +
                                        "/threads" + Twine(threads))
                                           .str()
                                           .c_str(),
                                       runContraction, c, threads)
              ->UseRealTime()
              ->Unit(benchmark::kMicrosecond);
        }
  };
  for (Kind kind : {Kind::Library, Kind::F32, Kind::BF16})
    add(nameOf(kind), Case{.kind = kind});
  auto addQuantized = [&](StringRef name, const formats::Encoding &encoding) {
    for (const Route &route : kRoutes)
      add(name + "/" + route.name,
          Case{.kind = Kind::Quantized, .encoding = encoding, .route = &route});
  };
  addQuantized("int8", {.bits = 8});
  addQuantized("int4", {.bits = 4});
  for (const formats::Format *format : formats::allFormats())
    if (format->encoding)
      addQuantized(StringRef(format->name).lower(), *format->encoding);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
