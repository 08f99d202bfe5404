//===- LoadedModel.h - A model directory, ready to run ----------*- C++ -*-===//
//
// Part of Marimba. Compiles and loads in one call.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_LOADEDMODEL_H
#define MARIMBA_TOOLS_LIBMARIMBA_LOADEDMODEL_H

#include "tools/libmarimba/CodeCache.h"
#include "tools/libmarimba/Compiler.h"
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace marimba {
namespace rt {
class Model;
class Session;
class WeightProvider;
struct StateOrigin;
} // namespace rt

/// How a model is compiled and loaded.
struct LoadOptions {
  CompileOptions compile;
  /// Size of the thread team; 0 takes all cores.
  unsigned threads = 0;
  /// Tokens that one call of compiled code takes at most; scratch memory is
  /// for so many, however long a prompt is.
  int64_t chunk = 512;
  /// Makes the weights, while loading only. Where it is null, they are those of
  /// the directory, which must have some.
  const rt::WeightProvider *weights = nullptr;
  /// Where compiled code and packed weights are kept (docs/cache.md); empty
  /// keeps nothing.
  std::string cacheFolder;

  /// Size of the thread team, with 0 resolved.
  int teamSize() const;
  /// `compile`, for that team.
  CompileOptions compileForTeam() const;
};

/// Where the time of loading went.
struct LoadTimes {
  double compileSeconds = 0; // import, stages, code generation, linking
  double loadSeconds = 0;    // weights mapped or made, derived ones computed,
                             // packed ones packed, or mapped and checked
  bool codeFromCache = false;
  /// Weights that matmuls read: packed now, and packed by an earlier run.
  int64_t packedWeights = 0, packedFromCache = 0;
};

/// Code, weights and description of one model in this process.
class LoadedModel {
public:
  /// Imports, compiles, links and loads `modelDir`. On failure returns null and
  /// sets `error`, ready to be shown after "error: ". `keepGoing` is asked now
  /// and then while weights are packed; false ends it as a failure.
  static std::unique_ptr<LoadedModel>
  load(llvm::StringRef modelDir, const LoadOptions &options, std::string &error,
       ProgressFn progress = {}, NoteFn note = {},
       llvm::function_ref<bool()> keepGoing = {});
  ~LoadedModel();

  /// `slots` sequences of its own with empty states; null and `error` where
  /// memory is short.
  std::unique_ptr<rt::Session> makeSession(std::string &error,
                                           int32_t slots = 1);

  /// What a saved state must fit, and how one is made here. Reads samples of
  /// the weights.
  rt::StateOrigin stateOrigin() const;

  /// Whether all ids are in the vocabulary; sets `error` where not.
  bool checkIds(llvm::ArrayRef<int32_t> ids, std::string &error) const;

  const mlir::marimba::ModelInfo &info() const { return modelInfo; }
  /// The tokens that end a text; none where a provider made the weights.
  const std::vector<int32_t> &endIds() const { return ends; }
  /// Tokens that one call of compiled code takes at most.
  int64_t chunk() const { return chunkTokens; }
  const LoadTimes &times() const { return loadTimes; }

private:
  LoadedModel();

  mlir::marimba::ModelInfo modelInfo;
  std::vector<int32_t> ends;
  LoadTimes loadTimes;
  int threads = 1;
  int64_t chunkTokens = 512;
  /// Digests, as in rt::StateOrigin.
  std::string configuration, meaning;
  std::vector<std::pair<std::string, std::string>> arithmetic;
  std::shared_ptr<const rt::Model> model;
};

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_LOADEDMODEL_H
