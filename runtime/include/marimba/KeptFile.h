//===- KeptFile.h - Beginnings of sequences on disk -------------*- C++ -*-===//
//
// What a tree of beginnings (PrefixTree.h) has in a folder: a file for each of
// its parts, and one for each session that has a name. The formats are in
// docs/prefix-reuse.md.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_KEPTFILE_H
#define MARIMBA_RUNTIME_KEPTFILE_H

#include "marimba/SavedState.h"
#include "marimba/Tensor.h"

#include <compare>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace marimba::rt {

class ReadyModel;

/// Identifies what was computed: a model with its arithmetic, and the pieces
/// that were read since. Equal digests, equal bits (docs/same-bits.md).
struct PathDigest {
  uint64_t high = 0, low = 0;

  auto operator<=>(const PathDigest &) const = default;
  /// 32 digits, and back.
  std::string text() const;
  static std::optional<PathDigest> parse(std::string_view text);
  /// After another piece.
  PathDigest then(std::span<const int32_t> piece) const;
  /// Of no tokens.
  static PathDigest beginning(const ReadyModel &model);
};
struct PathDigestHash {
  size_t operator()(const PathDigest &digest) const { return digest.low; }
};

/// Where a part belongs.
struct KeptHeader {
  PathDigest model;           // of no tokens
  PathDigest digest;          // at the end
  PathDigest parent;          // at the beginning
  int64_t begin = 0, end = 0; // tokens of the sequence
  int64_t tokenBytes = 0, stateBytes = 0;
  int64_t fileBytes = 0; // of the file
};

/// The tokens [begin, end) of a sequence, what is kept of each of them, and
/// what the model remembers after the last.
struct KeptPart {
  KeptHeader header;
  std::vector<int32_t> ids;
  /// Session::keepTokens(), and Snapshot::data(); no states where they were
  /// dropped before.
  std::shared_ptr<const AlignedBuffer> tokens, states;
};

/// A conversation that has a name.
struct KeptSession {
  std::string name;
  std::string weights, meaning; // as in StateOrigin
  PathDigest model, last;       // the longest beginning that was kept
  std::vector<int32_t> ids;
  std::vector<int64_t> boundaries;
  std::string attachment; // of who saved it
};

/// "DIGITS.part" and "NAME.session": how they are called in the folder.
std::string fileName(const PathDigest &digest);
std::string fileName(const std::string &session);
/// Whether a session may be called so: 1 to 64 of A-Z a-z 0-9 . _ -, not
/// beginning with a dot. False and `error` where not.
bool checkSessionName(std::string_view name, std::string &error);

/// Writes a file of the folder, in place of what is there; it is on the disk
/// when this returns. The bytes of the file; nothing, and `problem`, where that
/// fails: nothing has changed then.
std::optional<int64_t> writeKept(const std::filesystem::path &folder,
                                 const KeptPart &part, std::string &problem);
std::optional<int64_t> writeKept(const std::filesystem::path &folder,
                                 const KeptSession &session,
                                 std::string &problem);

/// Only what stands in front: sizes fit together, the numbers are not read.
std::optional<KeptHeader> readKeptHeader(const std::filesystem::path &path,
                                         std::string &problem);
/// All of it, every byte checked.
std::optional<KeptPart> readKeptPart(const std::filesystem::path &path,
                                     std::string &problem);
std::optional<KeptSession> readKeptSession(const std::filesystem::path &path,
                                           std::string &problem);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_KEPTFILE_H
