//===- Weights.h - The weight table of a loaded model -----------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_WEIGHTS_H
#define MARIMBA_RUNTIME_WEIGHTS_H

#include "marimba/Description.h"
#include "marimba/Tensor.h"

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace marimba::rt {

/// Where a stored tensor lies: `bytes` bytes at `offset` of `file`, row-major.
struct WeightSource {
  std::string name;
  std::filesystem::path file;
  uint64_t offset = 0, bytes = 0;
  MarimbaDType dtype = MARIMBA_F32;
  std::vector<int64_t> shape;
};

/// Makes weights that come from no file (random ones, for benchmarks).
class WeightProvider {
public:
  virtual ~WeightProvider() = default;
  /// Writes all of `tensor`, which is dense, zeroed and aligned. False and
  /// `error` where it cannot.
  virtual bool fill(const WeightSpec &spec, const MarimbaTensor &tensor,
                    std::string &error) const = 0;
};

/// The tensors of a description's weight table, in its order. Files are mapped
/// read-only, each once; they must not be cut while this lives.
class Weights {
public:
  /// Binds every weight to `sources` (any order, more than needed). A weight
  /// with one source points into the file where its alignment allows; several
  /// sources are copied into one tensor along dimension 0. Sizes of one may be
  /// dropped or added. Derived weights are zeros until `prepare` runs. Null
  /// and `error` where a source is missing, of another type or shape, or not
  /// wholly in its file.
  static std::unique_ptr<Weights> load(const Description &description,
                                       std::span<const WeightSource> sources,
                                       std::string &error);
  /// As load(), from `provider` instead of files.
  static std::unique_ptr<Weights> generate(const Description &description,
                                           const WeightProvider &provider,
                                           std::string &error);
  ~Weights();
  Weights(const Weights &) = delete;
  Weights &operator=(const Weights &) = delete;

  std::span<const MarimbaTensor> table() const { return tensors; }
  /// Bytes held in memory of our own (copies and derived weights).
  int64_t ownBytes() const;

private:
  struct Mapping;
  class Loader;
  Weights();
  /// A zeroed tensor of our own for `spec`; false and `error` if too large.
  bool allocate(const WeightSpec &spec, std::string &error);

  std::vector<MarimbaTensor> tensors;
  std::vector<std::unique_ptr<Mapping>> mappings;
  std::vector<AlignedBuffer> buffers;
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_WEIGHTS_H
