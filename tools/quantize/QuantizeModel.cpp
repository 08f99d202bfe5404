//===- QuantizeModel.cpp - A model directory, quantised -------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/quantize/QuantizeModel.h"

#include "importer/hub/Json.h"
#include "importer/hub/ModelDirectory.h"
#include "marimba/Stopwatch.h"
#include "tools/libmarimba/ModelFiles.h"
#include "tools/libmarimba/NewDirectory.h"
#include "tools/quantize/QuantFile.h"

#include "marimba/InputFile.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace marimba;
using namespace llvm;
using mlir::marimba::WeightSource;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

static constexpr StringLiteral kConfig = "config.json";
static constexpr StringLiteral kWeights = "model.safetensors";

static std::string pathIn(StringRef directory, StringRef file) {
  SmallString<256> full(directory);
  path::append(full, file);
  return full.str().str();
}

//===----------------------------------------------------------------------===//
// The configuration
//===----------------------------------------------------------------------===//

bool marimba::isUnquantized(StringRef modelDir, std::string &error) {
  constexpr uint64_t largest = 16 << 20;
  // What else is wrong with it is the importer's to say.
  auto config = mlir::marimba::readJsonFile(pathIn(modelDir, kConfig), kConfig,
                                            largest, {}, [](const Twine &) {});
  if (mlir::failed(config))
    return true;
  const json::Value *present = config->get("quantization_config");
  if (!present || present->kind() == json::Value::Null ||
      (present->getAsObject() && present->getAsObject()->empty()))
    return true;
  error = (modelDir + ": config.json has a quantization_config, expected a "
                      "model that is not quantised")
              .str();
  return false;
}

/// Refuses what is quantised already, before the importer says something else
/// of it.
static bool checkSource(StringRef modelDir, std::string &error) {
  if (!mlir::marimba::ModelDirectory::isGguf(modelDir))
    return isUnquantized(modelDir, error);
  error = (modelDir + ": is a GGUF file, expected a model directory with "
                      "safetensors, or -o FILE.gguf")
              .str();
  return false;
}

static StringRef scaleDtype(Scalar type) {
  switch (type) {
  case Scalar::BF16:
    return "bfloat16";
  case Scalar::F16:
    return "float16";
  case Scalar::F32:
    return "float32";
  case Scalar::E8M0:
  case Scalar::E4M3:
    break; // of other programs' files only
  }
  llvm_unreachable("unknown type of scales");
}

/// The object that config.json gets.
static std::string describeFormat(const QuantizeOptions &options) {
  std::string text;
  raw_string_ostream os(text);
  json::OStream fields(os, /*IndentSize=*/2);
  const Encoding &format = options.layers;
  fields.object([&] {
    fields.attribute("quant_method", "marimba");
    fields.attribute("version", 1);
    fields.attribute("bits", format.bits);
    fields.attribute("group_size", format.group);
    fields.attribute("zero_point", format.offset == Offset::ZeroPoint);
    fields.attribute("scale_dtype", scaleDtype(format.scale));
    fields.attribute("head_bits", options.head ? json::Value(options.head->bits)
                                               : json::Value(nullptr));
    bool search = options.method == QuantMethod::Search;
    fields.attribute("method", !options.calibrate.file.empty() ? "gptq"
                               : search                        ? "search"
                                                               : "nearest");
  });
  return join(split(text, '\n'), "\n  ");
}

/// config.json with one more field; all others stay as they are written, which
/// may be as no JSON library would write them (Infinity).
static std::optional<std::string> extendConfig(StringRef modelDir,
                                               const QuantizeOptions &options,
                                               std::string &error) {
  std::string file = pathIn(modelDir, kConfig), problem;
  std::optional<std::string> read =
      rt::readWhole(file, rt::kLongestText, problem);
  if (!read) {
    error = file + ": " + problem;
    return std::nullopt;
  }
  // The importer has read it: it is an object.
  StringRef text = StringRef(*read).rtrim();
  text.consume_front("\xef\xbb\xbf"); // which others stumble over
  if (!text.consume_back("}")) {
    error = file + ": changed while the model was quantised";
    return std::nullopt;
  }
  text = text.rtrim();
  return (text + (text.ends_with("{") ? "" : ",") +
          "\n  \"quantization_config\": " + describeFormat(options) + "\n}\n")
      .str();
}

//===----------------------------------------------------------------------===//
// The other files
//===----------------------------------------------------------------------===//

static bool isCopied(StringRef file) {
  return is_contained({"tokenizer.json", "tokenizer.model", "spiece.model",
                       "tekken.json", "tiktoken.model", "vocab.json",
                       "merges.txt", "tokenizer_config.json",
                       "special_tokens_map.json", "added_tokens.json",
                       "generation_config.json"},
                      file) ||
         file.starts_with("chat_template.");
}

/// Copies the files of the folder `from` that `isWanted` chooses to `to`.
static bool copyFolder(StringRef from, StringRef to,
                       function_ref<bool(StringRef)> isWanted,
                       std::string &error) {
  std::error_code code;
  for (fs::directory_iterator it(from, code), end; !code && it != end;
       it.increment(code)) {
    StringRef name = path::filename(it->path());
    if (!isWanted(name) || !fs::is_regular_file(it->path()))
      continue;
    SmallString<256> copy(to);
    path::append(copy, name);
    if (std::error_code copying = fs::copy_file(it->path(), copy)) {
      error = it->path() + ": cannot be copied: " + copying.message();
      return false;
    }
  }
  if (code)
    error = (from + ": " + code.message()).str();
  return !code;
}

/// Copies what stands beside the weights.
static bool copyFiles(StringRef modelDir, const NewDirectory &to,
                      std::string &error) {
  constexpr StringLiteral templates = "additional_chat_templates";
  SmallString<256> from(modelDir);
  path::append(from, templates);
  std::string copy = to.pathOf(templates);
  if (fs::is_directory(from)) {
    if (std::error_code code = fs::create_directory(copy)) {
      error = copy + ": " + code.message();
      return false;
    }
    if (!copyFolder(
            from, copy, [](StringRef name) { return name.ends_with(".jinja"); },
            error))
      return false;
  }
  return copyFolder(modelDir, to.pathOf(""), isCopied, error);
}

/// Gives the weights their name in the new directory.
static bool finish(rt::NewFile &file, const NewDirectory &directory,
                   std::string &error) {
  std::string problem;
  if (file.publish(pathIn(directory.temporaryName(), kWeights), problem))
    return true;
  error = directory.pathOf(kWeights) + ": " + problem;
  return false;
}

//===----------------------------------------------------------------------===//
// quantizeModel
//===----------------------------------------------------------------------===//

void QuantizeReport::addError(const std::string &matrix, const QuantError &lost,
                              QuantError &all) {
  all.error += lost.error;
  all.energy += lost.energy;
  double relative = lost.energy > 0 ? lost.error / lost.energy : 0;
  if (worstMatrix.empty() || relative > worstError) {
    worstError = relative;
    worstMatrix = matrix;
  }
  relativeError = all.energy > 0 ? all.error / all.energy : 0;
}

static void describe(const QuantPlan &plan, const QuantLayout &layout,
                     ArrayRef<QuantError> errors, QuantizeReport &report) {
  QuantError all;
  for (auto [matrix, lost] : zip_equal(plan.matrices, errors)) {
    report.weights += matrix.rows * matrix.inputs;
    report.addError(matrix.name, lost, all);
  }
  report.matrices = plan.matrices.size();
  report.quantisedBytes = layout.quantisedBytes();
  report.keptTensors = plan.kept.size();
  for (const WeightSource *source : plan.kept)
    report.keptBytes += source->bytes;
}

bool marimba::quantizeModel(StringRef modelDir, StringRef outDir,
                            const QuantizeOptions &options, ProgressFn progress,
                            function_ref<bool()> goOn, QuantizeReport &report,
                            std::string &error) {
  rt::Stopwatch watch;
  NewDirectory directory;
  if (!directory.setTarget(outDir, error) || !checkSource(modelDir, error))
    return false;
  CompileOptions compile;
  compile.import.apartExperts = true;
  std::unique_ptr<Compilation> model =
      Compilation::createFromModel(modelDir, compile, error);
  if (!model)
    return false;
  const mlir::marimba::ImportedModel &imported = *model->imported();
  if (!imported.info.hasWeights) {
    error = missingWeightsMessage(modelDir);
    return false;
  }
  QuantPlan plan;
  if (!planQuantization(model->module(), imported.sources, options, plan,
                        error)) {
    error = (modelDir + ": " + error).str();
    return false;
  }
  report.dropped = imported.info.unusedTensors;
  report.notes = imported.info.notes;
  for (const WeightSource &source : imported.sources)
    report.bytesBefore += source.bytes;

  // What is kept is small; what is quantised is looked at then, but numbers
  // that calibration reads first would spoil all behind them.
  std::vector<const WeightSource *> first(plan.kept);
  if (!options.calibrate.file.empty())
    for (const PlannedMatrix &matrix : plan.matrices)
      first.push_back(matrix.source);
  if (!checkFinite(first, [&](uint64_t, StringRef) { return goOn(); }, error))
    return false;

  std::optional<QuantLayout> layout = QuantLayout::create(plan, error);
  if (!layout)
    return false;
  // It has no name until all of it is there, so nothing is left of a process
  // that is killed.
  std::string problem, weights = pathIn(outDir, kWeights);
  std::optional<rt::NewFile> file = rt::NewFile::create(
      directory.parent(), rt::NewFile::Use::Output, problem);
  if (!file) {
    error = weights + ": " + problem;
    return false;
  }
  std::unique_ptr<Calibration> calibration;
  double begin = 0;
  if (!options.calibrate.file.empty()) {
    // About as long as what follows.
    begin = 0.5;
    StringSet<> wanted;
    for (const PlannedMatrix &matrix : plan.matrices)
      wanted.insert(matrix.name);
    calibration = Calibration::measure(
        modelDir, options.calibrate,
        [&](StringRef name) { return wanted.contains(name); },
        [&](double fraction, StringRef what) {
          if (progress)
            progress(begin * fraction, what);
        },
        goOn, error);
    if (!calibration)
      return false;
    report.calibrationTokens = calibration->tokens();
    for (const PlannedMatrix &matrix : plan.matrices) {
      const GramMatrix *moments = calibration->find(matrix.name);
      report.calibrated += moments && moments->matrix();
      report.weighed += moments && !moments->matrix();
    }
  }
  uint64_t read = 0;
  std::vector<QuantError> errors;
  if (!writeQuantFile(
          plan, *layout, {options.method, calibration.get()}, *file, weights,
          [&](uint64_t bytes, StringRef name) {
            read += bytes;
            if (progress)
              progress(begin + (1 - begin) * double(read) /
                                   double(report.bytesBefore),
                       name);
            return goOn();
          },
          errors, error))
    return false;

  std::optional<std::string> config = extendConfig(modelDir, options, error);
  if (!config || !directory.create(error) ||
      !directory.writeFile(kConfig, *config, error) ||
      !copyFiles(modelDir, directory, error) ||
      !finish(*file, directory, error) || !directory.publish(error))
    return false;
  describe(plan, *layout, errors, report);
  report.seconds = watch.seconds();
  return true;
}
