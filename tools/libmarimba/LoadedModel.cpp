//===- LoadedModel.cpp - A model directory, ready to run ------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/LoadedModel.h"
#include "marimba/Stopwatch.h"
#include "tools/libmarimba/JitCode.h"
#include "tools/libmarimba/LayerFinder.h"
#include "tools/libmarimba/Memory.h"
#include "tools/libmarimba/ModelFacts.h"
#include "tools/libmarimba/ModelFiles.h"

#include "marimba/Model.h"
#include "marimba/ThreadTeam.h"
#include <filesystem>

using namespace marimba;
using namespace llvm;
using mlir::marimba::ImportedModel;
using mlir::marimba::ModelInfo;

// Where the progress of loading stands when each part of the work begins.
static constexpr double kStagesBegin = 0.05;
static constexpr double kWeightsBegin = 0.50;

LoadedModel::LoadedModel(ReadyModel &&ready, const ModelInfo &info,
                         const LoadTimes &times)
    : ReadyModel(std::move(ready)), modelInfo(info), loadTimes(times) {}

/// Maps the files that the importer found.
static std::unique_ptr<rt::Weights>
mapWeights(const rt::Description &description, const ImportedModel &imported,
           int threads, std::string &error) {
  auto sources = weightSources(imported, error);
  if (!sources || !rt::canStartTeam(threads, error))
    return nullptr;
  return rt::Weights::load(description, *sources, error, rt::Stacks::InPlace,
                           threads);
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
  rt::Stopwatch watch;
  report(0, "import");
  std::unique_ptr<Compilation> compilation =
      Compilation::createFromModel(modelDir, options.compileForTeam(), error);
  if (!compilation)
    return nullptr;
  const ImportedModel &imported = *compilation->imported();
  if (note)
    for (const std::string &text : imported.info.notes)
      note(text);
  LoadTimes times;
  rt::ModelFacts facts = describeFacts(*compilation, modelDir);
  if (!options.weights) {
    if (!imported.info.hasWeights) {
      error = missingWeightsMessage(modelDir);
      return nullptr;
    }
    std::optional<std::vector<int32_t>> ends =
        endOfTextIds(modelDir, imported.info.eosIds, options.tokenizer, error);
    if (!ends)
      return nullptr;
    facts.endIds = std::move(*ends);
  }
  CodePtr code = compileOrFind(
      *compilation, options.cacheFolder, times.codeFromCache, error,
      [&](double fraction, StringRef what) {
        report(kStagesBegin + (kWeightsBegin - kStagesBegin) * fraction, what);
      },
      note);
  if (!code)
    return nullptr;
  std::shared_ptr<const rt::CompiledModule> module =
      bindCode(std::move(code), error);
  if (!module)
    return nullptr;
  compilation->dropModule();
  releaseCompilerMemory();
  times.compileSeconds = watch.restart();

  report(kWeightsBegin, "weights");
  std::unique_ptr<rt::Weights> weights =
      options.weights
          ? rt::Weights::generate(module->description, *options.weights, error)
          : mapWeights(module->description, imported, facts.threads, error);
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
  std::shared_ptr<rt::Model> model = rt::Model::create(
      std::move(module), std::move(weights), facts.threads, error, pack);
  if (!model)
    return nullptr;
  if (!options.weights)
    model->setLayerFinder(
        [modelDir = modelDir.str(), options](std::span<const int32_t> ids) {
          return findBadLayer(modelDir, options, {ids.data(), ids.size()});
        });
  times.loadSeconds = watch.restart();
  times.packedWeights = model->packReport().packed;
  times.packedFromCache = model->packReport().fromCache;
  report(1, "ready");
  ReadyModel ready(std::move(facts), std::move(model), options.chunk);
  return std::unique_ptr<LoadedModel>(
      new LoadedModel(std::move(ready), imported.info, times));
}
