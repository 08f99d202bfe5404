//===- Benchmark.cpp - Time of a model beside what is allowed -------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/Benchmark.h"
#include "tools/libmarimba/Stopwatch.h"

#include "dialects/Marimba/IR/Marimba.h"
#include "marimba/RandomWeights.h"
#include "marimba/Session.h"
#include "marimba/ThreadTeam.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/DenseSet.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>

using namespace marimba;
using namespace llvm;

//===----------------------------------------------------------------------===//
// What a model has to do
//===----------------------------------------------------------------------===//

/// The type that a matmul with weights of `stored` type is computed in. Today
/// that is f32 for all: weights are widened when they are packed.
static double &opsOf(MatmulOps &ops, mlir::Type stored) { return ops.f32; }

static double bytesOf(mlir::ShapedType type) {
  return static_cast<double>(type.getNumElements()) *
         type.getElementTypeBitWidth() / 8;
}

namespace {
class WorkCounter {
public:
  explicit WorkCounter(mlir::ModuleOp module) : symbols(module) {}

  /// Adds what one call of `func` does. `entry` is for the function whose own
  /// matmuls are the head.
  void count(mlir::func::FuncOp func, bool entry) {
    // Weights of this function that were counted; two ops may share one.
    DenseSet<mlir::Value> seen;
    func.walk([&](mlir::Operation *op) {
      if (auto call = dyn_cast<mlir::func::CallOp>(op)) {
        if (auto callee = symbols.lookup<mlir::func::FuncOp>(call.getCallee()))
          count(callee, /*entry=*/false);
      } else if (auto linear = dyn_cast<mlir::marimba::LinearOp>(op)) {
        auto type = cast<mlir::ShapedType>(linear.getWeight().getType());
        opsOf(entry ? work.perLogits : work.perToken, type.getElementType()) +=
            2.0 * static_cast<double>(type.getNumElements());
        addWeights(op, seen);
      } else if (auto experts = dyn_cast<mlir::marimba::ExpertsOp>(op)) {
        addExperts(experts);
      } else if (auto scan = dyn_cast<mlir::marimba::SelectiveScanOp>(op)) {
        auto type = cast<mlir::ShapedType>(scan.getA().getType());
        work.updatesPerToken += static_cast<double>(type.getNumElements());
        addWeights(op, seen);
      } else if (auto embedding = dyn_cast<mlir::marimba::EmbeddingOp>(op)) {
        auto type = cast<mlir::ShapedType>(embedding.getTable().getType());
        work.tableRowBytes +=
            bytesOf(type) / static_cast<double>(type.getDimSize(0));
      } else {
        if (auto scan = dyn_cast<mlir::marimba::ScanOp>(op)) {
          auto type = cast<mlir::ShapedType>(scan.getDecay().getType());
          work.updatesPerToken +=
              static_cast<double>(type.getDimSize(2) * type.getDimSize(3));
        }
        addWeights(op, seen);
      }
    });
  }

  ModelWork work;

private:
  /// Weights come from get_weight in entries and are arguments of static shape
  /// in layers.
  static bool isWeight(mlir::Value value) {
    auto type = dyn_cast<mlir::RankedTensorType>(value.getType());
    if (!type || !type.hasStaticShape())
      return false;
    return isa<mlir::BlockArgument>(value) ||
           value.getDefiningOp<mlir::marimba::GetWeightOp>();
  }

  void addWeights(mlir::Operation *op, DenseSet<mlir::Value> &seen) {
    for (mlir::Value operand : op->getOperands())
      if (isWeight(operand) && seen.insert(operand).second)
        work.weightBytes += bytesOf(cast<mlir::ShapedType>(operand.getType()));
  }

  void addExperts(mlir::marimba::ExpertsOp op) {
    auto count = static_cast<double>(
        cast<mlir::ShapedType>(op.getGate().getType()).getDimSize(0));
    auto chosen = static_cast<double>(
        cast<mlir::ShapedType>(op.getExperts().getType()).getShape().back());
    for (mlir::Value weight : {op.getGate(), op.getUp(), op.getDown()}) {
      auto type = cast<mlir::ShapedType>(weight.getType());
      opsOf(work.perToken, type.getElementType()) +=
          2.0 * static_cast<double>(type.getNumElements()) * chosen / count;
      work.expertBytes += bytesOf(type);
    }
    work.expertShare = chosen / count;
  }

  mlir::SymbolTable symbols;
};
} // namespace

ModelWork marimba::countWork(mlir::ModuleOp module,
                             const mlir::marimba::ModelInfo &info) {
  WorkCounter counter(module);
  for (auto func : module.getOps<mlir::func::FuncOp>())
    if (auto entry =
            func->getAttrOfType<mlir::StringAttr>(mlir::marimba::kEntryAttr);
        entry && entry.getValue() == "prefill")
      counter.count(func, /*entry=*/true);
  counter.work.stateBytes = static_cast<double>(info.stateBytes);
  counter.work.kvBytesPerToken = static_cast<double>(info.cacheBytesPerToken);
  return counter.work;
}

double ModelWork::weightBytesFor(double tokens) const {
  // Tokens choose as if each chose others, until all are chosen.
  return weightBytes + tokens * tableRowBytes +
         std::min(1.0, tokens * expertShare) * expertBytes;
}

AllowedTime marimba::allowedTime(const ModelWork &work, const Limits &limits,
                                 double tokens, double context) {
  auto matmuls = [&](const MatmulOps &ops) {
    return ops.f32 / (limits.f32Gflops.max * 1e9) +
           ops.bf16 / (limits.bf16Gflops.max * 1e9) +
           ops.int8 / (limits.int8Gops.max * 1e9);
  };
  double bytesPerSecond = limits.dramReadGbps.max * 1e9;
  double compute = tokens * matmuls(work.perToken) + matmuls(work.perLogits) +
                   tokens * work.updatesPerToken / (limits.expGops.max * 1e9);
  double prefillBytes = work.weightBytesFor(tokens);
  double decodeBytes =
      work.weightBytesFor(1) + work.stateBytes + context * work.kvBytesPerToken;
  return {std::max(compute, prefillBytes / bytesPerSecond),
          decodeBytes / bytesPerSecond};
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// Starts the count of the largest resident size again; where the system does
/// not allow that, the count covers all of the process.
static void resetPeakRss() {
  std::ofstream file("/proc/self/clear_refs");
  file << '5';
}

/// The largest resident size since then.
static double peakRssMib() {
  std::ifstream file("/proc/self/status");
  std::string line;
  while (std::getline(file, line))
    if (line.rfind("VmHWM:", 0) == 0)
      return std::strtod(line.c_str() + strlen("VmHWM:"), nullptr) / 1024;
  return 0;
}

//===----------------------------------------------------------------------===//
// Measuring
//===----------------------------------------------------------------------===//

/// `count` token ids, the same on every machine.
static std::vector<int32_t> makeIds(int64_t count, int64_t vocabulary) {
  std::vector<int32_t> ids;
  uint64_t state = 1;
  for (int64_t i = 0; i < count; ++i) {
    state = state * 6364136223846793005 + 1442695040888963407;
    ids.push_back(static_cast<int32_t>((state >> 33) % vocabulary));
  }
  return ids;
}

namespace {
/// Seconds of every repetition.
struct Measured {
  std::vector<double> prefill, decode; // of all tokens; of one token
};
} // namespace

static bool allFinite(ArrayRef<float> values) {
  return all_of(values, [](float value) { return std::isfinite(value); });
}

static bool measure(rt::Session &session, const BenchOptions &options,
                    int64_t vocabulary, Measured &measured, std::string &error,
                    ProgressFn progress, function_ref<bool()> keepGoing) {
  std::vector<int32_t> prompt = makeIds(options.prefill, vocabulary);
  std::vector<int32_t> next = makeIds(options.decode, vocabulary);
  std::vector<float> logits;
  auto append = [&](ArrayRef<int32_t> ids) {
    return (!keepGoing || keepGoing()) &&
           session.append({ids.data(), ids.size()}, rt::LogitsWanted::Last,
                          logits, error);
  };
  // The first round packs weights and touches memory: it does not count.
  for (unsigned round = 0; round <= options.repeats; ++round) {
    if (progress)
      progress(double(round) / (options.repeats + 1),
               round ? "measuring" : "warming up");
    session.reset(0);
    Stopwatch watch;
    if (!append(prompt))
      return false;
    double prefill = watch.restart();
    size_t steps = round ? next.size() : std::min<size_t>(next.size(), 2);
    for (size_t i = 0; i < steps; ++i)
      if (!append(ArrayRef(next).slice(i, 1)))
        return false;
    double decode = watch.seconds();
    if (!allFinite(logits)) {
      error = "the model's logits are not finite: its times mean nothing";
      return false;
    }
    if (round == 0)
      continue;
    measured.prefill.push_back(prefill);
    measured.decode.push_back(decode / static_cast<double>(steps));
  }
  return true;
}

/// numerator / seconds, for each repetition.
static Spread rates(double numerator, ArrayRef<double> seconds) {
  std::vector<double> all;
  for (double s : seconds)
    all.push_back(numerator / s);
  return Spread::of(std::move(all));
}

bool marimba::runBenchmark(StringRef modelDir, const BenchOptions &options,
                           BenchResult &result, std::string &error,
                           ProgressFn progress, function_ref<bool()> keepGoing,
                           function_ref<void(StringRef)> note) {
  auto report = [&](double fraction, StringRef what) {
    if (progress)
      progress(fraction, what);
  };
  result.threads = options.load.threads
                       ? options.load.threads
                       : static_cast<unsigned>(rt::allowedCpus());
  // What is wrong with the model is said before anything is measured.
  ModelWork work;
  {
    std::unique_ptr<Compilation> compilation =
        Compilation::createFromModel(modelDir, options.load.compile, error);
    if (!compilation)
      return false;
    const mlir::marimba::ModelInfo &info = compilation->imported()->info;
    work = countWork(compilation->module(), info);
    result.randomWeights = options.randomWeights || !info.hasWeights;
  }
  if (result.randomWeights && !options.randomWeights && note)
    note((modelDir + " has no weights: measured with random ones").str());

  report(0, "limits of the machine");
  std::unique_ptr<LimitProbes> probes =
      LimitProbes::create(options.load.compile.target, error);
  if (!probes || !probes->measure(1, {}, result.oneThread, error))
    return false;
  result.limits = result.oneThread;
  if (result.threads > 1 &&
      !probes->measure(result.threads, {}, result.limits, error))
    return false;
  if (keepGoing && !keepGoing())
    return false;

  resetPeakRss();
  rt::RandomWeights random(static_cast<int>(result.threads));
  LoadOptions load = options.load;
  if (result.randomWeights)
    load.weights = &random;
  std::unique_ptr<LoadedModel> model =
      LoadedModel::load(modelDir, load, error, progress);
  if (!model)
    return false;
  result.times = model->times();
  std::unique_ptr<rt::Session> session = model->makeSession(error);
  if (!session)
    return false;

  Measured measured;
  if (!measure(*session, options, model->info().vocabSize, measured, error,
               progress, keepGoing))
    return false;
  auto tokens = static_cast<double>(options.prefill);
  result.decodeContext = tokens + static_cast<double>(options.decode - 1) / 2;
  result.allowed =
      allowedTime(work, result.limits, tokens, result.decodeContext);
  result.prefillTokensPerS = rates(tokens, measured.prefill);
  result.prefillEfficiency = rates(result.allowed.prefill, measured.prefill);
  result.decodeTokensPerS = rates(1, measured.decode);
  result.decodeEfficiency = rates(result.allowed.decode, measured.decode);
  result.decodeWeightGbps =
      rates(work.weightBytesFor(1) * 1e-9, measured.decode);
  result.peakRssMib = peakRssMib();
  return true;
}
