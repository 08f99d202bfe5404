//===- Packages.cpp - Models that were compiled before --------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/commands/Packages.h"
#include "tools/commands/Output.h"

#include "marimba/CacheFiles.h"
#include "marimba/Model.h"
#include "marimba/Stopwatch.h"
#include <filesystem>

namespace marimba::commands {

std::shared_ptr<server::Explorer>
Models::explorer(const std::string & /*model*/, const Loaded & /*loaded*/) {
  return nullptr;
}

bool Models::exists(const std::string &model) {
  std::error_code code;
  return std::filesystem::exists(model, code);
}

bool Models::collectHidden(const std::string &model, std::string &error) {
  error = "--embeddings: compiling " + model +
          " decided what comes out, expected a model directory with it";
  return false;
}

std::shared_ptr<Loaded> openPackage(const std::string &package,
                                    const PackageLoad &how,
                                    std::string &error) {
  rt::Stopwatch watch;
  auto manifest = rt::PackageManifest::read(package, error);
  if (!manifest)
    return nullptr;
  auto decided = static_cast<unsigned>(manifest->facts.threads);
  if (how.threads && how.threads != decided) {
    error = "--threads: " + package + " was compiled for " +
            std::to_string(decided) + ", expected that number or none";
    return nullptr;
  }
  rt::PackageOptions options;
  options.chunk = how.chunk;
  options.cacheFolder = how.cacheFolder;
  options.note = printNote;
  auto loaded = std::make_shared<Loaded>();
  loaded->model = rt::loadPackage(package, *manifest, options, error);
  if (!loaded->model)
    return nullptr;
  loaded->loadSeconds = watch.seconds();
  const rt::PackReport &packed = loaded->model->parts().packReport();
  loaded->packedWeights = packed.packed;
  loaded->packedFromCache = packed.fromCache;
  return loaded;
}

PackageFlags::PackageFlags(Command &command)
    : threads(command, "threads", "Size of the thread team", "n",
              kThreadBounds),
      cacheDir(command, "cache-dir", "Where packed weights are kept", "folder"),
      noCache(command, "no-cache", "Keeps nothing and uses nothing kept"),
      chunk(command, "chunk", "Tokens of a prompt that are computed at once",
            "n", kChunkBounds) {}

std::optional<PackageLoad> PackageFlags::read() const {
  if (noCache && cacheDir.given()) {
    fail("--cache-dir and --no-cache: expected one of them");
    return std::nullopt;
  }
  if (cacheDir.given() && cacheDir.value.empty()) {
    fail("--cache-dir: expected the name of a folder");
    return std::nullopt;
  }
  PackageLoad how;
  how.threads = threads;
  how.chunk = chunk;
  if (!noCache)
    how.cacheFolder =
        cacheDir.given() ? cacheDir.value : rt::defaultCacheFolder().string();
  return how;
}

bool PackageModels::checkOptions(const std::string &) {
  if (!flags)
    return true;
  std::optional<PackageLoad> read = flags->read();
  if (read)
    how = std::move(*read);
  return read.has_value();
}

bool PackageModels::hasTokenizer(const std::string &model) {
  std::string ignored;
  auto manifest = rt::PackageManifest::read(model, ignored);
  return manifest && manifest->hasTokenizer();
}

std::unique_ptr<rt::Tokenizer>
PackageModels::loadTokenizer(const std::string &model, std::string &error) {
  auto manifest = rt::PackageManifest::read(model, error);
  if (!manifest)
    return nullptr;
  auto tokenizer =
      rt::loadPackageTokenizer(model, *manifest, /*directory=*/{}, error);
  if (tokenizer)
    for (const std::string &line : tokenizer->notes())
      printNote(line);
  return tokenizer;
}

std::unique_ptr<rt::ChatTemplate>
PackageModels::loadChatTemplate(const std::string &model,
                                const std::string &name, std::string &error) {
  auto manifest = rt::PackageManifest::read(model, error);
  return manifest ? rt::loadPackageTemplate(model, *manifest,
                                            /*directory=*/{}, name, error)
                  : nullptr;
}

std::string PackageModels::directory(const std::string &model) {
  // What is wrong with it is said where it is loaded.
  std::string ignored;
  auto manifest = rt::PackageManifest::read(model, ignored);
  if (!manifest || !manifest->ggufTokenizer.empty())
    return model;
  return rt::modelDirectory(model, *manifest).string();
}

std::shared_ptr<Loaded> PackageModels::load(const std::string &model,
                                            const rt::Tokenizer *, bool,
                                            std::string &error) {
  return openPackage(model, how, error);
}

int PackageModels::compare(const std::vector<std::string> &models,
                           const std::string &, const std::string &, int64_t,
                           bool) {
  return fail("--compare: expected model directories, found the package " +
              models.front());
}

} // namespace marimba::commands
