//===- ModelDirectory.cpp - A model as people download it -------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/hub/ModelDirectory.h"
#include "importer/FileKind.h"
#include "marimba/InputFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

namespace mlir::marimba {

namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

static constexpr uint64_t kLargestConfig = 16 << 20;

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
      failed(model.convertForeign(emitError)))
    return failure();
  return model;
}

LogicalResult ModelDirectory::openDirectory(StringRef where,
                                            ErrorFn emitError) {
  if (std::string found = describeNoModel(where, configName); !found.empty()) {
    emitError(found);
    return failure();
  }
  directoryPath = where.str();
  // "model/" and "." have a name, too.
  SmallString<256> full(where);
  (void)fs::make_absolute(full);
  path::remove_dots(full, /*remove_dot_dot=*/true);
  StringRef last = path::filename(StringRef(full).rtrim('/'));
  directoryName = last.empty() ? "model" : last.str();
  return success();
}

} // namespace mlir::marimba
