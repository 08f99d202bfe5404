//===- Matrix.cpp - Projections of every kind beside the limits -----------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/measure/Matrix.h"

#include "tools/libmarimba/MachineFacts.h"
#include "tools/measure/MatrixProduct.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include <algorithm>
#include <cmath>
#include <unistd.h>

using namespace marimba;
using namespace llvm;
using mlir::marimba::MatmulRoute;
using mlir::marimba::PipelineOptions;

static constexpr int64_t kRows[] = {1, 4, 16, 64, 512};
static constexpr std::pair<int64_t, int64_t> kShapes[] = {
    {768, 3072}, {1536, 768}, {2560, 10240}, {8192, 2560}};

ArrayRef<MatrixRoute> marimba::matrixRoutes() {
  static constexpr MatrixRoute routes[] = {
      {"generated", MatmulRoute::Generated},
      {"onednn", MatmulRoute::OneDNN},
  };
  return routes;
}

/// Of weights so small that it would take more copies a large cache holds some:
/// making them would take minutes.
static constexpr int64_t kMostCopies = 4096;

/// Copies of a weight that no cache holds together: few rows have to read them
/// from memory, as those of a model.
static int64_t copiesOf(int64_t bytes) {
  int64_t cache = 0;
  for (int name : {_SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE})
    cache = std::max<int64_t>(cache, sysconf(name));
  int64_t wanted = std::clamp(2 * cache, int64_t(64) << 20, int64_t(1) << 30);
  return std::clamp<int64_t>((wanted + bytes - 1) / bytes, 2, kMostCopies);
}

namespace {
/// The cells of one type and shape.
class Group {
public:
  Group(const MatrixRequest &request, const MatrixType &type,
        std::pair<int64_t, int64_t> shape)
      : request(request), type(type), inputs(shape.first),
        channels(shape.second) {}

  /// Compiles each route and makes its weights.
  bool create(ArrayRef<int64_t> rows, std::string &error);
  bool measure(int64_t rows, MatrixCell &cell, std::string &error);

private:
  PipelineOptions pipelineFor(MatmulRoute route) const;

  const MatrixRequest &request;
  const MatrixType &type;
  int64_t inputs, channels;
  std::vector<std::unique_ptr<MatrixProduct>> products;
};
} // namespace

PipelineOptions Group::pipelineFor(MatmulRoute route) const {
  PipelineOptions pipeline = request.compile.pipeline;
  mlir::marimba::TargetOptions machine = request.compile.target;
  addMachineFacts(*mlir::marimba::findTarget(pipeline.target), machine,
                  pipeline);
  pipeline.matmul = route;
  pipeline.threads = request.threads;
  // As in a model with such weights: --dtype decides, else what it stores.
  ComputeType computed = request.compile.computeType;
  bool automatic = computed == ComputeType::Automatic;
  pipeline.bf16 = computed == ComputeType::BF16 ||
                  (automatic && pipeline.bf16Dots && type.besideBF16);
  pipeline.bf16ForBytes = automatic;
  return pipeline;
}

bool Group::create(ArrayRef<int64_t> rows, std::string &error) {
  bool few = any_of(
      rows, [](int64_t n) { return n <= MatrixProduct::kMostBatchRows; });
  for (const MatrixRoute &route : matrixRoutes()) {
    std::unique_ptr<MatrixProduct> product =
        MatrixProduct::create(type, inputs, channels, pipelineFor(route.route),
                              request.compile.target, error);
    if (!product || !product->makeWeights(
                        few ? copiesOf(product->weightBytes()) : 1, error)) {
      error = (type.name + " " + Twine(inputs) + "x" + Twine(channels) +
               ", --matmul=" + route.name + ": " + error)
                  .str();
      return false;
    }
    products.push_back(std::move(product));
  }
  return true;
}

bool Group::measure(int64_t rows, MatrixCell &cell, std::string &error) {
  cell.type = type.name;
  cell.tableType =
      mlir::marimba::weightTypeName(type.element, products[0]->quantized());
  cell.rows = rows;
  cell.inputs = inputs;
  cell.channels = channels;
  cell.flops = 2.0 * static_cast<double>(rows) * static_cast<double>(inputs) *
               static_cast<double>(channels);
  cell.bytes = static_cast<double>(products[0]->weightBytes());
  PipelineOptions pipeline = pipelineFor(matrixRoutes().front().route);
  cell.multiplied = productType(products[0]->quantized(),
                                rows <= MatrixProduct::kMostBatchRows
                                    ? Products::ofFewRows(pipeline)
                                    : Products::of(pipeline));
  double longest = 0;
  for (const std::unique_ptr<MatrixProduct> &product : products) {
    if (!product->prepare(rows, error))
      return false;
    double seconds = product->call(error);
    if (seconds == 0)
      return false;
    cell.runs.push_back({product->ran(), seconds});
    longest = std::max(longest, seconds);
  }
  // In turns, so that what disturbs one disturbs the other.
  auto rounds = static_cast<int64_t>(
      std::clamp(request.secondsPerCell / longest, 3.0, 1000.0));
  for (int64_t round = 0; round < rounds; ++round)
    for (auto [product, run] : zip(products, cell.runs)) {
      double seconds = product->call(error);
      if (seconds == 0)
        return false;
      run.seconds = std::min(run.seconds, seconds);
    }
  for (auto [product, route] : zip(products, matrixRoutes()))
    if (!product->sane()) {
      error = (cell.type + " " + Twine(inputs) + "x" + Twine(channels) +
               ", --matmul=" + route.name +
               ": the output is not finite, or nothing but zeros")
                  .str();
      return false;
    }
  return true;
}

/// The best of both: what disturbed one may have passed by the other.
static void takeBetter(Limits &limits, const Limits &other) {
  for (auto rate : {&Limits::f32Gflops, &Limits::dramReadGbps, &Limits::expGops,
                    &Limits::bf16TilesGflops, &Limits::int8TilesGops})
    if ((other.*rate).max > (limits.*rate).max)
      limits.*rate = other.*rate;
  auto take = [&](auto rate, auto route) {
    if ((other.*rate).max <= (limits.*rate).max)
      return;
    limits.*rate = other.*rate;
    limits.*route = other.*route;
  };
  take(&Limits::bf16Gflops, &Limits::bf16Route);
  take(&Limits::int8Gops, &Limits::int8Route);
  take(&Limits::int4Gops, &Limits::int4Route);
}

static double allowedSeconds(const MatrixCell &cell, const Limits &limits) {
  MatmulOps ops;
  ops.of(cell.multiplied) = cell.flops;
  return std::max(matmulSeconds(ops, limits),
                  cell.bytes / (limits.dramReadGbps.max * 1e9));
}

bool marimba::runMatrix(const MatrixRequest &request, MatrixResult &result,
                        std::string &error, ProgressFn progress,
                        function_ref<bool()> keepGoing) {
  std::vector<int64_t> rows = request.rows;
  if (rows.empty())
    rows.assign(std::begin(kRows), std::end(kRows));
  std::vector<std::pair<int64_t, int64_t>> shapes = request.shapes;
  if (shapes.empty())
    shapes.assign(std::begin(kShapes), std::end(kShapes));
  std::vector<const MatrixType *> types;
  for (const MatrixType &type : matrixTypes())
    if (request.types.empty() || is_contained(request.types, type.name))
      types.push_back(&type);

  double done = 0, all = double(types.size() * shapes.size() * rows.size());
  auto report = [&](const Twine &what) {
    if (progress)
      progress(done / all, what.str());
    return !keepGoing || keepGoing();
  };
  if (!report("limits of the machine"))
    return false;
  const mlir::marimba::TargetOptions &machine = request.compile.target;
  result.unit =
      mlir::marimba::matmulUnit(mlir::marimba::processorFeatures(machine))
          .str();
  std::unique_ptr<LimitProbes> probes = LimitProbes::create(machine, error);
  if (!probes || !probes->measure(request.threads, {}, result.limits, error))
    return false;
  for (const MatrixType *type : types)
    for (std::pair<int64_t, int64_t> shape : shapes) {
      std::string name =
          (type->name + " " + Twine(shape.first) + "x" + Twine(shape.second))
              .str();
      if (!report(name + ": compiling, packing"))
        return false;
      Group group(request, *type, shape);
      if (!group.create(rows, error))
        return false;
      for (int64_t count : rows) {
        if (!report(name + ", " + Twine(count) + " rows"))
          return false;
        if (!group.measure(count, result.cells.emplace_back(), error))
          return false;
        ++done;
      }
    }
  if (!report("limits of the machine"))
    return false;
  Limits after;
  if (!probes->measure(request.threads, {}, after, error))
    return false;
  takeBetter(result.limits, after);
  for (MatrixCell &cell : result.cells)
    cell.allowed = allowedSeconds(cell, result.limits);
  return true;
}

mlir::marimba::MatmulTable MatrixResult::table() const {
  std::vector<mlir::marimba::MatmulMeasurement> rows;
  StringSet<> seen;
  for (const MatrixCell &cell : cells) {
    // Nothing to choose: both routes are the same kernel.
    if (cell.runs[1].ran == cell.runs[0].ran)
      continue;
    std::string key = cell.tableType + ' ' + std::to_string(cell.rows) + ' ' +
                      std::to_string(cell.inputs) + ' ' +
                      std::to_string(cell.channels);
    if (seen.insert(key).second)
      rows.push_back({unit, cell.tableType, cell.rows, cell.inputs,
                      cell.channels, cell.ratio() >= 1, cell.ratio()});
  }
  return mlir::marimba::MatmulTable(std::move(rows));
}
