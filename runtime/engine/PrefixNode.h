//===- PrefixNode.h - A place of the tree of beginnings ---------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_ENGINE_PREFIXNODE_H
#define MARIMBA_RUNTIME_ENGINE_PREFIXNODE_H

#include "marimba/PrefixTree.h"

namespace marimba::rt {

/// A place, and the tokens between the one before and it. In memory (resident)
/// are only places whose parents are; states may be gone before the tokens.
class PrefixTree::Node {
public:
  PathDigest digest;
  Place parent; // null: begins at no tokens
  int64_t begin = 0, end = 0;
  bool inTree = false;
  uint64_t used = 0; // by the tree's clock

  bool resident = false;
  std::vector<int32_t> ids;
  std::shared_ptr<const AlignedBuffer> tokens;
  std::shared_ptr<const Snapshot> states;
  int children = 0, residentChildren = 0, storedChildren = 0;

  int64_t fileBytes = 0; // 0: no file
  bool fileHasStates = false;
  bool writing = false;       // a file is under way
  bool writingStates = false; // and has states
  bool pinned = false;        // a session has it
  uint64_t leavingSince = 0;  // leaves memory when written, unless used since
  int64_t leavingBytes = 0;

  bool stored() const { return fileBytes > 0; }
  /// Whether a sequence can go on from here.
  bool usable() const { return states || (stored() && fileHasStates); }
  /// Whether leaving memory loses nothing.
  bool saved() const { return stored() && (fileHasStates || !states); }
  bool beingSaved() const { return writing && (writingStates || !states); }

  int64_t stateBytes() const { return states ? states->bytes() : 0; }
  int64_t tokenBytes() const {
    constexpr int64_t own = 512; // this, and its place in the table
    return own + (tokens ? tokens->size() : 0) +
           static_cast<int64_t>(ids.size() * sizeof(int32_t));
  }
  int64_t bytes() const { return resident ? stateBytes() + tokenBytes() : 0; }
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_ENGINE_PREFIXNODE_H
