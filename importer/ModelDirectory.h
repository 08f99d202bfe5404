//===- ModelDirectory.h - A model as people download it ---------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_MODELDIRECTORY_H
#define MARIMBA_IMPORTER_MODELDIRECTORY_H

#include "importer/Config.h"
#include "importer/GgufConfig.h"
#include "importer/GgufNames.h"
#include "importer/Safetensors.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::marimba {

/// A tensor of the checkpoint and the file that holds it.
struct CheckpointTensor {
  SafetensorsEntry entry; // name, type and shape as families expect them
  unsigned file = 0;      // index into ModelDirectory::files()
  // Of a GGUF file, where the data is not that tensor as it stands:
  std::string blocks{}; // "Q8_0", "Q4_0": of what `entry.dtype` is made;
                        // with "-codes" or "-scales", that part of them
  int64_t interleavedHeads = 0; // GgufConfig::queryHeads
  /// Of a quantised matrix of another program, `blocks` says which: its output
  /// channels.
  int64_t channels = 0;
};

/// An opened model directory: config.json, and model.safetensors, or
/// model.safetensors.index.json with its shards, or no weights at all (a
/// description alone can be compiled). Where there are both, the single file
/// counts, as in transformers. Or a GGUF file, which is all of that: it is
/// shown as the directory that it was made of.
class ModelDirectory {
public:
  static FailureOr<ModelDirectory> open(StringRef path, StringRef configFile,
                                        ErrorFn emitError);
  /// Whether `path` is taken for a GGUF file.
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
  bool holdsA() const { return ggufNames.has_value(); }

private:
  /// Shows matrices that AutoAWQ or AutoGPTQ quantised as ours.
  LogicalResult showForeign(ErrorFn emitError);
  LogicalResult openGguf(StringRef path, ErrorFn emitError);
  LogicalResult addGguf(const GgufTensor &tensor, const GgufConfig &config,
                        ErrorFn emitError);
  LogicalResult openDirectory(StringRef path, ErrorFn emitError);
  LogicalResult openWeights(ErrorFn emitError);
  LogicalResult openShards(ErrorFn emitError);
  LogicalResult openShard(StringRef shard,
                          const llvm::StringMap<std::string> &owners,
                          ErrorFn emitError);

  std::string directoryPath, directoryName;
  std::string configName, weightsName;
  llvm::json::Object configObject;
  std::vector<std::string> fileNames;
  llvm::StringMap<CheckpointTensor> table;
  FieldNames fields;
  std::optional<GgufNames> ggufNames;
};

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_MODELDIRECTORY_H
