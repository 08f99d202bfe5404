//===- GgufData.cpp - The data of a GGUF file -----------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/quantize/GgufData.h"

#include "tools/quantize/GgufBlocks.h"
#include "tools/quantize/SourceFiles.h"

#include "marimba/formats/Format.h"
#include "marimba/formats/Scalar.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Parallel.h"
#include <algorithm>
#include <cmath>
#include <optional>

using namespace marimba;
using namespace llvm;

namespace {

/// Some rows of a tensor, and what became of them.
struct Task {
  size_t tensor;
  int64_t first, count; // rows
  QuantError lost{};
  std::string error{};
};

class Writer {
public:
  Writer(const GgufPlan &plan, const GgufLayout &layout, QuantMethod method,
         rt::NewFile &file, StringRef path,
         function_ref<bool(uint64_t bytes, StringRef name)> advance,
         std::string &error)
      : plan(plan), layout(layout), method(method), file(file), path(path),
        advance(advance), error(error) {}

  bool run(std::vector<QuantError> &errors);

private:
  std::vector<Task> makeTasks() const;
  void write(Task &task);
  /// Reads the bytes of the task's rows, row after row.
  bool read(Task &task, std::vector<char> &bytes);
  bool widen(Task &task, std::vector<char> &stored, std::vector<float> &rows);
  /// Makes `rows` what the file has.
  bool narrow(Task &task, std::vector<float> &rows, std::vector<char> &bytes);
  bool fail(Task &task, const Twine &problem) const {
    const GgufPlanTensor &tensor = plan.tensors[task.tensor];
    StringRef from = tensor.runs.empty()
                         ? path
                         : StringRef(tensor.runs.front().source->file);
    task.error =
        (from + ": tensor '" + tensor.sourceName + "': " + problem).str();
    return false;
  }

  const GgufPlan &plan;
  const GgufLayout &layout;
  QuantMethod method;
  rt::NewFile &file;
  StringRef path;
  function_ref<bool(uint64_t bytes, StringRef name)> advance;
  std::string &error;
  SourceFiles sources;
};

} // namespace

std::vector<Task> Writer::makeTasks() const {
  // Whole panels of lanes, and not too much memory.
  constexpr int64_t most = 1 << 19, lanes = 16;
  std::vector<Task> tasks;
  for (auto [i, tensor] : enumerate(plan.tensors)) {
    int64_t count = most / std::max<int64_t>(tensor.inputs, 1) / lanes * lanes;
    count = std::max(count, lanes);
    for (int64_t first = 0; first < tensor.rows; first += count)
      tasks.push_back({i, first, std::min(count, tensor.rows - first)});
  }
  return tasks;
}

bool Writer::read(Task &task, std::vector<char> &bytes) {
  const GgufPlanTensor &tensor = plan.tensors[task.tensor];
  uint64_t rowBytes = ggufRowBytes(tensor.sourceType(), tensor.inputs);
  bytes.resize(task.count * rowBytes);
  MutableArrayRef<char> rest = bytes;
  // The part of each run that lies in the task.
  int64_t begin = 0, end = task.first + task.count;
  for (const RowRun &run : tensor.runs) {
    int64_t first = std::max(begin, task.first);
    int64_t count = std::min(begin + run.count, end) - first;
    begin += run.count;
    if (count <= 0)
      continue;
    int64_t row = run.first + first - (begin - run.count);
    if (!sources.read(*run.source, run.source->offset + row * rowBytes,
                      rest.take_front(count * rowBytes), task.error))
      return false;
    rest = rest.drop_front(count * rowBytes);
  }
  return true;
}

bool Writer::widen(Task &task, std::vector<char> &stored,
                   std::vector<float> &rows) {
  const GgufPlanTensor &tensor = plan.tensors[task.tensor];
  int64_t inputs = tensor.inputs;
  rows.resize(task.count * inputs);
  if (!tensor.values.empty()) {
    std::copy(tensor.values.begin(), tensor.values.end(), rows.begin());
    return true;
  }
  if (!read(task, stored))
    return false;
  const formats::Format &format = *formats::findFormat(tensor.sourceType());
  format.widen(stored.data(), rows.data(),
               int64_t(rows.size()) / format.elements);
  for (auto [i, w] : enumerate(rows)) {
    if (tensor.change == WeightChange::MinusExp)
      w = float(-std::exp(double(w)));
    else if (tensor.change == WeightChange::PlusOne)
      w += 1;
    if (!tensor.factors.empty())
      w = float(double(w) * tensor.factors[task.first + int64_t(i) / inputs]);
  }
  if (tensor.columns.empty())
    return true;
  std::vector<float> row(inputs);
  for (int64_t i = 0; i < task.count; ++i) {
    MutableArrayRef<float> at(rows.data() + i * inputs, inputs);
    for (int64_t k = 0; k < inputs; ++k)
      row[k] = at[tensor.columns[k]];
    llvm::copy(row, at.begin());
  }
  return true;
}

bool Writer::narrow(Task &task, std::vector<float> &rows,
                    std::vector<char> &bytes) {
  const GgufPlanTensor &tensor = plan.tensors[task.tensor];
  bytes.resize(task.count * ggufRowBytes(tensor.type, tensor.inputs));
  if (const BlockType *type = findBlockType(tensor.type)) {
    std::string problem;
    return quantizeBlocks(*type, rows.data(), task.count, tensor.inputs, method,
                          bytes.data(), task.lost, problem, task.first) ||
           fail(task, problem);
  }
  Scalar type = *formats::parseScalar(tensor.type);
  char *to = bytes.data();
  for (auto [i, w] : enumerate(rows)) {
    storeScalar(w, type, to);
    if (!std::isfinite(formats::loadScalar(to, type)))
      return fail(task,
                  "has " + std::to_string(w) + " at element " +
                      Twine(task.first * tensor.inputs + int64_t(i)) +
                      (std::isfinite(w)
                           ? ", which " + tensor.type + " cannot represent"
                           : std::string(", expected finite weights")));
    to += formats::scalarSize(type);
  }
  return true;
}

void Writer::write(Task &task) {
  const GgufPlanTensor &tensor = plan.tensors[task.tensor];
  std::vector<char> stored, bytes;
  std::vector<float> rows;
  // Blocks that stay what they are.
  bool copies = !formats::parseScalar(tensor.type) &&
                tensor.type == tensor.sourceType() && tensor.columns.empty() &&
                tensor.change == WeightChange::None && tensor.factors.empty();
  if (copies ? !read(task, bytes)
             : !widen(task, stored, rows) || !narrow(task, rows, bytes))
    return;
  uint64_t rowBytes = ggufRowBytes(tensor.type, tensor.inputs);
  std::string problem;
  if (!file.write(bytes, layout.offsets[task.tensor] + task.first * rowBytes,
                  problem))
    task.error = (path + ": " + problem).str();
}

bool Writer::run(std::vector<QuantError> &errors) {
  for (const GgufPlanTensor &tensor : plan.tensors)
    for (const RowRun &run : tensor.runs)
      if (!sources.open(*run.source, error))
        return false;
  // A disk without the space says so at once. What is between tensors is 0.
  std::string problem;
  if (!file.reserve(layout.fileBytes, problem) ||
      !file.write(std::string(1, '\0'), layout.fileBytes - 1, problem) ||
      !file.write(layout.header, 0, problem)) {
    error = (path + ": " + problem).str();
    return false;
  }
  errors.assign(plan.tensors.size(), {});
  std::vector<Task> tasks = makeTasks();
  // Some at a time, to show progress and to stop.
  constexpr size_t most = 32;
  for (size_t begin = 0; begin < tasks.size(); begin += most) {
    size_t count = std::min(most, tasks.size() - begin);
    MutableArrayRef<Task> some = MutableArrayRef(tasks).slice(begin, count);
    parallelFor(0, count, [&](size_t i) { write(some[i]); });
    uint64_t bytes = 0;
    // In this order, sums and the error reported do not depend on the threads.
    for (Task &task : some) {
      if (!task.error.empty()) {
        error = std::move(task.error);
        return false;
      }
      const GgufPlanTensor &tensor = plan.tensors[task.tensor];
      errors[task.tensor].error += task.lost.error;
      errors[task.tensor].energy += task.lost.energy;
      bytes += task.count * ggufRowBytes(tensor.type, tensor.inputs);
    }
    if (!advance(bytes, plan.tensors[some.back().tensor].sourceName))
      return false;
  }
  return true;
}

bool marimba::writeGgufData(
    const GgufPlan &plan, const GgufLayout &layout, QuantMethod method,
    rt::NewFile &file, StringRef path,
    function_ref<bool(uint64_t bytes, StringRef name)> advance,
    std::vector<QuantError> &errors, std::string &error) {
  return Writer(plan, layout, method, file, path, advance, error).run(errors);
}
