//===- QuantFile.cpp - The weights of a quantised model -------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/quantize/QuantFile.h"

#include "marimba/NotFinite.h"
#include "tools/quantize/QuantizeGptq.h"
#include "tools/quantize/QuantizeMatrix.h"
#include "tools/quantize/SourceFiles.h"

#include "marimba/Tensor.h"
#include "marimba/formats/Safetensors.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/Parallel.h"
#include <algorithm>

using namespace marimba;
using namespace llvm;
using mlir::marimba::WeightSource;

//===----------------------------------------------------------------------===//
// QuantLayout
//===----------------------------------------------------------------------===//

std::optional<QuantLayout> QuantLayout::create(const QuantPlan &plan,
                                               std::string &error) {
  std::vector<formats::SafetensorsEntry> tensors;
  std::vector<size_t> first; // of each matrix
  for (const PlannedMatrix &matrix : plan.matrices) {
    first.push_back(tensors.size());
    Layout parts = matrix.layout();
    for (formats::PartKind kind : parts.parts())
      tensors.push_back({matrix.name + "." + std::string(partName(kind)),
                         std::string(parts.partType(kind)),
                         parts.partShape(kind)});
  }
  size_t firstKept = tensors.size();
  for (const WeightSource *source : plan.kept)
    tensors.push_back({source->name, source->dtype, source->shape});
  // What transformers asks for.
  const std::pair<std::string, std::string> metadata[] = {{"format", "pt"}};
  auto header = formats::makeSafetensorsHeader(tensors, /*alignment=*/64, error,
                                               metadata);
  if (!header)
    return std::nullopt;
  QuantLayout layout;
  layout.headerText = std::move(*header);
  for (size_t i : first)
    layout.matrices.push_back(tensors[i].offset);
  for (size_t i = firstKept; i < tensors.size(); ++i)
    layout.kept.push_back(tensors[i].offset);
  uint64_t begin = layout.headerText.size();
  layout.end =
      tensors.empty() ? begin : tensors.back().offset + tensors.back().bytes;
  layout.quantised =
      (layout.kept.empty() ? layout.end : layout.kept.front()) - begin;
  return layout;
}

//===----------------------------------------------------------------------===//
// Reading the checkpoint
//===----------------------------------------------------------------------===//

static int64_t elementBytes(StringRef dtype) {
  return scalarSize(*formats::parseScalar(dtype));
}

bool marimba::checkFinite(
    ArrayRef<const WeightSource *> tensors,
    function_ref<bool(uint64_t bytes, StringRef name)> advance,
    std::string &error) {
  constexpr uint64_t most = 8 << 20;
  SourceFiles files;
  std::vector<char> buffer;
  for (const WeightSource *source : tensors) {
    MarimbaDType dtype = rt::dtypeOf(*formats::parseScalar(source->dtype));
    if (!files.open(*source, error))
      return false;
    for (uint64_t at = 0; at < source->bytes; at += buffer.size()) {
      buffer.resize(std::min(most, source->bytes - at));
      if (!files.read(*source, source->offset + at, buffer, error) ||
          !advance(buffer.size(), source->name))
        return false;
      int64_t each = elementBytes(source->dtype);
      std::optional<rt::NotFinite> found =
          rt::findNotFinite(buffer.data(), dtype, buffer.size() / each);
      if (!found)
        continue;
      error = source->file + ": tensor '" + source->name + "': has " +
              found->text() + " at element " +
              std::to_string(int64_t(at) / each + found->element) +
              ", expected finite weights";
      return false;
    }
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

namespace {

/// A block of channels of a matrix, and what became of it.
struct Task {
  size_t matrix;
  int64_t block;
  QuantError lost{};
  std::string error{};
};

class Writer {
public:
  Writer(const QuantPlan &plan, const QuantLayout &layout,
         const QuantWork &work, rt::NewFile &file, StringRef path,
         function_ref<bool(uint64_t bytes, StringRef name)> advance,
         std::string &error)
      : plan(plan), layout(layout), work(work), file(file), path(path),
        advance(advance), error(error) {}

  bool run(std::vector<QuantError> &errors);

private:
  bool openFiles();
  /// Puts the file's name in front of what is wrong with it.
  bool named(bool good, std::string &problem) {
    if (!good)
      problem = (path + ": " + problem).str();
    return good;
  }
  bool quantise(std::vector<QuantError> &errors);
  /// Makes ready for matrices with these inputs; null where nothing is known.
  bool useMoments(const GramMatrix *inputs, StringRef name);
  void quantiseBlock(Task &task);
  bool writeBlock(const Task &task, const QuantizedMatrix &block,
                  std::string &problem);
  bool copyKept();

  const QuantPlan &plan;
  const QuantLayout &layout;
  const QuantWork &work;
  rt::NewFile &file;
  StringRef path;
  function_ref<bool(uint64_t bytes, StringRef name)> advance;
  std::string &error;
  // Of the matrices at hand, if anything is known of their inputs.
  const GramMatrix *moments = nullptr;
  std::optional<GptqFactor> factor;
  std::vector<float> importance;
  SourceFiles sources;
};

} // namespace

/// The bytes as the runtime's functions take them.
static std::span<const char> bytesOf(const std::vector<uint8_t> &data) {
  return {reinterpret_cast<const char *>(data.data()), data.size()};
}

bool Writer::writeBlock(const Task &task, const QuantizedMatrix &block,
                        std::string &problem) {
  const PlannedMatrix &matrix = plan.matrices[task.matrix];
  uint64_t blocks = matrix.layout().blocks;
  uint64_t begin = layout.matrixOffset(task.matrix);
  // Each tensor has the same number of bytes for every block.
  for (const std::vector<uint8_t> *part :
       {&block.codes, &block.scales, &block.zeros}) {
    if (!named(file.write(bytesOf(*part), begin + task.block * part->size(),
                          problem),
               problem))
      return false;
    begin += blocks * part->size();
  }
  return true;
}

void Writer::quantiseBlock(Task &task) {
  const PlannedMatrix &matrix = plan.matrices[task.matrix];
  StringRef dtype = matrix.source->dtype;
  int64_t first = task.block * Layout::kChannels;
  int64_t rows = std::min(matrix.rows - first, Layout::kChannels);
  int64_t rowBytes = matrix.inputs * elementBytes(dtype);
  std::vector<char> stored(rows * rowBytes);
  if (!sources.read(*matrix.source, matrix.source->offset + first * rowBytes,
                    stored, task.error))
    return;
  std::vector<float> weights(rows * matrix.inputs);
  widenScalars(stored.data(), *formats::parseScalar(dtype), weights.data(),
               weights.size());
  QuantizedMatrix block;
  std::string problem;
  bool done =
      factor
          ? quantizeGptq(weights.data(), rows, matrix.inputs, matrix.format,
                         *factor, block, problem, first)
          : quantizeMatrix(weights.data(), rows, matrix.inputs, matrix.format,
                           work.method, moments ? importance.data() : nullptr,
                           block, problem, first);
  if (!done) {
    task.error =
        matrix.source->file + ": tensor '" + matrix.name + "': " + problem;
    return;
  }
  task.lost = {block.error, block.energy};
  writeBlock(task, block, task.error);
}

bool Writer::useMoments(const GramMatrix *inputs, StringRef name) {
  moments = inputs;
  factor.reset();
  importance.clear();
  if (!inputs)
    return true;
  importance = inputs->importance();
  if (!inputs->matrix())
    return true;
  std::string problem;
  factor = GptqFactor::create(inputs->matrix(), inputs->size(), problem);
  if (!factor)
    error = ("the inputs of " + name + ": " + problem).str();
  return factor.has_value();
}

bool Writer::quantise(std::vector<QuantError> &errors) {
  std::vector<Task> tasks;
  for (size_t i = 0; i < plan.matrices.size(); ++i)
    for (int64_t b = 0, e = plan.matrices[i].layout().blocks; b < e; ++b)
      tasks.push_back({i, b});
  errors.assign(plan.matrices.size(), {});
  // Some at a time, to show progress and to stop; they share their inputs.
  constexpr size_t most = 64;
  auto inputsOf = [&](const Task &task) {
    return work.calibration
               ? work.calibration->find(plan.matrices[task.matrix].name)
               : nullptr;
  };
  for (size_t begin = 0, end = 0; begin < tasks.size(); begin = end) {
    const GramMatrix *inputs = inputsOf(tasks[begin]);
    while (end < tasks.size() && end - begin < most &&
           inputsOf(tasks[end]) == inputs)
      ++end;
    if (inputs != moments &&
        !useMoments(inputs, plan.matrices[tasks[begin].matrix].name))
      return false;
    MutableArrayRef<Task> some =
        MutableArrayRef(tasks).slice(begin, end - begin);
    parallelFor(0, some.size(), [&](size_t i) { quantiseBlock(some[i]); });
    // Sums in this order do not depend on the threads; neither does which error
    // is reported.
    uint64_t bytes = 0;
    for (Task &task : some) {
      if (!task.error.empty()) {
        error = std::move(task.error);
        return false;
      }
      errors[task.matrix].error += task.lost.error;
      errors[task.matrix].energy += task.lost.energy;
      const PlannedMatrix &matrix = plan.matrices[task.matrix];
      bytes += std::min(matrix.rows - task.block * Layout::kChannels,
                        Layout::kChannels) *
               matrix.inputs * elementBytes(matrix.source->dtype);
    }
    if (!advance(bytes, plan.matrices[some.back().matrix].name))
      return false;
  }
  return true;
}

bool Writer::copyKept() {
  constexpr uint64_t most = 8 << 20;
  std::vector<char> buffer;
  for (auto [i, source] : enumerate(plan.kept))
    for (uint64_t at = 0; at < source->bytes;) {
      buffer.resize(std::min(most, source->bytes - at));
      if (!sources.read(*source, source->offset + at, buffer, error) ||
          !named(file.write(buffer, layout.keptOffset(i) + at, error), error) ||
          !advance(buffer.size(), source->name))
        return false;
      at += buffer.size();
    }
  return true;
}

bool Writer::openFiles() {
  for (const PlannedMatrix &matrix : plan.matrices)
    if (!sources.open(*matrix.source, error))
      return false;
  for (const WeightSource *source : plan.kept)
    if (!sources.open(*source, error))
      return false;
  return true;
}

bool Writer::run(std::vector<QuantError> &errors) {
  // A disk without the space says so at once.
  return openFiles() &&
         named(file.reserve(layout.fileBytes(), error) &&
                   file.write(layout.header(), 0, error),
               error) &&
         quantise(errors) && copyKept();
}

bool marimba::writeQuantFile(
    const QuantPlan &plan, const QuantLayout &layout, const QuantWork &work,
    rt::NewFile &file, StringRef path,
    function_ref<bool(uint64_t bytes, StringRef name)> advance,
    std::vector<QuantError> &errors, std::string &error) {
  return Writer(plan, layout, work, file, path, advance, error).run(errors);
}
