//===- BpeModel.cpp - Byte-pair encoding ----------------------------------===//

#include "Stages.h"
#include "Unicode.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <unordered_map>

namespace marimba::rt::text {

namespace {

struct StringHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};

/// What a pair of tokens becomes; the lowest rank goes first.
struct Merge {
  int32_t rank;
  int32_t id;
};

/// A token of a word on its way, in a list linked by positions.
struct Symbol {
  int32_t id;
  bool isMerged;          ///< Into the symbol before it.
  int64_t previous, next; ///< -1 where there is none.
};

/// A merge that was possible when it was queued.
struct QueuedMerge {
  Merge merge;
  int64_t position; ///< Of the left one of the pair.

  bool operator>(const QueuedMerge &other) const {
    return merge.rank != other.merge.rank ? merge.rank > other.merge.rank
                                          : position > other.position;
  }
};

class BpeModel : public Model {
public:
  explicit BpeModel(const Field &field) {
    checkUnsupported(field);
    readVocab(field.at("vocab"));
    readMerges(field.at("merges"));
    if (std::optional<Field> unknown = field.find("unk_token")) {
      unknownId = tokenToId(unknown->getString());
      if (!unknownId)
        unknown->fail("is " + quote(unknown->getString()) +
                      ", which is not in model.vocab");
    }
    fuseUnknown = field.getBool("fuse_unk", false);
    ignoreMerges = field.getBool("ignore_merges", false);
  }

  void tokenize(std::string_view word,
                std::vector<int32_t> &ids) const override;

  std::optional<int32_t> tokenToId(std::string_view token) const override {
    auto entry = idOfToken.find(token);
    return entry == idOfToken.end() ? std::nullopt
                                    : std::optional<int32_t>(entry->second);
  }

  const std::string *idToToken(int32_t id) const override {
    auto entry = tokenOfId.find(id);
    return entry == tokenOfId.end() ? nullptr : entry->second;
  }

  int64_t idLimit() const override { return limit; }

private:
  static void checkUnsupported(const Field &field);
  void readVocab(const Field &vocab);
  void readMerges(const Field &merges);
  int32_t mergedPart(const Field &merge, std::string_view token) const;

  std::vector<Symbol> split(std::string_view word) const;
  const Merge *findMerge(int32_t left, int32_t right) const {
    auto entry = merges.find(pairKey(left, right));
    return entry == merges.end() ? nullptr : &entry->second;
  }
  static uint64_t pairKey(int32_t left, int32_t right) {
    return static_cast<uint64_t>(left) << 32 | static_cast<uint32_t>(right);
  }

  std::unordered_map<std::string, int32_t, StringHash, std::equal_to<>>
      idOfToken;
  /// Points at the keys of idOfToken.
  std::unordered_map<int32_t, const std::string *> tokenOfId;
  std::unordered_map<uint64_t, Merge> merges;
  int64_t limit = 0;
  std::optional<int32_t> unknownId;
  bool fuseUnknown = false;
  bool ignoreMerges = false;
};

} // namespace

void BpeModel::checkUnsupported(const Field &field) {
  if (field.getBool("byte_fallback", false))
    field.at("byte_fallback").fail("is true, supported: false");
  for (std::string_view key :
       {"continuing_subword_prefix", "end_of_word_suffix"}) {
    std::optional<Field> affix = field.find(key);
    if (affix && !affix->getString().empty())
      affix->fail("is " + quote(affix->getString()) + ", supported: null");
  }
  std::optional<Field> dropout = field.find("dropout");
  if (dropout && dropout->json() != 0)
    dropout->fail("is " + dropout->json().dump() + ", supported: null");
}

void BpeModel::readVocab(const Field &vocab) {
  if (!vocab.json().is_object())
    vocab.failType("an object");
  const auto &entries = vocab.json().get_ref<const Json::object_t &>();
  idOfToken.reserve(entries.size());
  tokenOfId.reserve(entries.size());
  for (const auto &[token, idValue] : entries) {
    // Not by way of Field: its path would cost more than all the rest.
    if (!idValue.is_number_unsigned() || idValue.get<uint64_t>() >= INT32_MAX)
      vocab.at(token).getId();
    auto id = idValue.get<int32_t>();
    auto entry = idOfToken.emplace(token, id).first;
    auto [other, isNew] = tokenOfId.emplace(id, &entry->first);
    if (!isNew)
      vocab.fail("gives the id " + std::to_string(id) + " to both " +
                 quote(*other->second) + " and " + quote(token));
    limit = std::max<int64_t>(limit, int64_t(id) + 1);
  }
}

/// The id of a token that `merge` names.
int32_t BpeModel::mergedPart(const Field &merge, std::string_view token) const {
  if (std::optional<int32_t> id = tokenToId(token))
    return *id;
  merge.fail("names the token " + quote(token) +
             ", which is not in model.vocab");
}

void BpeModel::readMerges(const Field &list) {
  merges.reserve(list.json().size());
  int32_t rank = 0;
  for (const Field &merge : list.items()) {
    std::string_view left, right;
    if (merge.json().is_string()) {
      std::string_view line = merge.getString();
      if (line.starts_with("#version"))
        continue;
      size_t space = line.find(' ');
      if (space == line.npos || line.find(' ', space + 1) != line.npos)
        merge.fail("is " + quote(line) +
                   ", expected two tokens with one space between");
      left = line.substr(0, space);
      right = line.substr(space + 1);
    } else {
      std::vector<Field> parts = merge.items();
      if (parts.size() != 2)
        merge.fail("has " + std::to_string(parts.size()) +
                   " elements, expected 2");
      left = parts[0].getString();
      right = parts[1].getString();
    }
    int32_t leftId = mergedPart(merge, left);
    int32_t rightId = mergedPart(merge, right);
    int32_t id = mergedPart(merge, std::string(left) + std::string(right));
    merges[pairKey(leftId, rightId)] = {rank++, id};
  }
}

/// The characters of `word` as symbols. A character that is not in the
/// vocabulary is the unknown token; where there is no such token, it is lost.
std::vector<Symbol> BpeModel::split(std::string_view word) const {
  std::vector<Symbol> symbols;
  bool afterUnknown = false;
  for (size_t i = 0; i < word.size();) {
    size_t start = i;
    nextChar(word, i);
    std::optional<int32_t> id = tokenToId(word.substr(start, i - start));
    bool isUnknown = !id;
    if (isUnknown && (!unknownId || (fuseUnknown && afterUnknown)))
      continue;
    afterUnknown = isUnknown;
    auto position = static_cast<int64_t>(symbols.size());
    symbols.push_back(
        {isUnknown ? *unknownId : *id, false, position - 1, position + 1});
  }
  if (!symbols.empty())
    symbols.back().next = -1;
  return symbols;
}

/// Takes O(n log n) time: each merge queues two more at most, and a queued one
/// whose pair has changed since is dropped.
void BpeModel::tokenize(std::string_view word,
                        std::vector<int32_t> &ids) const {
  if (ignoreMerges) {
    if (std::optional<int32_t> id = tokenToId(word)) {
      ids.push_back(*id);
      return;
    }
  }

  std::vector<Symbol> symbols = split(word);
  std::priority_queue<QueuedMerge, std::vector<QueuedMerge>, std::greater<>>
      queue;
  auto queuePairAt = [&](int64_t position) {
    if (position < 0 || symbols[position].next < 0)
      return;
    const Symbol &right = symbols[symbols[position].next];
    if (const Merge *merge = findMerge(symbols[position].id, right.id))
      queue.push({*merge, position});
  };

  for (size_t i = 0; i < symbols.size(); ++i)
    queuePairAt(static_cast<int64_t>(i));

  while (!queue.empty()) {
    QueuedMerge top = queue.top();
    queue.pop();
    Symbol &left = symbols[top.position];
    if (left.isMerged || left.next < 0)
      continue;
    Symbol &right = symbols[left.next];
    const Merge *merge = findMerge(left.id, right.id);
    if (!merge || merge->id != top.merge.id)
      continue;

    left.id = merge->id;
    left.next = right.next;
    right.isMerged = true;
    if (left.next >= 0)
      symbols[left.next].previous = top.position;
    queuePairAt(left.previous);
    queuePairAt(top.position);
  }

  for (const Symbol &symbol : symbols)
    if (!symbol.isMerged)
      ids.push_back(symbol.id);
}

std::unique_ptr<Model> createBpeModel(const Field &field) {
  return std::make_unique<BpeModel>(field);
}

} // namespace marimba::rt::text
