//===- LoadedModel.cpp - A model directory, ready to run ------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/LoadedModel.h"
#include "tools/libmarimba/BuildIdentity.h"
#include "tools/libmarimba/JitCode.h"
#include "tools/libmarimba/ModelFiles.h"
#include "tools/libmarimba/Stopwatch.h"

#include "marimba/Model.h"
#include "marimba/SavedState.h"
#include "marimba/Session.h"
#include "marimba/ThreadTeam.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <filesystem>

using namespace marimba;
using namespace llvm;
using mlir::marimba::ImportedModel;
using mlir::marimba::JITModule;

// Where the progress of loading stands when each part of the work begins.
static constexpr double kStagesBegin = 0.05;
static constexpr double kWeightsBegin = 0.50;

LoadedModel::LoadedModel() = default;
LoadedModel::~LoadedModel() = default;

/// The entries and the description of linked code.
static std::shared_ptr<const rt::CompiledModule> bind(CodePtr code,
                                                      std::string &error) {
  JITModule *module = code.get();
  return rt::CompiledModule::bind(
      [module](const char *symbol) -> void * {
        Expected<void *> address = module->lookup(symbol);
        if (address)
          return *address;
        consumeError(address.takeError());
        return nullptr;
      },
      error, code);
}

/// Maps the files that the importer found.
static std::unique_ptr<rt::Weights>
mapWeights(const rt::Description &description, const ImportedModel &imported,
           std::string &error) {
  std::vector<rt::WeightSource> sources;
  sources.reserve(imported.sources.size());
  for (const mlir::marimba::WeightSource &found : imported.sources) {
    // Codes and zero points are bytes, whatever their sign.
    std::optional<MarimbaDType> dtype =
        found.dtype == "U8" ? MARIMBA_I8
                            : rt::parseDtype(StringRef(found.dtype).lower());
    if (!dtype) {
      error = found.file + ": " + found.name + ": cannot run with dtype " +
              found.dtype;
      return nullptr;
    }
    using rt::BlockFormat;
    auto blocks = StringSwitch<BlockFormat>(found.blocks)
                      .Case("Q8_0", BlockFormat::Q8_0)
                      .Case("Q4_0", BlockFormat::Q4_0)
                      .Case("awq", BlockFormat::Awq)
                      .Case("gptq4", BlockFormat::Gptq4)
                      .Case("gptq8", BlockFormat::Gptq8)
                      .Case("awq-zeros", BlockFormat::AwqZeros)
                      .Case("gptq-zeros", BlockFormat::GptqZeros)
                      .Case("zeros", BlockFormat::Zeros)
                      .Case("rows", BlockFormat::Rows)
                      .Default(BlockFormat::None);
    sources.push_back({found.name, found.file, found.offset, found.bytes,
                       *dtype, found.shape, blocks, found.interleavedHeads,
                       found.channels});
  }
  return rt::Weights::load(description, sources, error, rt::Stacks::LeftApart);
}

/// 32 digits.
static std::string digest(StringRef text) {
  return toHex(BLAKE3::hash<16>(arrayRefFromStringRef(text)),
               /*LowerCase=*/true);
}

/// The digest of the configuration as it is written; empty where it cannot be
/// read any more.
static std::string digestConfiguration(StringRef modelDir,
                                       const CompileOptions &options) {
  SmallString<128> path(modelDir);
  sys::path::append(path, options.import.configFile);
  auto text = MemoryBuffer::getFile(path);
  return text ? digest((*text)->getBuffer()) : std::string();
}

/// The digest of a model as it was imported.
static std::string digestMeaning(Compilation &compilation) {
  std::string text;
  raw_string_ostream os(text);
  compilation.module().print(
      os, mlir::OpPrintingFlags().printGenericOpForm().assumeVerified());
  return digest(text);
}

/// What decides in which order sums are made and how they are rounded.
static std::vector<std::pair<std::string, std::string>>
describeArithmetic(const Compilation &compilation) {
  const CompileOptions &options = compilation.options();
  const mlir::marimba::PipelineOptions &pipeline = options.pipeline;
  bool loops = pipeline.matmul == mlir::marimba::MatmulRoute::Loops;
  return {
      {"products", pipeline.bf16 ? "bf16" : "f32"},
      {"route", pipeline.reference ? "reference" : "default"},
      {"matmul", loops || pipeline.reference ? "loops" : "onednn"},
      {"vector bits", std::to_string(pipeline.vectorBits)},
      {"threads", std::to_string(pipeline.threads)},
      {"processor", digest(mlir::marimba::describeTarget(options.target))},
      {"build", digest(buildIdentity())},
  };
}

int LoadOptions::teamSize() const {
  return threads ? static_cast<int>(threads) : rt::allowedCpus();
}

CompileOptions LoadOptions::compileForTeam() const {
  CompileOptions options = compile;
  options.pipeline.threads = static_cast<unsigned>(teamSize());
  return options;
}

std::unique_ptr<LoadedModel> LoadedModel::load(StringRef modelDir,
                                               const LoadOptions &options,
                                               std::string &error,
                                               ProgressFn progress, NoteFn note,
                                               function_ref<bool()> keepGoing) {
  auto report = [&](double fraction, const Twine &what) {
    if (progress)
      progress(fraction, what.str());
  };
  Stopwatch watch;
  report(0, "import");
  std::unique_ptr<Compilation> compilation =
      Compilation::createFromModel(modelDir, options.compileForTeam(), error);
  if (!compilation)
    return nullptr;
  const ImportedModel &imported = *compilation->imported();
  std::unique_ptr<LoadedModel> result(new LoadedModel());
  if (!options.weights) {
    if (!imported.info.hasWeights) {
      error = missingWeightsMessage(modelDir);
      return nullptr;
    }
    std::optional<std::vector<int32_t>> ends =
        endOfTextIds(modelDir, imported.info.eosIds, error);
    if (!ends)
      return nullptr;
    result->ends = std::move(*ends);
  }
  result->modelInfo = imported.info;
  result->threads = options.teamSize();
  result->chunkTokens = options.chunk;
  result->configuration = digestConfiguration(modelDir, options.compile);
  result->meaning = digestMeaning(*compilation);
  result->arithmetic = describeArithmetic(*compilation);
  CodePtr code = compileOrFind(
      *compilation, options.cacheFolder, result->loadTimes.codeFromCache, error,
      [&](double fraction, StringRef what) {
        report(kStagesBegin + (kWeightsBegin - kStagesBegin) * fraction, what);
      },
      note);
  if (!code)
    return nullptr;
  std::shared_ptr<const rt::CompiledModule> module =
      bind(std::move(code), error);
  if (!module)
    return nullptr;
  result->loadTimes.compileSeconds = watch.restart();

  report(kWeightsBegin, "weights");
  std::unique_ptr<rt::Weights> weights =
      options.weights
          ? rt::Weights::generate(module->description, *options.weights, error)
          : mapWeights(module->description, imported, error);
  if (!weights)
    return nullptr;
  rt::PackOptions pack;
  // Weights that were made up are of no use to another run.
  if (!options.cacheFolder.empty() && !options.weights)
    pack.folder = std::filesystem::path(options.cacheFolder) / "weights";
  pack.name = imported.info.name;
  pack.progress = [&](double fraction, const std::string &what) {
    report(kWeightsBegin + (1 - kWeightsBegin) * fraction, what);
  };
  if (note)
    pack.note = note;
  if (keepGoing)
    pack.keepGoing = keepGoing;
  result->model = rt::Model::create(std::move(module), std::move(weights),
                                    result->threads, error, pack);
  if (!result->model)
    return nullptr;
  result->loadTimes.loadSeconds = watch.restart();
  result->loadTimes.packedWeights = result->model->packReport().packed;
  result->loadTimes.packedFromCache = result->model->packReport().fromCache;
  report(1, "ready");
  return result;
}

std::unique_ptr<rt::Session> LoadedModel::makeSession(std::string &error,
                                                      int32_t slots) {
  rt::SessionOptions options;
  options.slots = slots;
  options.threads = threads;
  options.chunk = static_cast<int32_t>(chunkTokens);
  return rt::Session::create(model, options, error);
}

rt::StateOrigin LoadedModel::stateOrigin() const {
  return {modelInfo.name, rt::fingerprint(model->weights()), configuration,
          meaning, arithmetic};
}

bool LoadedModel::checkIds(ArrayRef<int32_t> ids, std::string &error) const {
  for (auto [position, id] : enumerate(ids)) {
    if (id >= 0 && id < modelInfo.vocabSize)
      continue;
    error =
        ("token id " + Twine(id) + " (number " + Twine(position + 1) + " of " +
         Twine(ids.size()) + ") is out of range: " + modelInfo.name +
         " has a vocabulary of " + Twine(modelInfo.vocabSize))
            .str();
    return false;
  }
  return true;
}
