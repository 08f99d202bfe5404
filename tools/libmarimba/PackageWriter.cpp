//===- PackageWriter.cpp - A model to a folder with its code --------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/PackageWriter.h"
#include "importer/hub/ModelDirectory.h"
#include "tools/libmarimba/GgufTokenizer.h"
#include "tools/libmarimba/JitCode.h"
#include "tools/libmarimba/Linker.h"
#include "tools/libmarimba/LoadedModel.h"
#include "tools/libmarimba/ModelFacts.h"
#include "tools/libmarimba/ModelFiles.h"
#include "tools/libmarimba/NewDirectory.h"

#include "marimba/Model.h"
#include "marimba/Package.h"
#include "marimba/Processor.h"
#include "marimba/SavedState.h"
#include "marimba/Tokenizer.h"
#include "marimba/Units.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include <filesystem>

using namespace marimba;
using namespace llvm;
namespace fs = std::filesystem;

/// The folder in which the model's files are, absolute.
static fs::path folderOf(StringRef modelDir) {
  fs::path path = fs::absolute(modelDir.str()).lexically_normal();
  std::error_code code;
  if (!fs::is_directory(path, code) || !path.has_filename())
    path = path.parent_path(); // of a GGUF file; or there was a slash behind
  return path;
}

/// How the package names the model's folder: relative where the two are likely
/// to be moved together, because one is in the other or beside it.
static fs::path pathFrom(const fs::path &parentOfPackage,
                         const fs::path &model) {
  std::error_code code;
  if (fs::equivalent(parentOfPackage, model, code))
    return "..";
  if (fs::equivalent(parentOfPackage, model.parent_path(), code))
    return fs::path("..") / model.filename();
  return model;
}

/// Makes the sources relative to `folder` and lists their files.
static bool takeSources(std::vector<rt::WeightSource> sources,
                        const fs::path &folder, rt::PackageManifest &manifest,
                        std::string &error) {
  auto take = [&](fs::path &file) {
    fs::path path = fs::absolute(file).lexically_normal();
    std::string name = path.lexically_relative(folder).string();
    if (name.empty() || name.starts_with("..")) {
      error = file.string() + ": is not in " + folder.string() +
              ", expected the weights of a package in one directory";
      return false;
    }
    if (none_of(manifest.files, [&](const rt::PackagedFile &file) {
          return file.name == name;
        })) {
      std::error_code code;
      uintmax_t bytes = fs::file_size(path, code);
      if (code) {
        error = path.string() + ": " + code.message();
        return false;
      }
      manifest.files.push_back({name, bytes});
    }
    file = name;
    return true;
  };
  for (rt::WeightSource &source : sources)
    if (!take(source.file) || (source.other && !take(source.other->file)))
      return false;
  manifest.weights = std::move(sources);
  return true;
}

/// Takes from code and weights, as they are when they are loaded, what a reader
/// compares.
static bool takeFromLoaded(SmallVector<char, 0> object,
                           ArrayRef<rt::WeightSource> sources,
                           rt::PackageManifest &manifest, std::string &error) {
  CodePtr code = linkWithRuntime(std::move(object), error);
  auto module = code ? bindCode(std::move(code), error) : nullptr;
  if (!module)
    return false;
  manifest.vocabulary = module->description.vocabulary;
  auto weights = rt::Weights::load(module->description, sources, error,
                                   rt::Stacks::InPlace);
  if (!weights)
    return false;
  manifest.fingerprint = rt::fingerprint(*weights);
  return true;
}

/// Links the code. Its name comes from what is in it: where a program has an
/// older package of this path in use, its system would take another file of the
/// same name for what it has already.
static bool writeCode(ArrayRef<char> object, NewDirectory &folder,
                      rt::PackageManifest &manifest, std::string &error) {
  constexpr StringLiteral linked = "code.so";
  if (!linkModule({object.data(), object.size()}, folder, linked, error))
    return false;
  std::string path = folder.pathOf(linked);
  ErrorOr<std::unique_ptr<MemoryBuffer>> code = MemoryBuffer::getFile(
      path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!code) {
    error = path + ": " + code.getError().message();
    return false;
  }
  StringRef bytes = (*code)->getBuffer();
  manifest.codeChecksum = rt::PackageManifest::checksum(bytes);
  manifest.code = {"code-" + manifest.codeChecksum.substr(0, 16) + ".so",
                   bytes.size()};
  if (std::error_code failed =
          sys::fs::rename(path, folder.pathOf(manifest.code.name))) {
    error = path + ": " + failed.message();
    return false;
  }
  return true;
}

bool marimba::writePackage(StringRef modelDir, const CompileOptions &options,
                           StringRef path, std::vector<std::string> &notes,
                           std::string &error) {
  NewDirectory folder;
  if (!folder.setTarget(path, error))
    return false;
  std::unique_ptr<Compilation> compilation =
      Compilation::createFromModel(modelDir, options, error);
  if (!compilation)
    return false;
  const mlir::marimba::ImportedModel &imported = *compilation->imported();
  notes = imported.info.notes;
  if (!imported.info.hasWeights) {
    error = missingWeightsMessage(modelDir);
    return false;
  }
  rt::PackageManifest manifest;
  manifest.facts = describeFacts(*compilation, modelDir);
  manifest.chunk = LoadOptions().chunk;
  manifest.processor = mlir::marimba::processorName(options.target);
  for (const std::string &name :
       mlir::marimba::processorFeatures(options.target))
    if (rt::isKnownFeature(name))
      manifest.features.push_back(name);
  if (options.unit)
    manifest.isa = options.unit->name;
  // A tokenizer that cannot be read fails where the package is opened.
  std::unique_ptr<rt::Tokenizer> tokenizer;
  if (std::string ignored; hasTokenizer(modelDir))
    tokenizer = loadTokenizer(modelDir, ignored);
  auto ends =
      endOfTextIds(modelDir, imported.info.eosIds, tokenizer.get(), error);
  auto sources = weightSources(imported, error);
  if (!ends || !sources)
    return false;
  manifest.facts.endIds = std::move(*ends);
  manifest.tokenizer = tokenizerFile(modelDir);
  std::optional<std::string> vocabulary = std::string();
  if (mlir::marimba::ModelDirectory::isGguf(modelDir))
    vocabulary = ggufVocabularyText(modelDir, error);
  if (!vocabulary)
    return false;
  if (!vocabulary->empty())
    manifest.ggufTokenizer = "tokenizer.gguf.json";
  std::optional<GgufTemplates> templates = GgufTemplates();
  if (!vocabulary->empty() && !(templates = ggufTemplates(modelDir, error)))
    return false;
  fs::path modelFolder = folderOf(modelDir);
  manifest.directory = pathFrom(folder.parent(), modelFolder);

  SmallVector<char, 0> object;
  if (!takeSources(*sources, modelFolder, manifest, error) ||
      !compilation->lower(/*stopAfter=*/{}, error) ||
      !compilation->emit(mlir::marimba::EmitKind::Object, object, error) ||
      !takeFromLoaded(object, *sources, manifest, error) ||
      !folder.create(error) || !writeCode(object, folder, manifest, error))
    return false;
  std::optional<std::string> text = manifest.text(error);
  if (!vocabulary->empty() &&
      (!folder.writeFile(manifest.ggufTokenizer, *vocabulary, error) ||
       !folder.writeFile(
           rt::kPackagedTemplates,
           rt::packTemplates(templates->templates, templates->variables),
           error)))
    return false;
  return text &&
         folder.writeFile(rt::PackageManifest::kFileName, *text, error) &&
         folder.publish(error);
}
