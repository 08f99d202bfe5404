//===- DirectoryModels.cpp - Models that are compiled at once -------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/marimba/DirectoryModels.h"
#include "tools/commands/Interrupt.h"
#include "tools/commands/Progress.h"
#include "tools/libmarimba/ModelFiles.h"
#include "tools/marimba/Compare.h"
#include "tools/marimba/ServeExplorer.h"

using namespace marimba;
using namespace marimba::driver;
using namespace llvm;

std::unique_ptr<LoadedModel> driver::loadModel(StringRef modelDir,
                                               const LoadOptions &options,
                                               std::string &error,
                                               bool showProgress) {
  commands::Progress bar(showProgress);
  return LoadedModel::load(
      modelDir, options, error,
      [&](double fraction, StringRef what) { bar.update(fraction, what); },
      [&](StringRef note) {
        bar.clear();
        printNote(note);
      },
      [] { return !commands::interrupted(); });
}

bool DirectoryModels::leavesDecisions(const std::string &package) const {
  const cl::Option *const decided[] = {&flags->pipeline.target,
                                       &flags->pipeline.matmul,
                                       &flags->pipeline.matmulTable,
                                       &flags->dtype,
                                       &flags->keyValues,
                                       &flags->pipeline.activations,
                                       &flags->pipeline.ltiForm,
                                       &flags->pipeline.linearAttention,
                                       &flags->pipeline.linearAttentionChunk,
                                       &flags->pipeline.experts,
                                       &flags->reference,
                                       &flags->noFuseScan,
                                       &flags->isa,
                                       &flags->vectorBits,
                                       &flags->dumpIr,
                                       &flags->configFile};
  for (const cl::Option *option : decided)
    if (option->getNumOccurrences() > 0) {
      fail("--" + option->ArgStr + ": compiling " + package +
           " decided it, expected a model directory with it");
      return false;
    }
  return true;
}

bool DirectoryModels::checkOptions(const std::string &model) {
  if (!flags)
    return true;
  options = flags->loadOptions();
  if (!options)
    return false;
  if (!rt::isPackage(model))
    return true;
  how.threads = flags->threads;
  how.chunk = flags->chunk.getNumOccurrences() ? options->chunk : 0;
  how.cacheFolder = options->cacheFolder;
  return leavesDecisions(model);
}

bool DirectoryModels::hasTokenizer(const std::string &model) {
  return rt::isPackage(model) ? PackageModels::hasTokenizer(model)
                              : marimba::hasTokenizer(model);
}

std::unique_ptr<rt::Tokenizer>
DirectoryModels::loadTokenizer(const std::string &model, std::string &error) {
  return rt::isPackage(model) ? PackageModels::loadTokenizer(model, error)
                              : marimba::loadTokenizer(model, error, printNote);
}

std::unique_ptr<rt::ChatTemplate>
DirectoryModels::loadChatTemplate(const std::string &model,
                                  const std::string &name, std::string &error) {
  return rt::isPackage(model)
             ? PackageModels::loadChatTemplate(model, name, error)
             : marimba::loadChatTemplate(model, name, error);
}

std::string DirectoryModels::directory(const std::string &model) {
  return rt::isPackage(model) ? PackageModels::directory(model) : model;
}

bool DirectoryModels::collectHidden(const std::string &model,
                                    std::string &error) {
  if (rt::isPackage(model))
    return PackageModels::collectHidden(model, error);
  options->compile.import.collectHidden = true;
  return true;
}

std::shared_ptr<commands::Loaded>
DirectoryModels::load(const std::string &model, const rt::Tokenizer *tokenizer,
                      bool showProgress, std::string &error) {
  if (rt::isPackage(model))
    return PackageModels::load(model, tokenizer, showProgress, error);
  options->tokenizer = tokenizer;
  std::shared_ptr<LoadedModel> made =
      loadModel(model, *options, error, showProgress);
  if (!made)
    return nullptr;
  auto loaded = std::make_shared<commands::Loaded>();
  loaded->compileSeconds = made->times().compileSeconds;
  loaded->loadSeconds = made->times().loadSeconds;
  loaded->codeFromCache = made->times().codeFromCache;
  loaded->packedWeights = made->times().packedWeights;
  loaded->packedFromCache = made->times().packedFromCache;
  loaded->model = std::move(made);
  return loaded;
}

std::shared_ptr<server::Explorer>
DirectoryModels::explorer(const std::string &model,
                          const commands::Loaded &loaded) {
  if (rt::isPackage(model))
    return nullptr;
  return std::make_shared<ServeExplorer>(
      model, *options,
      std::static_pointer_cast<const LoadedModel>(loaded.model));
}

int DirectoryModels::compare(const std::vector<std::string> &models,
                             const std::string &file, const std::string &text,
                             int64_t window, bool json) {
  for (const std::string &model : models)
    if (rt::isPackage(model))
      return fail("--compare: expected model directories, found the package " +
                  model);
  return driver::compare({models, file, text, window, json}, *options);
}
