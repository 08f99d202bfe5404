//===- Package.cpp - Loading a compiled model -----------------------------===//

#include "marimba/Package.h"

#include "PackageFile.h"
#include "marimba/CacheFiles.h"
#include "marimba/GgufVocabulary.h"
#include "marimba/Model.h"
#include "marimba/Processor.h"
#include "marimba/SavedState.h"
#include "marimba/ThreadTeam.h"
#include "marimba/Tokenizer.h"
#include "marimba/Units.h"

#include <dlfcn.h>

#include <mutex>

namespace marimba::rt {

namespace fs = std::filesystem;

static constexpr uint64_t kLongestCode = uint64_t(1) << 30;

fs::path modelDirectory(const fs::path &package,
                        const PackageManifest &manifest) {
  if (manifest.directory.is_absolute())
    return manifest.directory;
  // Through links: it was written where the package really is.
  std::error_code code;
  fs::path real = fs::canonical(package, code);
  fs::path path =
      ((code ? package : real) / manifest.directory).lexically_normal();
  return path.has_filename() ? path : path.parent_path();
}

fs::path directoryOf(const fs::path &package, const PackageManifest &manifest,
                     const fs::path &given) {
  return given.empty() ? modelDirectory(package, manifest) : given;
}

std::optional<std::string> readNamed(const std::string &path, uint64_t most,
                                     std::string &error) {
  std::string problem;
  std::optional<std::string> text = readWhole(path, most, problem);
  if (!text)
    error = path + ": " + problem;
  return text;
}

std::unique_ptr<Tokenizer> loadPackageTokenizer(const fs::path &package,
                                                const PackageManifest &manifest,
                                                const fs::path &directory,
                                                std::string &error) {
  if (!manifest.tokenizer.empty())
    return Tokenizer::load(
        directoryOf(package, manifest, directory) / manifest.tokenizer, error);
  if (manifest.ggufTokenizer.empty()) {
    error = package.string() + ": compiled from a model without a tokenizer";
    return nullptr;
  }
  fs::path path = package / manifest.ggufTokenizer;
  std::optional<std::string> text = readNamed(path, kLongestText, error);
  return text ? buildTokenizer(*text, path.string(), error) : nullptr;
}

//===----------------------------------------------------------------------===//
// The code
//===----------------------------------------------------------------------===//

namespace {
struct Function {
  const char *name;
  void *address;
};
} // namespace

/// What the code may call (abi.h).
static const Function kFunctions[] = {
    {MARIMBA_FN_PARALLEL_FOR, reinterpret_cast<void *>(marimba_parallel_for)},
    {MARIMBA_FN_PARALLEL_PHASES,
     reinterpret_cast<void *>(marimba_parallel_phases)},
    {MARIMBA_FN_ARENA_ALLOC, reinterpret_cast<void *>(marimba_arena_alloc)},
    {MARIMBA_FN_ONEDNN_MATMUL, reinterpret_cast<void *>(marimba_onednn_matmul)},
    {MARIMBA_FN_ONEDNN_REORDER,
     reinterpret_cast<void *>(marimba_onednn_reorder)},
    {MARIMBA_FN_ONEDNN_INTEGER_MATMUL,
     reinterpret_cast<void *>(marimba_onednn_integer_matmul)},
    {MARIMBA_FN_PACKED_WEIGHTS,
     reinterpret_cast<void *>(marimba_packed_weights)},
    {MARIMBA_FN_STORED_MATRICES,
     reinterpret_cast<void *>(marimba_stored_matrices)},
    {MARIMBA_FN_READ_MATRIX, reinterpret_cast<void *>(marimba_read_matrix)},
    {MARIMBA_FN_PROFILE_BEGIN, reinterpret_cast<void *>(marimba_profile_begin)},
    {MARIMBA_FN_PROFILE_END, reinterpret_cast<void *>(marimba_profile_end)},
};

/// Makes the functions above visible to code that is loaded later, also where
/// this library was loaded for one user alone, as interpreters do. False and
/// `error` where the code would find none, or those of another copy of the
/// library, which knows nothing of this one's contexts.
static bool showFunctions(std::string &error) {
  static std::once_flag once;
  std::call_once(once, [] {
    Dl_info own = {};
    // The handle stays: code is never without what it calls.
    if (dladdr(reinterpret_cast<void *>(&modelDirectory), &own) &&
        own.dli_fname)
      dlopen(own.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL);
  });
  for (const Function &function : kFunctions)
    if (void *found = dlsym(RTLD_DEFAULT, function.name);
        found != function.address) {
      error = std::string(function.name) +
              (found ? ": another library of this process has it, too: "
                       "expected one library of Marimba"
                     : ": compiled code cannot find it in this program");
      return false;
    }
  return true;
}

/// The path of the code, where it is what was compiled.
static std::optional<fs::path> checkCode(const fs::path &package,
                                         const PackageManifest &manifest,
                                         std::string &error) {
  std::vector<std::string> missing = missingFeatures(manifest.features);
  if (!missing.empty()) {
    error = package.string() + ": compiled for " + manifest.processor +
            ": this processor lacks ";
    for (const std::string &name : missing)
      error += (&name == &missing.front() ? "" : ", ") + name;
    return std::nullopt;
  }
  fs::path path = package / manifest.code.name;
  auto fail = [&](const std::string &what) {
    error = path.string() + ": " + what;
    return std::nullopt;
  };
  std::optional<std::string> bytes = readNamed(path, kLongestCode, error);
  if (!bytes)
    return std::nullopt;
  if (bytes->size() != manifest.code.bytes)
    return fail("has " + std::to_string(bytes->size()) +
                " bytes, expected the " + std::to_string(manifest.code.bytes) +
                " that " + PackageManifest::kFileName + " says");
  if (PackageManifest::checksum(*bytes) != manifest.codeChecksum)
    return fail(std::string("is not the code that ") +
                PackageManifest::kFileName + " describes: it was altered");
  // A path without a slash would be searched for.
  return fs::absolute(path);
}

static std::shared_ptr<const CompiledModule> linkCode(const fs::path &path,
                                                      std::string &error) {
  if (!showFunctions(error))
    return nullptr;
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    error = dlerror();
    return nullptr;
  }
  std::shared_ptr<void> owner(library, dlclose);
  auto module = CompiledModule::bind(
      [library](const char *symbol) { return dlsym(library, symbol); }, error,
      owner);
  if (!module)
    error = path.string() + ": " + error;
  return module;
}

//===----------------------------------------------------------------------===//
// The weights
//===----------------------------------------------------------------------===//

/// Whether the files have their sizes.
static bool checkFiles(const fs::path &directory,
                       const PackageManifest &manifest, std::string &error) {
  std::error_code code;
  if (!fs::is_directory(directory, code)) {
    error = directory.string() + ": expected the directory of " +
            manifest.facts.name + " with its weights, found " +
            (fs::exists(directory, code) ? "a file" : "nothing") +
            "; another one may be given";
    return false;
  }
  for (const PackagedFile &file : manifest.files) {
    fs::path path = directory / file.name;
    std::string problem;
    std::optional<InputFile> found = InputFile::open(path, problem);
    if (!found)
      error = path.string() + ": " + problem;
    else if (found->size() != static_cast<uint64_t>(file.bytes))
      error = path.string() + ": has " + std::to_string(found->size()) +
              " bytes, expected the " + std::to_string(file.bytes) +
              " of the model that was compiled";
    else
      continue;
    return false;
  }
  return true;
}

static std::unique_ptr<Weights> loadWeights(const fs::path &directory,
                                            const PackageManifest &manifest,
                                            const Description &description,
                                            std::string &error) {
  std::vector<WeightSource> sources = manifest.weights;
  for (WeightSource &source : sources) {
    source.file = directory / source.file;
    if (source.other)
      source.other->file = directory / source.other->file;
  }
  int threads = manifest.facts.threads;
  if (!canStartTeam(threads, error))
    return nullptr;
  std::unique_ptr<Weights> weights =
      Weights::load(description, sources, error, Stacks::InPlace, threads);
  if (!weights)
    return nullptr;
  if (std::string found = fingerprint(*weights);
      found != manifest.fingerprint) {
    error = directory.string() + ": has other weights (" + found +
            ") than the model that was compiled (" + manifest.fingerprint + ")";
    return nullptr;
  }
  return weights;
}

std::unique_ptr<ReadyModel> loadPackage(const fs::path &package,
                                        const PackageManifest &manifest,
                                        const PackageOptions &options,
                                        std::string &error) {
  fs::path directory = directoryOf(package, manifest, options.directory);
  std::optional<fs::path> path = checkCode(package, manifest, error);
  if (!path || !checkFiles(directory, manifest, error))
    return nullptr;
  // What it computes does not depend on that.
  std::string unlimited;
  const Unit *unit = findUnit(manifest.isa);
  if (unit && !limitLibrary(*unit, unlimited) && options.note)
    options.note(package.string() + ": compiled with --isa=" + manifest.isa +
                 ": " + unlimited);
  std::shared_ptr<const CompiledModule> module = linkCode(*path, error);
  if (!module)
    return nullptr;
  if (module->description.vocabulary != manifest.vocabulary) {
    error = package.string() + ": the code has a vocabulary of " +
            std::to_string(module->description.vocabulary) + ", " +
            PackageManifest::kFileName + " says " +
            std::to_string(manifest.vocabulary);
    return nullptr;
  }
  std::unique_ptr<Weights> weights =
      loadWeights(directory, manifest, module->description, error);
  if (!weights)
    return nullptr;
  PackOptions pack;
  if (!options.cacheFolder.empty()) {
    pack.folder = options.cacheFolder / "weights";
    // Where that fails, packing says why.
    std::string problem;
    makePrivateFolder(options.cacheFolder, problem);
  }
  pack.name = manifest.facts.name;
  pack.note = options.note;
  std::shared_ptr<const Model> model =
      Model::create(std::move(module), std::move(weights),
                    manifest.facts.threads, error, pack);
  if (!model)
    return nullptr;
  return std::make_unique<ReadyModel>(manifest.facts, std::move(model),
                                      options.chunk ? options.chunk
                                                    : manifest.chunk);
}

} // namespace marimba::rt
