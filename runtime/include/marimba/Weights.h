//===- Weights.h - The weight table of a loaded model -----------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_WEIGHTS_H
#define MARIMBA_RUNTIME_WEIGHTS_H

#include "marimba/Description.h"
#include "marimba/Tensor.h"
#include "marimba/formats/Format.h"

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace marimba::rt {

/// Bytes of a file that another tensor needs (ForeignPart::otherBytes).
struct OtherTensor {
  std::filesystem::path file;
  uint64_t offset = 0, bytes = 0;
};

/// Where a stored tensor lies: `bytes` bytes at `offset` of `file`, row-major.
struct WeightSource {
  std::string name;
  std::filesystem::path file;
  uint64_t offset = 0, bytes = 0;
  MarimbaDType dtype = MARIMBA_F32;
  std::vector<int64_t> shape;
  /// What the file has instead, of which `dtype` is to be made: f32 of blocks,
  /// or a part of a quantised matrix.
  formats::Stored stored{};
  /// Heads, if not 0, in whose rows 2j + p the file holds row p*n/2 + j of n.
  int64_t interleavedHeads = 0;
  /// Of a part of a quantised matrix that is `stored` in another order: output
  /// channels.
  int64_t channels = 0;
  /// Of such a part of another program: channels and groups that share what is
  /// stored (formats::ForeignShape), and the tensor that it is made with.
  int64_t channelsEach = 1, groupsEach = 1;
  std::optional<OtherTensor> other{};
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

/// One matrix [n, k] of a weight that matmuls read. They ask for it by the
/// address `key`; it is stored, row-major and perhaps not aligned, at `data`.
struct StoredMatrix {
  const void *key;
  const void *data;
};

/// A mapped file of weights, as it was when it was mapped.
struct WeightFile {
  std::filesystem::path path;
  uint64_t bytes = 0;
  int64_t modifiedNs = 0,
          changedNs = 0; // since 1970: contents; contents or names
  /// What stands in front of the tensors' data.
  std::span<const char> header;
};

/// What becomes of a weight with several sources (the experts of a mixture)
/// that only matmuls read: one tensor in memory, or address space alone, and
/// the matrices where they are in the files. Weights that are not aligned are
/// treated alike.
enum class Stacks { Copied, InPlace };

/// The tensors of a description's weight table, in its order. Files are mapped
/// read-only, each once; they must not be cut while this lives.
class Weights {
public:
  /// Binds every weight to `sources` (any order, more than needed). A weight
  /// with one source points into the file where its alignment allows, as does
  /// one whose sources follow each other there; other sources are copied into
  /// one tensor along dimension 0. Sources in blocks or with interleaved heads
  /// are converted into memory of our own. Sizes of one may be dropped or
  /// added. Derived weights are zeros until `prepare` runs. Null and `error`
  /// where a source is missing, of another type or shape, or not wholly in its
  /// file. A team of `threads` copies and converts; what it has read of a file
  /// leaves memory again.
  static std::unique_ptr<Weights>
  load(const Description &description, std::span<const WeightSource> sources,
       std::string &error, Stacks stacks = Stacks::Copied, int threads = 1);
  /// As load(), from `provider` instead of files.
  static std::unique_ptr<Weights> generate(const Description &description,
                                           const WeightProvider &provider,
                                           std::string &error);
  ~Weights();
  Weights(const Weights &) = delete;
  Weights &operator=(const Weights &) = delete;

  std::span<const MarimbaTensor> table() const { return tensors; }
  /// Bytes held in memory of our own (copies and derived weights), but for what
  /// was given back.
  int64_t ownBytes() const;

  /// The matrices of row `index`, which the description says is packed or
  /// apart. Those of a stack that was left apart can be read nowhere else.
  std::vector<StoredMatrix> matrices(size_t index,
                                     const WeightSpec &spec) const;
  /// The mapped files, in the order of their paths.
  std::vector<WeightFile> files() const;
  /// False, with `error` set, where one of them is not as it was any more. A
  /// file that has another in its place by now is still as it was.
  bool checkUnchanged(std::string &error) const;
  /// Asks the system to read `bytes` bytes of a mapped file from `data` on,
  /// where it does not guess itself what is read next: a description with
  /// weights that are `apart`, of which most may never be read.
  void willRead(const void *data, int64_t bytes) const;
  /// Gives back the memory of `matrix`, of `bytes` bytes, where it is in a
  /// file: who reads it later reads the file again.
  void release(const StoredMatrix &matrix, int64_t bytes) const;
  /// Gives back the memory of `matrix` where it is our own, and whether it is:
  /// nobody may read it any more.
  bool forget(const StoredMatrix &matrix, int64_t bytes) const;
  /// As release(), of all that is in files: loading reads much once.
  void releaseFiles() const;

private:
  struct Mapping;
  class Loader;
  Weights();
  /// Ends the system's guesses, and asks for what is read in any case.
  void readSparsely(const Description &description);
  /// A zeroed tensor of our own for `spec`; false and `error` if too large.
  bool allocate(const WeightSpec &spec, std::string &error);

  std::vector<MarimbaTensor> tensors;
  std::vector<std::unique_ptr<Mapping>> mappings;
  bool sparse = false; // pages are read when they are asked for
  std::vector<AlignedBuffer> buffers;
  mutable int64_t forgotten = 0; // bytes of them
  /// Address space without memory, and by row where the matrices really are.
  std::vector<std::unique_ptr<Mapping>> reserved;
  std::map<size_t, std::vector<const void *>> apart;
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_WEIGHTS_H
