//===- Model.h - Compiled code and weights ----------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_MODEL_H
#define MARIMBA_RUNTIME_MODEL_H

#include "marimba/Description.h"
#include "marimba/PrimitiveCache.h"
#include "marimba/Weights.h"
#include "marimba/abi.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace marimba::rt {

/// The entries of compiled code, wherever it came from (JIT, object file).
struct CompiledModule {
  /// Finds a symbol's address; null where there is none.
  using Lookup = std::function<void *(const char *symbol)>;

  /// Reads the description and finds the entries. `owner` keeps the code
  /// alive. Null and `error` where a symbol or the description is bad.
  static std::shared_ptr<const CompiledModule>
  bind(const Lookup &lookup, std::string &error,
       std::shared_ptr<void> owner = nullptr);

  Description description;
  MarimbaEntry prepare = nullptr; // null where no weight is derived
  MarimbaEntry prefill = nullptr;
  MarimbaEntry decode = nullptr;
  /// What the code measured of itself, and the JSON that says what each counter
  /// stands for (abi.h); null where it was not compiled for a profile.
  MarimbaProfileRegion *profileRegions = nullptr;
  const char *profileDescription = nullptr;
  std::shared_ptr<void> owner;
};

/// Where the packed copies of weights go when a model is loaded.
struct PackOptions {
  /// A folder for the file of them (docs/cache.md); empty: into memory.
  std::filesystem::path folder;
  /// The model's name, for that of the file.
  std::string name;
  /// Hears the fraction that is done, and what comes next.
  std::function<void(double, const std::string &)> progress;
  /// Hears why nothing could be kept, or what was kept could not be used.
  std::function<void(const std::string &)> note;
  /// Asked now and then; false ends the loading with an error.
  std::function<bool()> keepGoing;
};

/// Numbers of weights.
struct PackReport {
  int64_t packed = 0;    // packed now
  int64_t fromCache = 0; // packed by an earlier run
};

/// A model ready to run; immutable, shared by its sessions.
class Model {
public:
  /// Computes the derived weights and packs those that the description says are
  /// packed, with a team of `threads`. Null and `error` where that fails.
  static std::shared_ptr<Model>
  create(std::shared_ptr<const CompiledModule> module,
         std::unique_ptr<Weights> weights, int threads, std::string &error,
         const PackOptions &pack = {});

  /// Says where the numbers of a sequence of these tokens stop being finite,
  /// such as "layer 3 (mamba+dense) is the first whose output is not finite";
  /// empty where it does not find out.
  using LayerFinder = std::function<std::string(std::span<const int32_t>)>;

  /// Asked where logits are not finite and no weight is the reason. To be set
  /// before the model has sessions.
  void setLayerFinder(LayerFinder finder) { findLayer = std::move(finder); }
  const LayerFinder &layerFinder() const { return findLayer; }

  /// What packing had to do.
  const PackReport &packReport() const { return packed; }

  const CompiledModule &module() const { return *compiled; }
  const Description &description() const { return compiled->description; }
  const Weights &weights() const { return *weightTable; }
  /// Packed weights and primitives, for the contexts of this model.
  const std::shared_ptr<PrimitiveCache> &library() const { return dnnl; }

private:
  Model() = default;
  std::shared_ptr<const CompiledModule> compiled;
  std::unique_ptr<Weights> weightTable;
  std::shared_ptr<PrimitiveCache> dnnl;
  PackReport packed;
  LayerFinder findLayer;
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_MODEL_H
