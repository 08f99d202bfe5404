//===- PrefixCache.h - A sequence that changes at its end -------*- C++ -*-===//
//
// A recurrent state cannot be cut as a cache of keys can: it
// is the state after all tokens. So copies of it are kept along the way.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_PREFIXCACHE_H
#define MARIMBA_RUNTIME_PREFIXCACHE_H

#include "marimba/Session.h"

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace marimba::rt {

/// One slot of a session that is made to hold other tokens again and again, and
/// reads only those after the longest beginning that it can go back to.
///
/// What moveTo() read gives the bits that it gives when nothing is reused: it
/// goes back to ends of pieces (Session), and otherwise only to where somebody
/// else left off: marks, and tokens that others appended.
class PrefixCache {
public:
  struct Options {
    /// Tokens between snapshots, rounded up to whole pieces, and what they may
    /// take together: where it is more, those that are nearest to each other
    /// are dropped. Two are kept in any case, the newest and one before.
    int64_t every = 512;
    int64_t bytes = int64_t(256) << 20;
  };

  /// The session must outlive this; nobody else appends to the slot but to its
  /// end. `piece`: tokens of one of the session's pieces, between which it is
  /// asked whether to go on.
  PrefixCache(Session &session, int64_t piece, Options options,
              int32_t slot = 0);

  /// What one call of moveTo() did.
  struct Moved {
    size_t reused = 0, read = 0; // tokens
    bool complete = false;       // not where it was told not to go on
  };

  /// Makes the slot hold `ids` (at least one) and gives the logits after the
  /// last. `goOn` is asked between pieces; where it says no, the slot holds a
  /// beginning of `ids`. False and `error` on failure.
  bool moveTo(std::span<const int32_t> ids, std::vector<float> &logits,
              const std::function<bool()> &goOn, Moved &moved,
              std::string &error);

  /// Keeps the present end as a place to go back to. False and `error` where
  /// memory is short.
  bool mark(std::string &error);

  /// Forgets all marks: the slot was filled by other means.
  void clear() { marks.clear(); }

  size_t snapshots() const { return marks.size(); }
  /// Memory that they take.
  int64_t bytes() const;

private:
  /// Goes back to at most `tokens` tokens.
  bool goBack(int64_t tokens, std::string &error);
  /// Whether what is read behind the present end is cut into pieces as if it
  /// had been read together with what is in front.
  bool endsPiece() const;
  void thinOut();

  Session &session;
  int64_t piece;
  Options options;
  int32_t slot;
  int64_t readTo = 0;          // the end when moveTo() last read
  std::vector<Snapshot> marks; // in order of their tokens
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_PREFIXCACHE_H
