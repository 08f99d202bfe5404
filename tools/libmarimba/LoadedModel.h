//===- LoadedModel.h - A model directory, ready to run ----------*- C++ -*-===//
//
// Part of Marimba. Compiles and loads in one call.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_LOADEDMODEL_H
#define MARIMBA_TOOLS_LIBMARIMBA_LOADEDMODEL_H

#include "marimba/ReadyModel.h"
#include "tools/libmarimba/CodeCache.h"
#include "tools/libmarimba/Compiler.h"
#include <cstdint>
#include <memory>
#include <string>

namespace marimba {
namespace rt {
class Tokenizer;
class WeightProvider;
} // namespace rt

/// How a model is compiled and loaded.
struct LoadOptions {
  CompileOptions compile;
  /// Size of the thread team; 0 takes all cores.
  unsigned threads = 0;
  /// Tokens that one call of compiled code takes at most; scratch memory is
  /// for so many, however long a prompt is.
  int64_t chunk = 512;
  /// Of the model, where the caller has one: finds the ends of an answer that
  /// only the vocabulary names. While loading only.
  const rt::Tokenizer *tokenizer = nullptr;
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

/// A model that was compiled in this process.
class LoadedModel : public rt::ReadyModel {
public:
  /// Imports, compiles, links and loads `modelDir`. On failure returns null and
  /// sets `error`, ready to be shown after "error: ". `keepGoing` is asked now
  /// and then while weights are packed; false ends it as a failure. It has no
  /// ids that end a text where a provider made the weights.
  static std::unique_ptr<LoadedModel>
  load(llvm::StringRef modelDir, const LoadOptions &options, std::string &error,
       ProgressFn progress = {}, NoteFn note = {},
       llvm::function_ref<bool()> keepGoing = {});

  const mlir::marimba::ModelInfo &info() const { return modelInfo; }
  const LoadTimes &times() const { return loadTimes; }

private:
  LoadedModel(ReadyModel &&ready, const mlir::marimba::ModelInfo &info,
              const LoadTimes &times);

  mlir::marimba::ModelInfo modelInfo;
  LoadTimes loadTimes;
};

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_LOADEDMODEL_H
