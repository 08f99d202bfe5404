//===- ModelDirectory.h - A model as people download it ---------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_HUB_MODELDIRECTORY_H
#define MARIMBA_IMPORTER_HUB_MODELDIRECTORY_H

#include "importer/gguf/GgufConfig.h"
#include "importer/gguf/GgufNames.h"
#include "importer/hub/Config.h"
#include "marimba/formats/Format.h"
#include "marimba/formats/Safetensors.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::marimba {

using ::marimba::formats::SafetensorsEntry;

/// A tensor of the checkpoint and the file that holds it.
struct CheckpointTensor {
  SafetensorsEntry entry; // name, type and shape as families expect them
  unsigned file = 0;      // index into ModelDirectory::files()
  /// What the file has instead of that tensor as it is.
  ::marimba::formats::Stored stored{};
  int64_t interleavedHeads = 0; // GgufConfig::queryHeads
  /// Of a part of a quantised matrix that is `stored` in another order: its
  /// output channels.
  int64_t channels = 0;
  /// Of such a part of another program, as WeightSource has them.
  int64_t channelsEach = 1, groupsEach = 1;
  struct Other {
    unsigned file = 0;
    uint64_t offset = 0, bytes = 0;
  };
  std::optional<Other> other{};
  /// Of an order of inputs: alike where the orders are.
  std::string digest{};
  /// Of codes in another order: how they stand for numbers, where shapes do not
  /// tell.
  std::optional<::marimba::formats::Encoding> encoding{};
};

/// An opened model directory: config.json, and model.safetensors, or
/// model.safetensors.index.json with its shards, or safetensors under other
/// names where these can only be that, or no weights at all (a description
/// alone can be compiled). Where there are both, the single file counts, as in
/// transformers. Or a GGUF file, which is all of that: it reads as the
/// directory that it was made of.
class ModelDirectory {
public:
  static FailureOr<ModelDirectory> open(StringRef path, StringRef configFile,
                                        ErrorFn emitError);
  /// Whether `path` is taken for a GGUF file: by its name, or by how it begins.
  static bool isGguf(StringRef path);

  /// The last component of the directory's path.
  StringRef name() const { return directoryName; }
  StringRef path() const { return directoryPath; }
  /// The path of a file of the directory.
  std::string pathOf(StringRef file) const;

  llvm::json::Object &config() { return configObject; }
  StringRef configFile() const { return configName; }

  bool hasWeights() const { return !fileNames.empty(); }
  /// Files with tensor data, named relative to the directory.
  ArrayRef<std::string> files() const { return fileNames; }
  /// The file that says which tensors there are: the index, or the one file.
  StringRef weightsFile() const { return weightsName; }

  const llvm::StringMap<CheckpointTensor> &tensors() const { return table; }
  const CheckpointTensor *find(StringRef tensor) const;
  /// How the files spell the name of a tensor, and fields of the config.
  std::string nameInFile(StringRef tensor) const;
  const FieldNames &fieldNames() const { return fields; }
  /// Whether the files hold -exp(A_log) where others hold A_log.
  bool holdsA() const { return ggufNames != nullptr; }

  /// What a person should know of how the model was read.
  std::vector<std::string> notes;

  /// Gives tensors of the files other names: those of the file to those that
  /// families ask for. Messages keep to the file's; `prefix` of an
  /// asked name that has none in the files is `prefixInFile` there.
  void rename(const std::vector<std::pair<std::string, std::string>> &names,
              StringRef prefix, StringRef prefixInFile);

private:
  /// Makes matrices that other programs quantised ours.
  LogicalResult convertForeign(ErrorFn emitError);
  LogicalResult openGguf(StringRef path, ErrorFn emitError);
  LogicalResult addGguf(const GgufTensor &tensor, const GgufConfig &config,
                        ErrorFn emitError);
  LogicalResult openDirectory(StringRef path, ErrorFn emitError);
  LogicalResult openWeights(ErrorFn emitError);
  LogicalResult openIndex(StringRef index, ErrorFn emitError);
  /// Files that are the checkpoint together, though nothing says so.
  LogicalResult openFiles(ArrayRef<std::string> files, ErrorFn emitError);
  FailureOr<std::vector<SafetensorsEntry>> openShard(StringRef shard,
                                                     ErrorFn emitError);
  void add(SafetensorsEntry entry, unsigned file);
  LogicalResult checkNoAdapter(ErrorFn emitError) const;

  std::string directoryPath, directoryName;
  std::string configName, weightsName;
  llvm::json::Object configObject;
  std::vector<std::string> fileNames;
  llvm::StringMap<CheckpointTensor> table;
  FieldNames fields;
  const GgufNames *ggufNames = nullptr; // of a GGUF file, its family's
  /// Of tensors that have been given other names, those of the files.
  llvm::StringMap<std::string> renamed;
  std::string renamedPrefix, renamedPrefixInFile;
};

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_HUB_MODELDIRECTORY_H
