//===- WeightFiles.cpp - The safetensors of a model directory ---*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/FileKind.h"
#include "importer/hub/ModelDirectory.h"
#include "marimba/InputFile.h"
#include "marimba/SplitName.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"
#include <map>
#include <set>

namespace mlir::marimba {

namespace path = llvm::sys::path;

static constexpr StringLiteral kSingleFile = "model.safetensors";
static constexpr StringLiteral kIndexFile = "model.safetensors.index.json";
static constexpr StringLiteral kIndexSuffix = ".safetensors.index.json";
static constexpr uint64_t kLargestIndex = 256 << 20;

/// The names, without those of files that are not the model itself.
static std::vector<std::string> candidates(ArrayRef<std::string> names,
                                           StringRef suffix) {
  std::vector<std::string> found;
  for (StringRef name : names)
    if (name.ends_with(suffix) && !name.starts_with(".") &&
        !name.starts_with("adapter_") && !name.starts_with("consolidated") &&
        !name.starts_with("optimizer"))
      found.push_back(name.str());
  return found;
}

/// Whether the names are x-00001-of-0000N to x-0000N-of-0000N, in order.
static bool isWholeSet(ArrayRef<std::string> names) {
  using ::marimba::rt::SplitName;
  std::optional<SplitName> first = SplitName::parse(names.front());
  if (!first || first->count != names.size())
    return false;
  for (auto [i, name] : llvm::enumerate(names))
    if (name != first->of(uint32_t(i) + 1))
      return false;
  return true;
}

LogicalResult ModelDirectory::openWeights(ErrorFn emitError) {
  std::vector<std::string> names = filesIn(directoryPath);
  // What is there under this name is it, be it broken.
  if (::marimba::rt::isThere(pathOf(kSingleFile)))
    return openFiles(kSingleFile.str(), emitError);
  if (::marimba::rt::isThere(pathOf(kIndexFile)))
    return openIndex(kIndexFile, emitError);

  std::vector<std::string> indices = candidates(names, kIndexSuffix);
  std::vector<std::string> files = candidates(names, ".safetensors");
  if (indices.size() == 1) {
    notes.push_back(indices.front() + ": read for " + kIndexFile.str() +
                    ", which is not there");
    return openIndex(indices.front(), emitError);
  }
  if (files.empty())
    return success();
  if (files.size() == 1 || isWholeSet(files)) {
    std::string what = files.size() == 1
                           ? files.front()
                           : files.front() + " and the " +
                                 std::to_string(files.size() - 1) +
                                 " that follow";
    notes.push_back(what + ": read for " + kSingleFile.str() +
                    ", which is not there");
    return openFiles(files, emitError);
  }
  constexpr size_t most = 4;
  emitError(quoted(directoryPath) + ": holds " + Twine(files.size()) +
            " safetensors files (" +
            llvm::join(ArrayRef(files).take_front(most), ", ") +
            (files.size() > most ? ", ..." : "") + "), expected " +
            kSingleFile + ", or " + kIndexFile +
            ", which says what is in each");
  return failure();
}

void ModelDirectory::add(SafetensorsEntry entry, unsigned file) {
  std::string name = entry.name;
  table.try_emplace(name, CheckpointTensor{std::move(entry), file});
}

LogicalResult ModelDirectory::openFiles(ArrayRef<std::string> files,
                                        ErrorFn emitError) {
  weightsName = files.front();
  for (const std::string &file : files) {
    auto entries = openShard(file, emitError);
    if (failed(entries))
      return failure();
    for (SafetensorsEntry &entry : *entries) {
      if (const CheckpointTensor *other = find(entry.name)) {
        emitError(file + ": tensor " + quoted(entry.name) + " is also in " +
                  fileNames[other->file] + ", expected an index (" +
                  kIndexFile + ") that says which counts");
        return failure();
      }
      add(std::move(entry), unsigned(fileNames.size() - 1));
    }
  }
  return checkNoAdapter(emitError);
}

/// The shard as a path below the index's folder; empty where it is none.
static std::string shardName(std::optional<StringRef> given) {
  if (!given || given->contains('\0') || given->contains('\\') ||
      path::is_absolute(*given) || given->ends_with("/"))
    return "";
  SmallString<128> name(*given);
  path::remove_dots(name, /*remove_dot_dot=*/false);
  for (auto it = path::begin(name), end = path::end(name); it != end; ++it)
    if (*it == "..")
      return "";
  return name == "." ? "" : name.str().str();
}

LogicalResult ModelDirectory::openIndex(StringRef indexName,
                                        ErrorFn emitError) {
  weightsName = indexName.str();
  JsonOptions options;
  options.uniqueNames = true;
  auto index = readJsonFile(pathOf(indexName), indexName, kLargestIndex,
                            options, emitError);
  if (failed(index))
    return failure();
  const llvm::json::Object *map = index->getObject("weight_map");
  if (!map) {
    emitError(indexName + ": has no object 'weight_map'");
    return failure();
  }

  llvm::StringMap<std::string> owners;
  std::set<std::string> shards;
  for (const auto &[key, value] : *map) {
    StringRef tensor = key;
    // Shards are beside the index or below; nothing else may be named.
    std::string shard = shardName(value.getAsString());
    if (shard.empty()) {
      emitError(indexName + ": tensor " + quoted(tensor) + " is in " +
                printJson(value) +
                ", expected the name of a file beside the index");
      return failure();
    }
    owners[tensor] = shard;
    shards.insert(shard);
  }
  // What the index does not name: as in transformers, a shard is read whole.
  std::map<std::string, CheckpointTensor> unlisted;
  std::set<std::string> twice;
  for (const std::string &shard : shards) {
    if (!::marimba::rt::isThere(pathOf(shard))) {
      emitError(indexName + ": shard " + quoted(shard) +
                " is missing, expected beside the index");
      return failure();
    }
    auto entries = openShard(shard, emitError);
    if (failed(entries))
      return failure();
    auto file = unsigned(fileNames.size() - 1);
    for (SafetensorsEntry &entry : *entries) {
      std::string name = entry.name;
      auto owner = owners.find(name);
      if (owner == owners.end()) {
        CheckpointTensor tensor{std::move(entry), file};
        if (!unlisted.try_emplace(name, std::move(tensor)).second)
          twice.insert(name);
      } else if (owner->second == shard) {
        add(std::move(entry), file);
      }
    }
  }
  for (const auto &owner : owners) {
    if (table.contains(owner.first()))
      continue;
    emitError(indexName + ": tensor " + quoted(owner.first()) +
              " is said to be in " + quoted(owner.second) +
              ", which does not hold it");
    return failure();
  }
  for (auto &[name, tensor] : unlisted)
    if (!twice.count(name)) // which is not known
      table.try_emplace(name, std::move(tensor));
  return checkNoAdapter(emitError);
}

FailureOr<std::vector<SafetensorsEntry>>
ModelDirectory::openShard(StringRef shard, ErrorFn emitError) {
  fileNames.push_back(shard.str());
  std::string problem;
  auto entries =
      ::marimba::formats::readSafetensorsHeader(pathOf(shard), shard, problem);
  if (entries)
    return std::move(*entries);
  emitError(problem);
  return failure();
}

/// Without the adapter's part the numbers would be another model's.
LogicalResult ModelDirectory::checkNoAdapter(ErrorFn emitError) const {
  std::vector<StringRef> found;
  for (const auto &tensor : table)
    if (tensor.first().contains(".lora_") ||
        tensor.first().contains(".base_layer."))
      found.push_back(tensor.first());
  if (found.empty())
    return success();
  emitError(weightsName + ": holds an adapter (LoRA), " + Twine(found.size()) +
            " tensors such as " + quoted(*llvm::min_element(found)) +
            ", expected a model with it merged in, as peft's "
            "merge_and_unload() does");
  return failure();
}

void ModelDirectory::rename(
    const std::vector<std::pair<std::string, std::string>> &names,
    StringRef prefix, StringRef prefixInFile) {
  llvm::StringMap<CheckpointTensor> others;
  for (const auto &[inFile, name] : names) {
    auto it = table.find(inFile);
    CheckpointTensor tensor = std::move(it->second);
    table.erase(it);
    tensor.entry.name = name;
    renamed[name] = inFile;
    others.try_emplace(name, std::move(tensor));
  }
  for (auto &entry : others)
    table.try_emplace(entry.first(), std::move(entry.second));
  renamedPrefix = prefix.str();
  renamedPrefixInFile = prefixInFile.str();
}

} // namespace mlir::marimba
