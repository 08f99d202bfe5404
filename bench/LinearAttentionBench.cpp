//===- LinearAttentionBench.cpp - How fast linear_attention is ------------===//
//
// Part of Marimba. The recurrences of layers through the compiler's normal
// stages: state updates a second beside the multiply-adds, and for one token of
// many rows bytes a second beside a plain loop that changes memory in place
// (bench/README.md).
//
//===----------------------------------------------------------------------===//

#include "bench/LinearAttentionBench.h"
#include "bench/Entries.h"
#include "bench/LinearAttentionLayers.h"
#include "bench/SimpleLoops.h"
#include "lowering/Pipelines.h"
#include "marimba/Stopwatch.h"
#include "tools/measure/Limits.h"

#include "marimba/Context.h"
#include "marimba/Tensor.h"
#include "marimba/ThreadTeam.h"
#include "marimba/abi.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/raw_ostream.h"
#include <array>
#include <benchmark/benchmark.h>
#include <cmath>
#include <map>
#include <tuple>

using namespace marimba;
using namespace marimba::bench;
using namespace llvm;

/// Rows whose states, 2 MiB each or more, are larger than the last cache.
static constexpr int64_t kManyRows = 128;

namespace {

using Form = mlir::marimba::LinearAttentionForm;

/// How the op is computed, and what for.
struct Variant {
  std::string name;
  mlir::marimba::TargetOptions target;
  Form form;
  bool bf16 = false; // what products of chunks multiply
};

const std::vector<Variant> &variants() {
  static const std::vector<Variant> all = [] {
    std::vector<Variant> list{{"recurrent", {}, Form::Recurrent},
                              {"chunked", {}, Form::Chunked},
                              {"auto", {}, Form::Automatic}};
    if (mlir::marimba::hasBF16Dots({})) {
      list.push_back({"chunked-bf16", {}, Form::Chunked, true});
      list.push_back({"auto-bf16", {}, Form::Automatic, true});
    }
    // As for a processor without AVX-512: 16 registers, no masks.
    mlir::marimba::TargetOptions avx2{"haswell", "+avx2,+fma,+bmi,+bmi2,+f16c"};
    list.push_back({"recurrent-avx2", avx2, Form::Recurrent});
    list.push_back({"chunked-avx2", avx2, Form::Chunked});
    return list;
  }();
  return all;
}

/// The code of a variant, compiled at first use.
const Entries &entries(const LinearAttentionLayer &layer, size_t variant,
                       int threads) {
  static std::map<std::tuple<const char *, size_t, int>, Entries> all;
  auto [it, fresh] = all.try_emplace({layer.name, variant, threads});
  Entries &result = it->second;
  if (!fresh)
    return result;
  const Variant &v = variants()[variant];
  mlir::marimba::PipelineOptions pipeline;
  mlir::marimba::findTarget("cpu")->addFacts(v.target, pipeline);
  pipeline.linearAttention = v.form;
  pipeline.bf16 = v.bf16;
  pipeline.threads = static_cast<unsigned>(threads);
  return result = compileEntries(layer.module, "linear_attention", pipeline,
                                 v.target);
}

/// Memory of all tensors of one call.
class Call {
public:
  Call(const LinearAttentionLayer &layer, int64_t rows, int64_t time) {
    auto addAll = [&](std::vector<MarimbaTensor> &list,
                      const std::vector<RandomTensor> &tensors) {
      for (const RandomTensor &tensor : tensors) {
        std::vector<int64_t> shape = tensor.shape;
        if (tensor.perToken)
          shape.insert(shape.begin(), {rows, time});
        add(list, shape, tensor.low, tensor.high);
      }
    };
    addAll(args, layer.inputs);
    addAll(args, {{{layer.heads, layer.values}, 0, 0}}); // y
    add(args, {rows, layer.heads, layer.keys, layer.values}, -1, 1);
    addAll(weights, layer.weights);
    outputs = rows * time * layer.heads * layer.values;
    call = {weights.data(), args.data(), static_cast<int32_t>(weights.size()),
            static_cast<int32_t>(args.size())};
  }

  const MarimbaCall *get() const { return &call; }
  char *state() { return static_cast<char *>(args.back().data); }
  /// Whether all of y is finite and some of it not zero.
  bool sane() const {
    const auto *y = static_cast<const float *>(args[args.size() - 2].data);
    bool any = false;
    for (int64_t i = 0; i < outputs; ++i) {
      if (!std::isfinite(y[i]))
        return false;
      any |= y[i] != 0;
    }
    return any;
  }

private:
  /// A tensor of uniform values in [low, high).
  void add(std::vector<MarimbaTensor> &list, ArrayRef<int64_t> shape, float low,
           float high) {
    int64_t count = 1;
    for (int64_t size : shape)
      count *= size;
    auto buffer = rt::AlignedBuffer::zeroed(count * 4);
    if (!buffer)
      stop("no memory for " + std::to_string(count * 4) + " bytes");
    buffers.push_back(std::move(*buffer));
    auto *data = reinterpret_cast<float *>(buffers.back().data());
    for (int64_t i = 0; i < count; ++i) {
      random = random * 1664525 + 1013904223;
      data[i] = low + (high - low) * static_cast<float>(random >> 8) * 0x1p-24f;
    }
    list.push_back(
        rt::makeTensor(data, MARIMBA_F32, {shape.data(), shape.size()}));
  }

  uint32_t random = 1;
  int64_t outputs;
  std::vector<rt::AlignedBuffer> buffers;
  std::vector<MarimbaTensor> args, weights;
  MarimbaCall call;
};

/// The multiply-adds that a target can do, in 10^9 a second, measured once.
double multiplyAdds(size_t variant, int threads) {
  static std::map<std::pair<std::string, int>, double> all;
  const mlir::marimba::TargetOptions &target = variants()[variant].target;
  auto [it, fresh] = all.try_emplace({target.cpu, threads});
  if (!fresh)
    return it->second;
  std::string error;
  std::unique_ptr<LimitProbes> probes = LimitProbes::create(target, error);
  Limits found;
  if (!probes || !probes->measure(static_cast<unsigned>(threads),
                                  {11, 0.002, 1}, found, error))
    stop(error);
  // Other processes only make it lower.
  return it->second = found.f32Gflops.max / 2;
}

/// Seconds of the fastest plain loop over `bytes` of `memory`, shared by the
/// threads.
double plainSeconds(rt::Context &context, int threads, char *memory,
                    int64_t bytes) {
  struct Job {
    const bench::SimpleLoop *loop;
    char *memory;
    int64_t lines; // of a thread
  };
  double best = INFINITY;
  std::vector<bench::SimpleLoop> loops = bench::updateLoops();
  for (const bench::SimpleLoop &loop : loops) {
    Job job{&loop, memory, bytes / 64 / threads};
    rt::Stopwatch watch;
    marimba_parallel_for(
        context.get(), threads, 1,
        [](void *data, int64_t begin, int64_t end) {
          Job &job = *static_cast<Job *>(data);
          for (int64_t i = begin; i < end; ++i)
            job.loop->run(job.lines, job.memory + i * job.lines * 64);
        },
        &job);
    best = std::min(best, watch.seconds());
  }
  return best;
}

} // namespace

static void run(benchmark::State &state, const LinearAttentionLayer &layer,
                size_t variant, int64_t rows, int64_t time, int threads) {
  const Entries &code = entries(layer, variant, threads);
  MarimbaEntry entry = time == 1 ? code.decode : code.prefill;
  Call call(layer, rows, time);
  auto context = contextOf(threads);
  rt::bindThreads(threads);
  int64_t bytes = rows * layer.heads * layer.keys * layer.values * 4;
  bool fromMemory = rows == kManyRows;
  double plain = INFINITY, best = INFINITY;
  for (auto _ : state) {
    if (fromMemory)
      plain =
          std::min(plain, plainSeconds(*context, threads, call.state(), bytes));
    context->clear();
    rt::Stopwatch watch;
    if (entry(context->get(), call.get()) != MARIMBA_OK)
      stop(context->message());
    double seconds = watch.seconds();
    state.SetIterationTime(seconds);
    best = std::min(best, seconds);
  }
  if (!call.sane())
    stop("linear_attention's output is not finite, or nothing but zeros");
  double updates = static_cast<double>(bytes / 4 * time) / best;
  state.counters["best_us"] = best * 1e6;
  state.counters["updates"] = updates;
  if (fromMemory) {
    state.counters["bytes"] = 2 * static_cast<double>(bytes) / best;
    state.counters["of_plain"] = plain / best;
  } else {
    state.counters["of_fma"] =
        2 * updates / (multiplyAdds(variant, threads) * 1e9);
  }
  state.counters["arena"] = static_cast<double>(context->get()->arenaPeak);
}

void marimba::bench::addLinearAttentionCases(const std::vector<int> &teams) {
  const std::pair<int64_t, int64_t> sizes[] = {
      {1, 1}, {kManyRows, 1}, {1, 8}, {1, 512}, {1, 4096}};
  for (const LinearAttentionLayer *layer :
       {&kMamba2Layer, &kGatedDeltaLayer, &kKimiDeltaLayer})
    for (size_t variant = 0; variant < variants().size(); ++variant)
      for (auto [rows, time] : sizes)
        for (int threads : teams)
          // One token has one form.
          if (time > 1 || variants()[variant].form == Form::Recurrent)
            benchmark::RegisterBenchmark(
                (Twine(layer->name) + "/" + variants()[variant].name + "/rows" +
                 Twine(rows) + "/T" + Twine(time) + "/threads" + Twine(threads))
                    .str()
                    .c_str(),
                run, *layer, variant, rows, time, threads)
                ->UseManualTime()
                ->Unit(benchmark::kMicrosecond);
}
