//===- ModelFiles.cpp - What stands beside the weights --------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/ModelFiles.h"
#include "importer/FileKind.h"
#include "importer/Json.h"
#include "importer/ModelDirectory.h"
#include "tools/libmarimba/GgufTokenizer.h"

#include "marimba/InputFile.h"
#include "marimba/Tokenizer.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace marimba;
using namespace llvm;
using mlir::marimba::ModelDirectory;

static std::string pathIn(StringRef dir, StringRef file) {
  SmallString<128> path(dir);
  sys::path::append(path, file);
  return path.str().str();
}

static bool hasFile(StringRef dir, StringRef file) {
  return rt::isThere(pathIn(dir, file));
}

StringRef marimba::tokenizerFile(StringRef modelDir) {
  // The first is what a checkpoint was tested with.
  for (StringRef file :
       {"tokenizer.json", "tokenizer.model", "tekken.json", "spiece.model"})
    if (hasFile(modelDir, file))
      return file;
  if (hasFile(modelDir, "vocab.json") && hasFile(modelDir, "merges.txt"))
    return "vocab.json";
  return "";
}

/// Says that there is no tokenizer, and what there is instead of one.
static std::string missingTokenizerMessage(StringRef modelDir) {
  static constexpr std::pair<StringLiteral, StringLiteral> others[] = {
      {"vocab.json", "needs merges.txt beside it"},
      {"merges.txt", "needs vocab.json beside it"},
      {"vocab.txt", "is of a class with word pieces"},
      {"sentencepiece.bpe.model", "has other ids than its model"},
      {"tokenizer_config.json", "describes a tokenizer, but has no tokens"},
  };
  std::string found;
  for (auto [file, why] : others)
    if (found.empty() && hasFile(modelDir, file))
      found = ("; " + file + " is there, but " + why).str();
  return (modelDir +
          ": no tokenizer.json or tokenizer.model in this directory" + found +
          "; --ids takes token ids instead of text where a command has it")
      .str();
}

bool marimba::hasTokenizer(StringRef modelDir) {
  if (ModelDirectory::isGguf(modelDir))
    return hasGgufTokenizer(modelDir);
  return !tokenizerFile(modelDir).empty();
}

std::string marimba::missingWeightsMessage(StringRef modelDir) {
  return (modelDir +
          " has no weights (model.safetensors or "
          "model.safetensors.index.json), only a description; compile and "
          "inspect work without" +
          mlir::marimba::describeOtherWeights(modelDir))
      .str();
}

std::unique_ptr<rt::Tokenizer>
marimba::loadTokenizer(StringRef modelDir, std::string &error,
                       function_ref<void(StringRef)> note) {
  if (ModelDirectory::isGguf(modelDir))
    return loadGgufTokenizer(modelDir, error);
  StringRef file = tokenizerFile(modelDir);
  // A tokenizer needs no configuration beside it.
  std::string found = mlir::marimba::describeNoModel(modelDir, "config.json");
  if (file.empty() && !found.empty()) {
    error = found;
    return nullptr;
  }
  if (file.empty()) {
    error = missingTokenizerMessage(modelDir);
    return nullptr;
  }
  auto tokenizer = rt::Tokenizer::load(pathIn(modelDir, file), error);
  if (tokenizer && note)
    for (const std::string &line : tokenizer->notes())
      note(line);
  return tokenizer;
}

std::optional<std::vector<int32_t>>
marimba::endOfTextIds(StringRef modelDir, ArrayRef<int64_t> fromConfig,
                      std::string &error) {
  std::vector<int32_t> ids(fromConfig.begin(), fromConfig.end());
  std::string path = pathIn(modelDir, "generation_config.json");
  if (!rt::isThere(path))
    return ids;
  constexpr uint64_t longest = 1 << 24;
  auto object = mlir::marimba::readJsonFile(
      path, path, longest, {.mayBeEmpty = true},
      [&](const Twine &text) { error = text.str(); });
  if (mlir::failed(object))
    return std::nullopt;
  const json::Value *value = object->get("eos_token_id");
  auto own = value ? mlir::marimba::asTokenIds(*value)
                   : std::optional<std::vector<int64_t>>(std::in_place);
  if (!own) {
    error = path + ": eos_token_id: expected a token id or a list of them";
    return std::nullopt;
  }
  if (!own->empty()) // otherwise it says nothing
    ids.assign(own->begin(), own->end());
  return ids;
}
