//===- ModelDirectory.cpp - A model as people download it -------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/ModelDirectory.h"
#include "marimba/InputFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <set>

namespace mlir::marimba {

namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

static constexpr StringLiteral kSingleFile = "model.safetensors";
static constexpr StringLiteral kIndexFile = "model.safetensors.index.json";
static constexpr uint64_t kLargestConfig = 16 << 20;
static constexpr uint64_t kLargestIndex = 256 << 20;

std::string ModelDirectory::pathOf(StringRef file) const {
  SmallString<256> full(directoryPath);
  path::append(full, file);
  return full.str().str();
}

const CheckpointTensor *ModelDirectory::find(StringRef tensor) const {
  auto it = table.find(tensor);
  return it == table.end() ? nullptr : &it->second;
}

FailureOr<ModelDirectory>
ModelDirectory::open(StringRef path, StringRef configFile, ErrorFn emitError) {
  ModelDirectory model;
  if (isGguf(path)) {
    if (failed(model.openGguf(path, emitError)))
      return failure();
    return model;
  }
  model.configName = configFile.str();
  if (failed(model.openDirectory(path, emitError)))
    return failure();
  FailureOr<llvm::json::Object> config =
      readJsonFile(model.pathOf(configFile), configFile, kLargestConfig,
                   JsonOptions(), emitError);
  if (failed(config))
    return failure();
  model.configObject = std::move(*config);
  if (failed(model.openWeights(emitError)) ||
      failed(model.showForeign(emitError)))
    return failure();
  return model;
}

LogicalResult ModelDirectory::openDirectory(StringRef where,
                                            ErrorFn emitError) {
  fs::file_status status;
  if (std::error_code error = fs::status(where, status)) {
    emitError(quoted(where) + ": " + error.message() +
              ", expected a model directory (" + configName +
              " and *.safetensors)");
    return failure();
  }
  if (status.type() != fs::file_type::directory_file) {
    emitError(quoted(where) +
              ": is not a directory, expected a model "
              "directory (" +
              configName + " and *.safetensors)");
    return failure();
  }
  directoryPath = where.str();
  if (!fs::exists(pathOf(configName))) {
    emitError(quoted(where) + ": has no " + configName +
              ", expected a model directory as Hugging Face's hub has it");
    return failure();
  }

  // "model/" and "." have a name, too.
  SmallString<256> full(where);
  (void)fs::make_absolute(full);
  path::remove_dots(full, /*remove_dot_dot=*/true);
  StringRef last = path::filename(StringRef(full).rtrim('/'));
  directoryName = last.empty() ? "model" : last.str();
  return success();
}

LogicalResult ModelDirectory::openWeights(ErrorFn emitError) {
  if (!::marimba::rt::isThere(pathOf(kSingleFile))) {
    if (::marimba::rt::isThere(pathOf(kIndexFile)))
      return openShards(emitError);
    return success();
  }
  weightsName = kSingleFile.str();
  fileNames.push_back(weightsName);
  auto entries =
      readSafetensorsHeader(pathOf(kSingleFile), kSingleFile, emitError);
  if (failed(entries))
    return failure();
  for (SafetensorsEntry &entry : *entries) {
    std::string name = entry.name;
    table.try_emplace(name, CheckpointTensor{std::move(entry), 0});
  }
  return success();
}

LogicalResult ModelDirectory::openShards(ErrorFn emitError) {
  weightsName = kIndexFile.str();
  JsonOptions options;
  options.uniqueNames = true;
  auto index = readJsonFile(pathOf(kIndexFile), kIndexFile, kLargestIndex,
                            options, emitError);
  if (failed(index))
    return failure();
  const llvm::json::Object *map = index->getObject("weight_map");
  if (!map) {
    emitError(kIndexFile + ": has no object 'weight_map'");
    return failure();
  }

  llvm::StringMap<std::string> owners;
  std::set<std::string> shards;
  for (const auto &[key, value] : *map) {
    StringRef tensor = key;
    std::optional<StringRef> shard = value.getAsString();
    // Shards stand beside the index; nothing else may be named.
    if (!shard || shard->empty() || *shard == "." || *shard == ".." ||
        shard->find_first_of(StringRef("/\\\0", 3)) != StringRef::npos) {
      emitError(kIndexFile + ": tensor " + quoted(tensor) + " is in " +
                printJson(value) +
                ", expected the name of a file beside the index");
      return failure();
    }
    owners[tensor] = shard->str();
    shards.insert(shard->str());
  }
  for (const std::string &shard : shards)
    if (failed(openShard(shard, owners, emitError)))
      return failure();

  for (const auto &owner : owners) {
    if (table.contains(owner.first()))
      continue;
    emitError(kIndexFile + ": tensor " + quoted(owner.first()) +
              " is said to be in " + quoted(owner.second) +
              ", which does not hold it");
    return failure();
  }
  return success();
}

LogicalResult
ModelDirectory::openShard(StringRef shard,
                          const llvm::StringMap<std::string> &owners,
                          ErrorFn emitError) {
  if (!fs::exists(pathOf(shard))) {
    emitError(kIndexFile + ": shard " + quoted(shard) +
              " is missing, expected beside the index");
    return failure();
  }
  auto entries = readSafetensorsHeader(pathOf(shard), shard, emitError);
  if (failed(entries))
    return failure();
  fileNames.push_back(shard.str());
  for (SafetensorsEntry &entry : *entries) {
    // Only where the index says: a tensor may lie in a shard unnoticed.
    auto owner = owners.find(entry.name);
    if (owner == owners.end() || owner->second != shard)
      continue;
    std::string name = entry.name;
    table.try_emplace(name, CheckpointTensor{std::move(entry),
                                             unsigned(fileNames.size() - 1)});
  }
  return success();
}

} // namespace mlir::marimba
