//===- MatrixProduct.cpp - One projection, compiled and called ------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/measure/MatrixProduct.h"

#include "marimba/RandomWeights.h"
#include "marimba/Stopwatch.h"
#include "marimba/ThreadTeam.h"
#include "marimba/Tiles.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>

using namespace marimba;
using namespace llvm;

ArrayRef<MatrixType> marimba::matrixTypes() {
  static constexpr MatrixType types[] = {
      {"f32", "f32", "", false},
      {"bf16", "bf16", "", true},
      {"int8:64", "i8", "group 64, scale bf16", true},
      {"int8", "i8", "channel, scale f32", true},
      {"int4:64", "i4", "group 64, scale bf16", true},
      {"q8_0", "i8", "group 32, scale f16", false},
      {"q4_0", "i4", "group 32, scale f16", false},
  };
  return types;
}

static constexpr StringLiteral kModule = R"(
module @product {
  marimba.weight @w : $WEIGHT from [$SOURCES]
  func.func @prefill(%x: tensor<?x?x$Kxf32> {marimba.input = "x"},
      %out: tensor<?x?x$Nxf32> {marimba.output = "y"}) -> tensor<?x?x$Nxf32>
      attributes {marimba.entry = "prefill"} {
    %w = marimba.get_weight @w : $WEIGHT
    %y = marimba.linear %x, %w
        : tensor<?x?x$Kxf32>, $WEIGHT -> tensor<?x?x$Nxf32>
    %stored = bufferization.materialize_in_destination %y in %out
        : (tensor<?x?x$Nxf32>, tensor<?x?x$Nxf32>) -> tensor<?x?x$Nxf32>
    return %stored : tensor<?x?x$Nxf32>
  }
}
)";

static std::string moduleText(const MatrixType &type, int64_t inputs,
                              int64_t channels) {
  std::string text = kModule.str();
  auto replace = [&](StringRef place, const std::string &with) {
    for (size_t at; (at = text.find(place.str())) != std::string::npos;)
      text.replace(at, place.size(), with);
  };
  std::string n = std::to_string(channels), k = std::to_string(inputs);
  std::string encoding;
  if (!type.encoding.empty())
    encoding = (", #marimba.quantized<" + type.encoding + ">").str();
  replace("$WEIGHT",
          "tensor<" + n + "x" + k + "x" + type.element.str() + encoding + ">");
  replace("$SOURCES",
          type.encoding.empty() ? "\"w\"" : "\"w.codes\", \"w.scales\"");
  replace("$N", n);
  replace("$K", k);
  return text;
}

std::unique_ptr<MatrixProduct>
MatrixProduct::create(const MatrixType &type, int64_t inputs, int64_t channels,
                      const mlir::marimba::PipelineOptions &pipeline,
                      const mlir::marimba::TargetOptions &machine,
                      std::string &error) {
  std::unique_ptr<MatrixProduct> product(new MatrixProduct);
  product->threads = static_cast<int>(pipeline.threads);
  product->inputs = inputs;
  product->channels = channels;
  std::string name =
      (type.name + " " + Twine(inputs) + "x" + Twine(channels)).str();
  product->code = compileText(moduleText(type, inputs, channels), name,
                              pipeline, machine, error);
  const char *text =
      product->code ? lookupFunction<const char>(
                          *product->code, MARIMBA_SYMBOL_DESCRIPTION, error)
                    : nullptr;
  if (!text)
    return nullptr;
  // Nobody binds this code, who would ask for its tiles.
  std::string noTiles;
  if (lookupFunction<const void>(*product->code, MARIMBA_SYMBOL_TILES,
                                 noTiles) &&
      !rt::mayUseTiles(error)) {
    error = name + ": " + error + "; measure with --isa=avx512-bf16";
    return nullptr;
  }
  std::optional<rt::ModuleTables> tables = rt::ModuleTables::parse(text, error);
  if (!tables)
    return nullptr;
  product->tables = std::move(*tables);
  int64_t row = product->tables.weightIndex("w");
  if (row < 0) {
    error = name + ": the code has no weight 'w'";
    return nullptr;
  }
  const rt::WeightSpec &spec = product->tables.weights[size_t(row)];
  product->layout = spec.quantized;
  product->bytes = *rt::elementCount(spec.shape) * rt::dtypeSize(spec.dtype);
  product->library = std::make_shared<rt::PrimitiveCache>();
  product->context =
      rt::Context::create(product->threads, product->library, error);
  return product->context ? std::move(product) : nullptr;
}

bool MatrixProduct::makeWeights(int64_t copies, std::string &error) {
  rt::Description description;
  description.weights = tables.weights;
  rt::RandomWeights random(threads);
  for (int64_t i = 0; i < copies; ++i) {
    weights.push_back(rt::Weights::generate(description, random, error));
    if (!weights.back() || !derive(*weights.back(), error))
      return false;
  }
  return true;
}

/// Runs `prepare`, where the code has it.
bool MatrixProduct::derive(const rt::Weights &made, std::string &error) {
  auto entry = tables.entries.find("prepare");
  if (entry == tables.entries.end())
    return true;
  std::vector<MarimbaTensor> derived;
  for (const rt::ArgSpec &arg : entry->second.args) {
    int64_t row = tables.weightIndex(arg.name);
    if (row < 0) {
      error = "prepare: no weight '" + arg.name + "'";
      return false;
    }
    derived.push_back(made.table()[size_t(row)]);
  }
  return run(made, "prepare", derived, error);
}

bool MatrixProduct::run(const rt::Weights &made, StringRef entry,
                        ArrayRef<MarimbaTensor> args, std::string &error) {
  auto *function = lookupFunction<std::remove_pointer_t<MarimbaEntry>>(
      *code, ("marimba_" + entry).str(), error);
  if (!function)
    return false;
  MarimbaCall call = {};
  call.weights = made.table().data();
  call.weightCount = static_cast<int32_t>(made.table().size());
  call.args = args.data();
  call.argCount = static_cast<int32_t>(args.size());
  context->clear();
  int32_t status = MARIMBA_OK;
  rt::onTeam(threads, [&] { status = context->run(function, call); });
  if (status == MARIMBA_OK && context->ok())
    return true;
  error = context->message();
  return false;
}

bool MatrixProduct::prepare(int64_t count, std::string &error) {
  rows = count;
  batch = rows <= kMostBatchRows;
  auto room = [&](rt::AlignedBuffer &buffer, int64_t columns) {
    std::optional<rt::AlignedBuffer> made =
        rt::AlignedBuffer::zeroed(rows * columns * 4);
    if (!made) {
      error = "no memory for " + std::to_string(rows) + " rows";
      return false;
    }
    buffer = std::move(*made);
    return true;
  };
  if (!room(x, inputs) || !room(y, channels))
    return false;
  uint32_t random = 1;
  auto *values = reinterpret_cast<float *>(x.data());
  for (int64_t i = 0; i < rows * inputs; ++i) {
    random = random * 1664525 + 1013904223;
    values[i] = static_cast<float>(random >> 8) * 0x1p-23f - 1;
  }
  args.clear();
  auto tensor = [&](rt::AlignedBuffer &buffer, int64_t columns) {
    std::array<int64_t, 3> shape = {batch ? rows : 1, batch ? 1 : rows,
                                    columns};
    return rt::makeTensor(buffer.data(), MARIMBA_F32, shape);
  };
  auto entry = tables.entries.find(batch ? "decode" : "prefill");
  if (entry == tables.entries.end()) {
    error = "the code has no entry for " + std::to_string(rows) + " rows";
    return false;
  }
  for (const rt::ArgSpec &arg : entry->second.args)
    args.push_back(arg.name == "x" ? tensor(x, inputs) : tensor(y, channels));

  rt::PrimitiveCache::Stats before = library->stats();
  turn = 0;
  for (size_t i = 0; i < (packed ? 1 : weights.size()); ++i)
    if (call(error) == 0)
      return false;
  packed = true;
  rt::PrimitiveCache::Stats after = library->stats();
  // By calls: the primitives of a number of rows that was there before are not
  // made again.
  std::vector<std::string> called;
  for (const auto &[name, calls] : after.calls)
    if (auto it = before.calls.find(name);
        it == before.calls.end() || it->second < calls)
      called.push_back(name);
  implementation = called.empty() ? "generated" : join(called, "+");
  return true;
}

double MatrixProduct::call(std::string &error) {
  const rt::Weights &made = *weights[turn];
  turn = (turn + 1) % weights.size();
  rt::Stopwatch watch;
  return run(made, batch ? "decode" : "prefill", args, error) ? watch.seconds()
                                                              : 0;
}

bool MatrixProduct::sane() const {
  const auto *values = reinterpret_cast<const float *>(y.data());
  ArrayRef<float> all(values, static_cast<size_t>(rows * channels));
  return all_of(all, [](float v) { return std::isfinite(v); }) &&
         any_of(all, [](float v) { return v != 0; });
}
