//===- PrefixTree.h - Beginnings that are not read again --------*- C++ -*-===//
//
// A recurrent state cannot be cut, so what a model remembers is kept at chosen
// places: ends of messages, and every so many tokens. What it keeps of each
// token (keys and values) is kept once for all that begin alike
// (docs/prefix-reuse.md).
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_PREFIXTREE_H
#define MARIMBA_RUNTIME_PREFIXTREE_H

#include "marimba/Session.h"
#include "marimba/SessionStore.h"

#include <unordered_map>

namespace marimba::rt {

class ReadyModel;

/// The beginnings that all requests of a model share. One caller at a time.
///
/// A place is known by what was computed on the way to it: its tokens and the
/// ends of pieces. So a request that goes on from one gets the bits that it
/// gets when it reads everything.
class PrefixTree {
public:
  struct Options {
    /// Memory; 0: nothing is kept.
    int64_t bytes = 0;
    /// Tokens between places where no message ends, rounded up to whole chunks.
    int64_t every = 2048;
    /// Where what leaves memory goes, and what is kept over a restart; empty:
    /// nowhere. At most so many bytes, beyond those of named sessions.
    std::filesystem::path folder;
    int64_t folderBytes = int64_t(16) << 30;
    /// Hears of files that are no use; from other threads, too.
    SessionStore::Note note;
  };

  /// The end of a piece.
  struct End {
    int64_t tokens = 0;
    PathDigest digest;
    bool keep = false; // it is a place
  };
  class Node;
  using Place = std::shared_ptr<Node>;

  /// What it holds and did.
  struct Counts {
    int64_t bytes = 0;                   // in memory
    size_t places = 0;                   // with states in memory
    int64_t stored = 0;                  // bytes of files
    uint64_t evictions = 0, spilled = 0; // places, bytes
  };

  static std::unique_ptr<PrefixTree>
  create(const ReadyModel &model, const Options &options, std::string &error);
  /// Writes what is not on the disk.
  ~PrefixTree();

  bool enabled() const { return options.bytes > 0; }
  /// How `ids` are cut into pieces: at multiples of the chunk, at `boundaries`
  /// and at their end. The digests of piece ends are empty where nothing is
  /// kept.
  std::vector<End> ends(std::span<const int32_t> ids,
                        std::span<const int64_t> boundaries) const;

  /// The longest beginning of `ids` that is kept, without the last token; null
  /// where there is none. `use`: it is useful.
  Place find(std::span<const int32_t> ids, std::span<const End> ends,
             bool use = true);
  static int64_t tokens(const Place &place);
  /// The places on the way to one, it included.
  static std::vector<Place> path(const Place &place);

  /// Appends the tokens of the next place of a path to a slot that holds the
  /// ones before; with `states`, as the last. False where they are gone or
  /// memory is short: the slot's sequence is no use then. Bytes that were
  /// copied are added to `copied`.
  bool restore(Session &session, int32_t slot, std::span<const int32_t> ids,
               const Place &place, bool states, int64_t &copied);

  /// Keeps the end of the sequence in `slot`, which is `end` of `ids`; `from`:
  /// the place on its way that keep() or find() gave last, or null. The place
  /// for the next time: `from` where there is no room for another.
  Place keep(const Session &session, int32_t slot, std::span<const int32_t> ids,
             const End &end, Place from);

  /// Learns of what was written, and keeps to the bounds. Cheap.
  void tidy();

  /// Has all places on the way to these tokens written, and keeps them on the
  /// disk until pinSessions(). The last one's digest; nothing, and `error`,
  /// where that of all sessions is more than the folder may hold.
  std::optional<PathDigest> beginSave(std::span<const int32_t> ids,
                                      std::span<const int64_t> boundaries,
                                      std::string &error);
  /// Whether all places on the way to one are on the disk.
  bool isSaved(const PathDigest &digest);
  /// Learns which places sessions have.
  void pinSessions();

  SessionStore *store() { return files.get(); }
  Counts counts() const { return counted; }

private:
  PrefixTree() = default;
  void addFound();
  Place at(const PathDigest &digest) const;
  bool matches(const Node &node, std::span<const int32_t> ids) const;
  /// The nearest place that is still in the tree.
  static Place attached(Place place);
  Place insert(const End &end, Place parent);
  void fill(Node &node, std::shared_ptr<const AlignedBuffer> tokens,
            std::shared_ptr<const Snapshot> states,
            std::span<const int32_t> ids);
  double usefulness(const Node &node, int64_t freed) const;
  void makeRoom();
  void makeDiskRoom();
  /// Writes a place and those before it that are not on the disk.
  void spill(const Place &place);
  void evict(const Place &place);
  void dropStates(Node &node);
  void dropAll(const Place &place);
  void removeFile(Node &node);
  /// Takes it out of the tree, where nothing goes on from it.
  void detach(const Place &place);
  /// With all that goes on from it.
  void forget(const Place &place);

  Options options;
  PathDigest root;
  int64_t chunk = 0;
  std::unique_ptr<SessionStore> files;
  std::unordered_map<PathDigest, Place, PathDigestHash> nodes;
  int64_t leaving = 0; // bytes that are gone when they are written
  uint64_t clock = 0;  // uses
  Counts counted;
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_PREFIXTREE_H
