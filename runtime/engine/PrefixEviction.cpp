//===- PrefixEviction.cpp - What leaves the tree of beginnings ------------===//

#include "PrefixNode.h"

#include <algorithm>

namespace marimba::rt {

/// Tokens that would have to be read again for each byte that is freed, the
/// less the longer nobody came by. What only others go on from is rarely gone
/// back to.
double PrefixTree::usefulness(const Node &node, int64_t freed) const {
  const Node *before = node.parent.get();
  while (before && !before->usable())
    before = before->parent.get();
  auto saves = static_cast<double>(node.end - (before ? before->end : 0));
  auto age = static_cast<double>(clock - node.used + 1);
  double weight = node.children == 1 ? 0.5 : 1;
  return weight * saves / age /
         static_cast<double>(std::max<int64_t>(freed, 1));
}

void PrefixTree::makeRoom() {
  while (counted.bytes - leaving > options.bytes) {
    Place least;
    double lowest = 0;
    for (const auto &[digest, node] : nodes) {
      bool leaf = node->residentChildren == 0;
      if (!node->resident || node->leavingBytes > 0 || (!leaf && !node->states))
        continue;
      double value =
          usefulness(*node, leaf ? node->bytes() : node->stateBytes());
      if (!least || value < lowest ||
          (value == lowest && node->used < least->used))
        least = node, lowest = value;
    }
    if (!least)
      return;
    ++counted.evictions;
    evict(least);
  }
}

void PrefixTree::evict(const Place &place) {
  Node &node = *place;
  bool leaf = node.residentChildren == 0;
  // What waits to be written is memory, too, beside the bound: a quarter of
  // it, or 64 MiB where that is more.
  constexpr int64_t share = 4, least = int64_t(64) << 20;
  if (files && !node.saved() &&
      files->queuedBytes() < std::max(options.bytes / share, least)) {
    spill(place);
    if (node.beingSaved()) {
      node.leavingSince = ++clock;
      node.leavingBytes = leaf ? node.bytes() : node.stateBytes();
      leaving += node.leavingBytes;
      return;
    }
  }
  if (leaf)
    dropAll(place);
  else
    dropStates(node);
}

void PrefixTree::dropStates(Node &node) {
  counted.bytes -= node.stateBytes();
  counted.places -= node.states != nullptr;
  node.states.reset();
}

void PrefixTree::dropAll(const Place &place) {
  Node &node = *place;
  dropStates(node);
  counted.bytes -= node.bytes();
  node.resident = false;
  node.tokens.reset();
  node.ids = {};
  if (node.parent)
    --node.parent->residentChildren;
  if (!node.stored() && !node.writing)
    forget(place);
}

void PrefixTree::detach(const Place &place) {
  place->inTree = false;
  nodes.erase(place->digest);
  if (place->parent)
    --place->parent->children;
}

void PrefixTree::forget(const Place &place) {
  if (!place->inTree)
    return;
  if (place->children > 0) {
    std::vector<Place> after;
    for (const auto &[digest, node] : nodes)
      if (node->parent == place)
        after.push_back(node);
    for (const Place &node : after)
      forget(node);
  }
  if (place->resident) {
    place->writing = true; // no second time
    dropAll(place);
  }
  leaving -= std::exchange(place->leavingBytes, 0);
  removeFile(*place);
  detach(place);
}

void PrefixTree::removeFile(Node &node) {
  if (!node.stored())
    return;
  files->remove(node.digest);
  counted.stored -= std::exchange(node.fileBytes, 0);
  if (node.parent)
    --node.parent->storedChildren;
}

void PrefixTree::spill(const Place &place) {
  for (const Place &node : path(place)) {
    if (!node->inTree || !node->resident || node->saved() || node->beingSaved())
      continue;
    std::shared_ptr<const AlignedBuffer> states;
    if (node->states) {
      auto made = AlignedBuffer::zeroed(node->states->bytes());
      if (!made)
        return; // it stays where it is
      std::ranges::copy(node->states->data(), made->data());
      states = std::make_shared<const AlignedBuffer>(std::move(*made));
    }
    bool withStates = states != nullptr;
    bool accepted = files->write(
        {.header = {.model = root,
                    .digest = node->digest,
                    .parent = node->parent ? node->parent->digest : root,
                    .begin = node->begin,
                    .end = node->end},
         .ids = node->ids,
         .tokens = node->tokens,
         .states = std::move(states)});
    if (accepted) {
      node->writing = true;
      node->writingStates = withStates;
    }
  }
}

void PrefixTree::tidy() {
  if (!files)
    return;
  for (const auto &[digest, bytes] : files->takeWritten()) {
    Place node = at(digest);
    if (!node) {
      files->remove(digest); // it was forgotten in between
      continue;
    }
    if (bytes > 0) {
      counted.spilled += static_cast<uint64_t>(bytes);
      counted.stored += bytes - node->fileBytes;
      if (!node->stored() && node->parent)
        ++node->parent->storedChildren;
      node->fileBytes = bytes;
      node->fileHasStates = node->writingStates;
    }
    node->writing = false;
    if (node->leavingBytes == 0) {
      if (!node->resident && !node->stored())
        forget(node);
      continue;
    }
    leaving -= std::exchange(node->leavingBytes, 0);
    if (node->used > node->leavingSince)
      continue;
    if (node->residentChildren > 0)
      dropStates(*node);
    else
      dropAll(node);
  }
  makeRoom();
  makeDiskRoom();
}

void PrefixTree::makeDiskRoom() {
  while (counted.stored > options.folderBytes) {
    Place least;
    double lowest = 0;
    for (const auto &[digest, node] : nodes) {
      if (!node->stored() || node->storedChildren > 0 || node->pinned ||
          node->writing || (!node->resident && node->children > 0))
        continue;
      double value = usefulness(*node, node->fileBytes);
      if (!least || value < lowest)
        least = node, lowest = value;
    }
    if (!least)
      return;
    removeFile(*least);
    if (!least->resident)
      forget(least);
  }
}

//===----------------------------------------------------------------------===//
// Sessions
//===----------------------------------------------------------------------===//

std::optional<PathDigest>
PrefixTree::beginSave(std::span<const int32_t> ids,
                      std::span<const int64_t> boundaries, std::string &error) {
  std::vector<End> all = ends(ids, boundaries);
  ++clock;
  for (size_t i = all.size(); i-- > 0;) {
    Place node = at(all[i].digest);
    if (!node || node->end != all[i].tokens || !matches(*node, ids))
      continue;
    node->used = clock;
    std::vector<Place> parts = path(node);
    int64_t bytes = 0;
    for (const auto &[digest, other] : nodes)
      if (other->pinned)
        bytes += std::max(other->fileBytes, other->bytes());
    for (const Place &part : parts)
      if (!part->pinned)
        bytes += std::max(part->fileBytes, part->bytes());
    if (bytes > options.folderBytes) {
      error = "the sessions would take " + std::to_string(bytes) +
              " bytes, their folder may hold " +
              std::to_string(options.folderBytes);
      return std::nullopt;
    }
    for (const Place &part : parts)
      part->pinned = true;
    spill(node);
    return node->digest;
  }
  return root;
}

bool PrefixTree::isSaved(const PathDigest &digest) {
  tidy();
  Place last = at(digest);
  return digest == root ||
         (last && std::ranges::all_of(path(last), [](const Place &node) {
            return node->stored();
          }));
}

void PrefixTree::pinSessions() {
  if (!files)
    return;
  for (const auto &[digest, node] : nodes)
    node->pinned = false;
  for (const KeptSession &session : files->sessions())
    for (const Place &node : path(at(session.last)))
      node->pinned = true;
}

} // namespace marimba::rt
