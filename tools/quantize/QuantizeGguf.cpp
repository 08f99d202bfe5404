//===- QuantizeGguf.cpp - A model as a GGUF file --------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/quantize/QuantizeGguf.h"

#include "importer/hub/ModelDirectory.h"
#include "marimba/Stopwatch.h"
#include "tools/libmarimba/ModelFiles.h"
#include "tools/quantize/GgufBlocks.h"
#include "tools/quantize/GgufData.h"
#include "tools/quantize/GgufTensors.h"
#include "tools/quantize/GgufTokenizerKeys.h"
#include "tools/quantize/KeepList.h"

#include "importer/gguf/GgufKeys.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace marimba;
using namespace llvm;
using namespace mlir::marimba;

namespace {

/// From the model to the plan of the file.
class Planner {
public:
  Planner(StringRef path, const GgufOptions &options, QuantizeReport &report,
          std::string &error)
      : path(path), options(options), report(report), error(error) {}

  bool run();

  GgufPlan plan;

private:
  bool readFile();
  bool readDirectory();
  bool writeKeys(const Family &family);
  bool chooseAll();

  StringRef path;
  const GgufOptions &options;
  QuantizeReport &report;
  std::string &error;
  MixFacts facts;
  bool isGguf = false;
  std::unique_ptr<Compilation> model; // runs point to its sources
};

} // namespace

static std::string writableFamilies() {
  SmallVector<StringRef> names;
  for (const Family &family : families())
    if (family.gguf.write)
      names.push_back(family.modelType);
  return join(names, ", ");
}

bool Planner::readFile() {
  auto keep = mlir::marimba::keepFirst(error);
  auto file = GgufFile::open(path, path, keep);
  if (mlir::failed(file))
    return false;
  facts = MixFacts::of(*file);
  return planGgufCopy(*file, plan, error);
}

bool Planner::writeKeys(const Family &family) {
  auto keep = mlir::marimba::keepFirst(error);
  auto directory = ModelDirectory::open(path, "config.json", keep);
  if (mlir::failed(directory))
    return false;
  Config config(directory->config(), directory->configFile().str(), keep,
                directory->fieldNames());
  if (!family.nested.empty())
    config.enter(family.nested);
  const ModelInfo &info = model->imported()->info;
  GgufKeys keys(config, info, family.gguf.architecture);
  family.gguf.write(keys);
  if (mlir::failed(config.result()))
    return false;
  llvm::append_range(report.notes, keys.notes);
  if (!addTokenizerKeys(path, info, keys.metadata, report.notes, error) ||
      !planGguf(*model->imported(), family, keys, path, plan, error))
    return false;
  facts.layers = int64_t(info.layerKinds.size());
  facts.experts =
      std::max({keys.size("num_experts"), keys.size("num_local_experts"),
                keys.size("n_routed_experts")});
  facts.isLlama70B =
      info.family == "llama" && facts.layers == 80 &&
      keys.size("num_attention_heads") != keys.size("num_key_value_heads");
  return true;
}

bool Planner::readDirectory() {
  if (!isUnquantized(path, error))
    return false;
  CompileOptions compile;
  compile.import.apartExperts = true;
  model = Compilation::createFromModel(path, compile, error);
  if (!model)
    return false;
  const ModelInfo &info = model->imported()->info;
  if (!info.hasWeights) {
    error = missingWeightsMessage(path);
    return false;
  }
  const Family *family = lookupFamily(info.family);
  if (!family || !family->gguf.write) {
    error = (path + ": is a model of the family " + info.family +
             ", expected one that can be written as a GGUF file: " +
             writableFamilies())
                .str();
    return false;
  }
  report.dropped = info.unusedTensors;
  report.notes = info.notes;
  return writeKeys(*family);
}

bool Planner::chooseAll() {
  KeepList keep;
  if (!keep.compile(options.keep, error))
    return false;
  chooseTypes(plan, options.mix, facts, isGguf,
              [&](const GgufPlanTensor &tensor) {
                bool byName = keep.matches(tensor.name);
                return keep.matches(tensor.sourceName) || byName;
              });
  if (keep.allUsed(error))
    return true;
  error = (path + ": " + error).str();
  return false;
}

bool Planner::run() {
  isGguf = ModelDirectory::isGguf(path);
  if (!(isGguf ? readFile() : readDirectory()) || !chooseAll())
    return false;
  plan.metadata.setInteger("general.file_type", fileTypeOf(options.mix));
  plan.metadata.setInteger("general.quantization_version", 2);
  return true;
}

static void describe(const GgufPlan &plan, ArrayRef<QuantError> errors,
                     QuantizeReport &report) {
  QuantError all;
  for (auto [tensor, lost] : zip_equal(plan.tensors, errors)) {
    report.types[tensor.type] += 1;
    if (!findBlockType(tensor.type)) {
      ++report.keptTensors;
      report.keptBytes += tensor.bytes();
      continue;
    }
    ++report.matrices;
    report.weights += tensor.elements();
    report.quantisedBytes += tensor.bytes();
    report.addError(tensor.name, lost, all);
  }
}

bool marimba::quantizeToGguf(StringRef model, StringRef outFile,
                             const GgufOptions &options, ProgressFn progress,
                             function_ref<bool()> goOn, QuantizeReport &report,
                             std::string &error) {
  rt::Stopwatch watch;
  std::string problem;
  // It has no name until all of it is there.
  std::optional<rt::NewFile> file =
      rt::NewFile::replace(outFile.str(), rt::NewFile::Use::Output, problem);
  if (!file) {
    error = (outFile + ": " + problem).str();
    return false;
  }
  Planner planner(model, options, report, error);
  if (!planner.run())
    return false;
  const GgufPlan &plan = planner.plan;
  for (const GgufPlanTensor &tensor : plan.tensors)
    for (const RowRun &run : tensor.runs)
      report.bytesBefore +=
          run.count * ggufRowBytes(tensor.sourceType(), tensor.inputs);
  GgufLayout layout = GgufLayout::of(plan);
  uint64_t written = 0;
  std::vector<QuantError> errors;
  if (!writeGgufData(
          plan, layout, options.method, *file, outFile,
          [&](uint64_t bytes, StringRef name) {
            written += bytes;
            if (progress)
              progress(double(written) / double(layout.fileBytes), name);
            return goOn();
          },
          errors, error))
    return false;
  if (!file->publish(problem)) {
    error = (outFile + ": " + problem).str();
    return false;
  }
  describe(plan, errors, report);
  report.seconds = watch.seconds();
  return true;
}
