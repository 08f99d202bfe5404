//===- ModelFiles.cpp - What stands beside the weights --------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/ModelFiles.h"
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
  for (StringRef file : {"tokenizer.json", "tokenizer.model"})
    if (hasFile(modelDir, file))
      return file;
  return "";
}

bool marimba::hasTokenizer(StringRef modelDir) {
  if (ModelDirectory::isGguf(modelDir))
    return hasGgufTokenizer(modelDir);
  return !tokenizerFile(modelDir).empty();
}

std::string marimba::missingWeightsMessage(StringRef modelDir) {
  return (modelDir + " has no weights (model.safetensors or "
                     "model.safetensors.index.json), only a description; "
                     "compile and inspect work without")
      .str();
}

std::unique_ptr<rt::Tokenizer> marimba::loadTokenizer(StringRef modelDir,
                                                      std::string &error) {
  if (ModelDirectory::isGguf(modelDir))
    return loadGgufTokenizer(modelDir, error);
  if (!sys::fs::is_directory(modelDir)) {
    error = (modelDir + ": expected a model directory or a GGUF file, found " +
             (sys::fs::exists(modelDir) ? "a file" : "nothing"))
                .str();
    return nullptr;
  }
  StringRef file = tokenizerFile(modelDir);
  if (file.empty()) {
    error = (modelDir + ": no tokenizer.json or tokenizer.model in this "
                        "directory; --ids takes token ids instead of text "
                        "where a command has it")
                .str();
    return nullptr;
  }
  return rt::Tokenizer::load(pathIn(modelDir, file), error);
}

/// Appends the ids of `eos_token_id`; false where it is of another kind.
static bool appendIds(const json::Value &value, std::vector<int32_t> &ids) {
  if (std::optional<int64_t> id = value.getAsInteger()) {
    if (*id < 0 || *id > INT32_MAX)
      return false;
    ids.push_back(static_cast<int32_t>(*id));
    return true;
  }
  const json::Array *list = value.getAsArray();
  if (!list)
    return false;
  for (const json::Value &entry : *list)
    if (!entry.getAsInteger() || !appendIds(entry, ids))
      return false;
  return true;
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
      path, path, longest, {}, [&](const Twine &text) { error = text.str(); });
  if (mlir::failed(object))
    return std::nullopt;
  const json::Value *value = object->get("eos_token_id");
  if (!value || value->kind() == json::Value::Null)
    return ids;
  ids.clear();
  if (!appendIds(*value, ids)) {
    error = path + ": eos_token_id: expected a token id or a list of them";
    return std::nullopt;
  }
  return ids;
}
