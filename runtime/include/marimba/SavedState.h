//===- SavedState.h - Sequences on disk -------------------------*- C++ -*-===//
//
// Session::save() writes these files, Session::restore() takes them up. The
// format and what it guarantees are in docs/state.md.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_SAVEDSTATE_H
#define MARIMBA_RUNTIME_SAVEDSTATE_H

#include "marimba/Description.h"
#include "marimba/Tensor.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace marimba::rt {

class Weights;

/// Which model computed a state, and how. All but the last are compared before
/// a state is taken up; where the last differs, the numbers that follow may
/// differ from those of an uninterrupted session by rounding.
struct StateOrigin {
  std::string model;   // its name, for messages
  std::string weights; // fingerprint()
  /// Digests of the configuration: as it is written, and as it was understood.
  /// One of the two must be the same.
  std::string configuration, meaning;
  /// What decides how numbers are rounded: names and values.
  std::vector<std::pair<std::string, std::string>> arithmetic;
};

/// Identifies the files of `weights` by their contents, on any machine and
/// under any name: 32 digits. It covers the size and the safetensors header of
/// each file and, of each tensor, three samples of 4 KiB; of a file of at most
/// 16 MiB, every byte.
std::string fingerprint(const Weights &weights);

/// Whether `path` begins as the files of Session::save() do.
bool isSavedState(const std::filesystem::path &path);

/// Whether a file `path` can be made: what would fail after a long computation
/// fails here. False and `error` where not; nothing is left behind.
bool canSaveState(const std::filesystem::path &path, std::string &error);

/// A whole file of a state in memory, every byte of it checked.
class SavedState {
public:
  /// Nothing, and `error`, where it cannot be read, is of another format,
  /// truncated or altered.
  static std::optional<SavedState> read(const std::filesystem::path &path,
                                        std::string &error);

  const std::filesystem::path &path() const { return file; }
  const StateOrigin &origin() const { return madeBy; }
  /// The tokens of the sequence.
  std::span<const int32_t> tokens() const;
  /// The states, with the shape of one sequence: a size that grows is the
  /// number of tokens.
  std::span<const TensorSpec> states() const { return specs; }
  /// The numbers of states()[index], row-major.
  std::span<const char> data(size_t index) const;
  /// The logits after the last token; none where they were not known.
  std::span<const float> logits() const;
  /// What was saved beside the numbers; empty where nothing was.
  const std::string &attachment() const { return note; }
  /// Size of the file.
  int64_t bytes() const { return buffer.size(); }

private:
  friend class Session;
  bool parse(std::string &problem);
  /// Whether a state of `here` may go on from this.
  bool check(const StateOrigin &here,
             const std::function<void(const std::string &)> &note,
             std::string &error) const;

  std::filesystem::path file;
  StateOrigin madeBy;
  std::string note;
  AlignedBuffer buffer;
  int64_t tokenCount = 0, logitCount = 0;
  uint64_t tokensAt = 0, logitsAt = 0;
  std::vector<TensorSpec> specs;
  std::vector<uint64_t> offsets, sizes; // in the file, of each state
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_SAVEDSTATE_H
