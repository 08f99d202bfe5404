//===- PrefixTree.cpp - Beginnings that are not read again ----------------===//

#include "PrefixNode.h"

#include "marimba/ReadyModel.h"

#include <algorithm>

namespace marimba::rt {

std::unique_ptr<PrefixTree> PrefixTree::create(const ReadyModel &model,
                                               const Options &options,
                                               std::string &error) {
  std::unique_ptr<PrefixTree> tree(new PrefixTree);
  tree->options = options;
  tree->chunk = model.chunk();
  tree->options.every = std::max<int64_t>((options.every + tree->chunk - 1) /
                                              tree->chunk * tree->chunk,
                                          tree->chunk);
  if (!tree->enabled())
    return tree;
  // It samples all weights.
  tree->root = PathDigest::beginning(model);
  if (options.folder.empty())
    return tree;
  tree->files = SessionStore::open(options.folder, model, options.note, error);
  if (!tree->files)
    return nullptr;
  tree->addFound();
  return tree;
}

PrefixTree::~PrefixTree() {
  if (!files)
    return;
  tidy();
  std::vector<Place> all;
  for (const auto &[digest, node] : nodes)
    if (node->states && !node->saved())
      all.push_back(node);
  // What was used last is wanted first.
  std::ranges::sort(all, std::greater(), [](auto &node) { return node->used; });
  int64_t room = options.folderBytes;
  for (const Place &node : all) {
    room -= node->bytes();
    if (room < 0)
      break;
    spill(node);
  }
  files->flush();
  tidy();
}

void PrefixTree::addFound() {
  for (const KeptHeader &header : files->found()) {
    Place parent = at(header.parent);
    if (header.begin == 0 ? header.parent != root
                          : !parent || parent->end != header.begin)
      continue; // what it goes on from is gone
    Place node = insert({header.end, header.digest, true}, parent);
    node->fileBytes = header.fileBytes;
    node->fileHasStates = header.stateBytes > 0;
    counted.stored += header.fileBytes;
    if (parent)
      ++parent->storedChildren;
  }
  pinSessions();
  makeDiskRoom();
}

std::vector<PrefixTree::End>
PrefixTree::ends(std::span<const int32_t> ids,
                 std::span<const int64_t> boundaries) const {
  std::vector<End> result;
  auto total = static_cast<int64_t>(ids.size());
  auto next = boundaries.begin();
  PathDigest digest = root;
  for (int64_t from = 0; from < total;) {
    while (next != boundaries.end() && *next <= from)
      ++next;
    int64_t to = std::min(from / chunk * chunk + chunk, total);
    bool marked = next != boundaries.end() && *next <= to;
    if (marked)
      to = *next;
    if (enabled())
      digest = digest.then(ids.subspan(static_cast<size_t>(from),
                                       static_cast<size_t>(to - from)));
    result.push_back({to, digest, marked || to % options.every == 0});
    from = to;
  }
  return result;
}

PrefixTree::Place PrefixTree::at(const PathDigest &digest) const {
  auto found = nodes.find(digest);
  return found == nodes.end() ? nullptr : found->second;
}

int64_t PrefixTree::tokens(const Place &place) {
  return place ? place->end : 0;
}

std::vector<PrefixTree::Place> PrefixTree::path(const Place &place) {
  std::vector<Place> result;
  for (Place node = place; node; node = node->parent)
    result.push_back(node);
  std::ranges::reverse(result);
  return result;
}

PrefixTree::Place PrefixTree::attached(Place place) {
  while (place && !place->inTree)
    place = place->parent;
  return place;
}

/// A digest is no proof: tokens that are in memory are compared, others when
/// they are loaded.
bool PrefixTree::matches(const Node &node, std::span<const int32_t> ids) const {
  for (const Node *part = &node; part; part = part->parent.get())
    if (part->resident &&
        !std::ranges::equal(
            part->ids,
            ids.subspan(static_cast<size_t>(part->begin), part->ids.size())))
      return false;
  return true;
}

PrefixTree::Place PrefixTree::find(std::span<const int32_t> ids,
                                   std::span<const End> ends, bool use) {
  if (!enabled())
    return nullptr;
  clock += use;
  for (size_t i = ends.size(); i-- > 0;) {
    Place node = at(ends[i].digest);
    if (!node || node->end != ends[i].tokens || !node->usable() ||
        node->end >= static_cast<int64_t>(ids.size()) || !matches(*node, ids))
      continue;
    if (use)
      node->used = clock;
    return node;
  }
  return nullptr;
}

PrefixTree::Place PrefixTree::insert(const End &end, Place parent) {
  auto node = std::make_shared<Node>();
  node->digest = end.digest;
  node->parent = std::move(parent);
  node->begin = tokens(node->parent);
  node->end = end.tokens;
  node->inTree = true;
  if (node->parent)
    ++node->parent->children;
  nodes[end.digest] = node;
  return node;
}

void PrefixTree::fill(Node &node, std::shared_ptr<const AlignedBuffer> tokens,
                      std::shared_ptr<const Snapshot> states,
                      std::span<const int32_t> ids) {
  counted.bytes -= node.bytes();
  if (!node.resident && node.parent)
    ++node.parent->residentChildren;
  node.resident = true;
  node.ids.assign(ids.begin(), ids.end());
  node.tokens = std::move(tokens);
  if (states) {
    counted.places += !node.states;
    node.states = std::move(states);
  }
  counted.bytes += node.bytes();
}

bool PrefixTree::restore(Session &session, int32_t slot,
                         std::span<const int32_t> ids, const Place &place,
                         bool states, int64_t &copied) {
  Node &node = *place;
  auto own = ids.subspan(static_cast<size_t>(node.begin),
                         static_cast<size_t>(node.end - node.begin));
  if (!node.resident || (states && !node.states)) {
    if (!node.inTree || !node.stored())
      return false;
    std::optional<KeptPart> part = files->read(node.digest);
    if (!part || part->header.begin != node.begin ||
        part->header.end != node.end || !std::ranges::equal(part->ids, own)) {
      forget(place);
      return false;
    }
    std::shared_ptr<const Snapshot> last;
    if (states && part->states->size() != session.snapshotBytes()) {
      node.fileHasStates = false; // it was written without
      return false;
    }
    if (states) {
      auto made = Snapshot::of(
          ids.first(static_cast<size_t>(node.end)),
          {part->states->data(), static_cast<size_t>(part->states->size())});
      if (!made)
        return false;
      last = std::make_shared<const Snapshot>(std::move(*made));
    }
    fill(node, part->tokens, std::move(last), own);
  }
  std::string error;
  if (!std::ranges::equal(own, node.ids) ||
      !session.appendKept(
          slot, own,
          {node.tokens->data(), static_cast<size_t>(node.tokens->size())},
          error) ||
      (states && !session.rewind(slot, *node.states, error)))
    return false;
  copied += node.tokens->size() + (states ? node.states->bytes() : 0);
  makeRoom();
  return true;
}

PrefixTree::Place PrefixTree::keep(const Session &session, int32_t slot,
                                   std::span<const int32_t> ids, const End &end,
                                   Place from) {
  if (!enabled() || !end.keep)
    return from;
  ++clock;
  Place node = at(end.digest);
  if (node && (node->end != end.tokens || !matches(*node, ids)))
    return from;
  // Where it is known, it has parents of its own.
  Place parent = node ? node->parent : attached(from);
  if (node && node->states) {
    node->used = clock;
    return node;
  }
  if (parent && !parent->resident && !parent->stored())
    return from;
  int64_t begin = tokens(parent);
  auto own = ids.subspan(static_cast<size_t>(begin),
                         static_cast<size_t>(end.tokens - begin));
  int64_t most =
      session.snapshotBytes() + (end.tokens - begin) * session.bytesPerToken();
  if (most > options.bytes)
    return node ? node : from;
  // Without memory nothing is kept, and the answer comes all the same.
  std::string error;
  std::shared_ptr<const AlignedBuffer> kept = node ? node->tokens : nullptr;
  if (!kept) {
    auto made = session.keepTokens(slot, begin, end.tokens, error);
    if (!made)
      return from;
    kept = std::make_shared<const AlignedBuffer>(std::move(*made));
  }
  auto states = session.snapshot(slot, error);
  if (!states)
    return from;
  if (!node)
    node = insert(end, parent);
  node->used = clock;
  fill(*node, std::move(kept),
       std::make_shared<const Snapshot>(std::move(*states)), own);
  makeRoom();
  return node;
}

} // namespace marimba::rt
