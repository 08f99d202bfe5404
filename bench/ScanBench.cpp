//===- ScanBench.cpp - How fast selective_scan is -------------------------===//
//
// Part of Marimba. One selective_scan and all that a model has around it,
// through the compiler's normal stages; state updates a second beside the
// polynomial exponentials a second that the machine can do (bench/README.md).
//
//===----------------------------------------------------------------------===//

#include "bench/Entries.h"
#include "bench/LinearAttentionBench.h"
#include "marimba/Stopwatch.h"
#include "tools/measure/Limits.h"

#include "marimba/Context.h"
#include "marimba/Tensor.h"
#include "marimba/ThreadTeam.h"
#include "marimba/abi.h"
#include "llvm/Support/raw_ostream.h"
#include <array>
#include <benchmark/benchmark.h>
#include <cmath>
#include <map>
#include <tuple>

using namespace marimba;
using namespace marimba::bench;
using namespace llvm;

static constexpr int64_t kStates = 16;

static constexpr StringLiteral kModule = R"(
module @scan {
  marimba.weight @A : tensor<$Nx$Dxf32> from ["A"]
  marimba.weight @D : tensor<$Dxf32> from ["D"]
  func.func @prefill(
      %u: tensor<?x?x$Dxf32> {marimba.input = "u"},
      %dt: tensor<?x?x$Dxf32> {marimba.input = "dt"},
      %B: tensor<?x?x$Nxf32> {marimba.input = "B"},
      %C: tensor<?x?x$Nxf32> {marimba.input = "C"},
      %z: tensor<?x?x$Dxf32> {marimba.input = "z"},
      %valid: tensor<?xi32> {marimba.input = "valid"},
      %out: tensor<?x?x$Dxf32> {marimba.output = "y"},
      %state: tensor<?x$Nx$Dxf32> {marimba.state = "ssm"})
      -> (tensor<?x?x$Dxf32>, tensor<?x$Nx$Dxf32>)
      attributes {marimba.entry = "prefill"} {
    %A = marimba.get_weight @A : tensor<$Nx$Dxf32>
    %D = marimba.get_weight @D : tensor<$Dxf32>
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %rows = tensor.dim %u, %c0 : tensor<?x?x$Dxf32>
    %time = tensor.dim %u, %c1 : tensor<?x?x$Dxf32>
    %delta = marimba.softplus %dt : tensor<?x?x$Dxf32>
    %decay, %input = marimba.discretize euler %delta, %A, %B, %u
        : tensor<?x?x$Dxf32>, tensor<$Nx$Dxf32>, tensor<?x?x$Nxf32>
       -> tensor<?x?x$Nx$Dxf32>
    %empty = tensor.empty(%rows, %time) : tensor<?x?x$Nx$Dxf32>
    %states, %last = marimba.scan %decay, %input valid(%valid : tensor<?xi32>)
        outs(%empty, %state : tensor<?x?x$Nx$Dxf32>, tensor<?x$Nx$Dxf32>)
        : tensor<?x?x$Nx$Dxf32>, tensor<?x?x$Nx$Dxf32>
       -> tensor<?x?x$Nx$Dxf32>, tensor<?x$Nx$Dxf32>
    %read = marimba.readout %states, %C
        skip(%D, %u : tensor<$Dxf32>, tensor<?x?x$Dxf32>)
        : tensor<?x?x$Nx$Dxf32>, tensor<?x?x$Nxf32> -> tensor<?x?x$Dxf32>
    %gate = marimba.silu %z : tensor<?x?x$Dxf32>
    %y = linalg.mul ins(%read, %gate : tensor<?x?x$Dxf32>, tensor<?x?x$Dxf32>)
        outs(%out : tensor<?x?x$Dxf32>) -> tensor<?x?x$Dxf32>
    return %y, %last : tensor<?x?x$Dxf32>, tensor<?x$Nx$Dxf32>
  }
}
)";

static std::string moduleText(int64_t channels) {
  std::string text = kModule.str();
  for (auto [name, value] : {std::pair("$D", channels), {"$N", kStates}})
    for (size_t at; (at = text.find(name)) != std::string::npos;)
      text.replace(at, 2, std::to_string(value));
  return text;
}

namespace {

/// What code is made for.
struct Variant {
  const char *name;
  unsigned vectorBits;
  mlir::marimba::TargetOptions target;
};

const std::vector<Variant> &variants() {
  static const std::vector<Variant> all = [] {
    std::vector<Variant> list;
    if (mlir::marimba::preferredVectorBits({}) >= 512)
      list.push_back({"v512", 512, {}});
    list.push_back({"v256", 256, {}});
    // As for a processor without AVX-512: 16 registers, no masks.
    list.push_back({"avx2", 256, {"haswell", "+avx2,+fma,+bmi,+bmi2,+f16c"}});
    return list;
  }();
  return all;
}

/// The scan for one number of channels and threads, compiled at first use.
const Entries &entries(size_t variant, int64_t channels, int threads) {
  static std::map<std::tuple<size_t, int64_t, int>, Entries> all;
  auto [it, fresh] = all.try_emplace({variant, channels, threads});
  Entries &result = it->second;
  if (!fresh)
    return result;
  const Variant &v = variants()[variant];
  mlir::marimba::PipelineOptions pipeline;
  pipeline.vectorBits = v.vectorBits;
  pipeline.threads = static_cast<unsigned>(threads);
  return result =
             compileEntries(moduleText(channels), "scan", pipeline, v.target);
}

/// The exponentials that a processor of this kind can do now, in 10^9 a second.
double expRate(size_t variant, unsigned threads) {
  static std::map<size_t, std::unique_ptr<LimitProbes>> all;
  std::unique_ptr<LimitProbes> &probes = all[variant];
  std::string error;
  if (!probes)
    probes = LimitProbes::create(variants()[variant].target, error);
  Spread rate;
  if (!probes || !probes->measureExp(threads, {21, 0.002}, rate, error))
    stop(error);
  return rate.max; // other processes only make it lower
}

/// Memory of all tensors of one call.
class Call {
public:
  Call(int64_t time, int64_t channels) {
    const std::array<int64_t, 3> wide{1, time, channels};
    const std::array<int64_t, 3> narrow{1, time, kStates};
    addArg(wide, -1, 1);   // u
    addArg(wide, -4, 0);   // dt: softplus makes 0.02 to 0.7 of it
    addArg(narrow, -1, 1); // B
    addArg(narrow, -1, 1); // C
    addArg(wide, -2, 2);   // z
    const std::array<int64_t, 1> rows{1};
    buffers.push_back(zeroed(sizeof(int32_t)));
    *reinterpret_cast<int32_t *>(buffers.back().data()) =
        static_cast<int32_t>(time);
    args.push_back(rt::makeTensor(buffers.back().data(), MARIMBA_I32, rows));
    addArg(wide, 0, 0);                                         // y
    addArg(std::array<int64_t, 3>{1, kStates, channels}, 0, 0); // state
    const std::array<int64_t, 2> decay{kStates, channels};
    const std::array<int64_t, 1> one{channels};
    add(weights, decay, 0, 0);
    auto *a = static_cast<float *>(weights.back().data);
    for (int64_t i = 0; i < kStates * channels; ++i)
      a[i] = -static_cast<float>(i / channels + 1);
    add(weights, one, 0.5, 1.5); // D
    call = {weights.data(), args.data(), static_cast<int32_t>(weights.size()),
            static_cast<int32_t>(args.size())};
  }

  const MarimbaCall *get() const { return &call; }
  /// Whether all of y is finite and some of it not zero.
  bool sane() const {
    const MarimbaTensor &y = args[6];
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
  static rt::AlignedBuffer zeroed(int64_t bytes) {
    auto buffer = rt::AlignedBuffer::zeroed(bytes);
    if (!buffer)
      stop("no memory for " + std::to_string(bytes) + " bytes");
    return std::move(*buffer);
  }
  void addArg(ArrayRef<int64_t> shape, float low, float high) {
    add(args, shape, low, high);
  }
  /// A tensor of uniform values in [low, high).
  void add(std::vector<MarimbaTensor> &list, ArrayRef<int64_t> shape, float low,
           float high) {
    int64_t count = 1;
    for (int64_t size : shape)
      count *= size;
    buffers.push_back(zeroed(count * 4));
    auto *data = reinterpret_cast<float *>(buffers.back().data());
    for (int64_t i = 0; i < count; ++i) {
      random = random * 1664525 + 1013904223;
      data[i] = low + (high - low) * static_cast<float>(random >> 8) * 0x1p-24f;
    }
    list.push_back(
        rt::makeTensor(data, MARIMBA_F32, {shape.data(), shape.size()}));
  }

  uint32_t random = 1;
  std::vector<rt::AlignedBuffer> buffers;
  std::vector<MarimbaTensor> args, weights;
  MarimbaCall call;
};

} // namespace

static void runScan(benchmark::State &state, size_t variant, int64_t channels,
                    int64_t time, int threads) {
  const Entries &code = entries(variant, channels, threads);
  MarimbaEntry entry = time == 1 ? code.decode : code.prefill;
  Call call(time, channels);
  auto context = contextOf(threads);
  double before = expRate(variant, threads);
  rt::bindThreads(threads);
  rt::Stopwatch watch;
  for (auto _ : state) {
    context->clear();
    if (entry(context->get(), call.get()) != MARIMBA_OK)
      stop(context->message());
  }
  double seconds = watch.seconds();
  if (!call.sane())
    stop("the scan's output is not finite, or nothing but zeros");
  double exps = std::max(before, expRate(variant, threads)) * 1e9;
  double updates = static_cast<double>(time * channels * kStates) *
                   static_cast<double>(state.iterations()) / seconds;
  state.counters["updates"] = updates;
  state.counters["exps"] = exps;
  state.counters["ratio"] = updates / exps;
  state.counters["arena"] = static_cast<double>(context->get()->arenaPeak);
}

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 1;
  std::vector<int> teams{1};
  if (rt::allowedCpus() > 1)
    teams.push_back(rt::allowedCpus());
  for (size_t variant = 0; variant < variants().size(); ++variant)
    for (int64_t channels : {1536, 5120, 8192})
      for (int64_t time : {1, 64, 512, 4096})
        for (int threads : teams)
          benchmark::RegisterBenchmark(
              ("scan/" + Twine(variants()[variant].name) + "/d" +
               Twine(channels) + "/T" + Twine(time) + "/threads" +
               Twine(threads))
                  .str()
                  .c_str(),
              runScan, variant, channels, time, threads)
              ->UseRealTime()
              ->Unit(benchmark::kMicrosecond);
  bench::addLinearAttentionCases(teams);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
