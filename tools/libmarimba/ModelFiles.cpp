//===- ModelFiles.cpp - What stands beside the weights --------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/ModelFiles.h"
#include "importer/FileKind.h"
#include "importer/hub/Json.h"
#include "importer/hub/ModelDirectory.h"
#include "tools/libmarimba/GgufTokenizer.h"

#include "marimba/InputFile.h"
#include "marimba/Tokenizer.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace marimba;
using namespace llvm;
using mlir::marimba::ModelDirectory;

static constexpr StringLiteral kConfig = "config.json";

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
  for (StringRef file : {"tokenizer.json", "tokenizer.model", "tekken.json",
                         "spiece.model", "tiktoken.model"})
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
  if (found.empty() && !hasFile(modelDir, kConfig))
    found = mlir::marimba::describeDirectory(modelDir, kConfig);
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
          "model.safetensors.index.json), only a description; compile, "
          "bench, and inspect without --context need none" +
          mlir::marimba::describeOtherWeights(modelDir))
      .str();
}

std::unique_ptr<rt::Tokenizer>
marimba::loadTokenizer(StringRef modelDir, std::string &error,
                       function_ref<void(StringRef)> note) {
  if (ModelDirectory::isGguf(modelDir))
    return loadGgufTokenizer(modelDir, error);
  StringRef file = tokenizerFile(modelDir);
  if (file.empty()) {
    // A tokenizer needs no configuration beside it.
    error = sys::fs::is_directory(modelDir)
                ? missingTokenizerMessage(modelDir)
                : mlir::marimba::describeNoModel(modelDir, kConfig);
    return nullptr;
  }
  auto tokenizer = rt::Tokenizer::load(pathIn(modelDir, file), error);
  if (tokenizer && note)
    for (const std::string &line : tokenizer->notes())
      note(line);
  return tokenizer;
}

/// `eos_token_id` of generation_config.json: nothing where it says none, and an
/// error where it says something else.
static std::optional<std::vector<int32_t>>
readGenerationEnds(StringRef path, std::string &error) {
  constexpr uint64_t longest = 1 << 24;
  auto object = mlir::marimba::readJsonFile(
      path, path, longest, {.mayBeEmpty = true},
      [&](const Twine &text) { error = text.str(); });
  if (mlir::failed(object))
    return std::nullopt;
  const json::Value *value = object->get("eos_token_id");
  if (!value)
    return std::nullopt;
  auto ids = mlir::marimba::asTokenIds(*value);
  if (!ids) {
    error =
        (path + ": eos_token_id: expected a token id or a list of them").str();
    return std::nullopt;
  }
  // An empty list says that nothing ends a text; null and -1 say nothing.
  const json::Array *list = value->getAsArray();
  if (ids->empty() && !(list && list->empty()))
    return std::nullopt;
  return std::vector<int32_t>(ids->begin(), ids->end());
}

/// Those of a directory that files and fields name.
static std::optional<std::vector<rt::EndToken>>
directoryEnds(StringRef modelDir, ArrayRef<int64_t> fromConfig,
              const rt::Tokenizer *tokenizer, bool &none, std::string &error) {
  std::vector<rt::EndToken> ends;
  auto add = [&](int64_t id, StringRef from) {
    if (none_of(ends, [&](const auto &end) { return end.id == id; }))
      ends.push_back({static_cast<int32_t>(id), from.str()});
  };
  constexpr StringLiteral generation = "generation_config.json";
  std::optional<std::vector<int32_t>> ids;
  if (rt::isThere(pathIn(modelDir, generation)))
    ids = readGenerationEnds(pathIn(modelDir, generation), error);
  if (!error.empty())
    return std::nullopt;
  none = ids && ids->empty();
  if (ids)
    for (int32_t id : *ids)
      add(id, "generation_config.json: eos_token_id");
  else
    for (int64_t id : fromConfig)
      add(id, "config.json: eos_token_id");
  if (none || !tokenizer)
    return ends;
  auto named = rt::ChatTemplate::readVariables(modelDir.str(), error);
  if (!named)
    return std::nullopt;
  for (const auto &[name, text] : *named)
    if (name == "eos_token")
      if (std::optional<int32_t> id = tokenizer->tokenToId(text))
        add(*id, "tokenizer_config.json: eos_token");
  return ends;
}

std::optional<std::vector<rt::EndToken>>
marimba::endTokens(StringRef modelDir, ArrayRef<int64_t> fromConfig,
                   const rt::Tokenizer *tokenizer, std::string &error) {
  error.clear();
  bool gguf = ModelDirectory::isGguf(modelDir), none = false;
  std::optional<std::vector<rt::EndToken>> ends =
      gguf ? ggufEnds(modelDir)
           : directoryEnds(modelDir, fromConfig, tokenizer, none, error);
  if (ends && tokenizer && !none)
    rt::appendVocabularyEnds(*tokenizer, /*infill=*/gguf, *ends);
  return ends;
}

std::optional<std::vector<int32_t>>
marimba::endOfTextIds(StringRef modelDir, ArrayRef<int64_t> fromConfig,
                      const rt::Tokenizer *tokenizer, std::string &error) {
  auto ends = endTokens(modelDir, fromConfig, tokenizer, error);
  if (!ends)
    return std::nullopt;
  std::vector<int32_t> ids;
  for (const rt::EndToken &end : *ends)
    ids.push_back(end.id);
  return ids;
}

std::unique_ptr<rt::ChatTemplate>
marimba::loadChatTemplate(StringRef modelDir, const std::string &name,
                          std::string &error) {
  return ModelDirectory::isGguf(modelDir)
             ? loadGgufChatTemplate(modelDir, name, error)
             : rt::ChatTemplate::load(modelDir.str(), name, error);
}
