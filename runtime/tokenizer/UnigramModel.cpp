//===- UnigramModel.cpp - The likeliest tokens ----------------------------===//

#include "ByteTrie.h"
#include "Stages.h"
#include "Unicode.h"
#include "UnigramTables.h"

#include <algorithm>

namespace marimba::rt::text {

namespace {

/// Cuts a word into the tokens whose scores (logarithms of probabilities) have
/// the highest sum.
class UnigramModel : public VocabModel {
public:
  explicit UnigramModel(UnigramTables given);

  void tokenize(std::string_view word,
                std::vector<int32_t> &ids) const override;

private:
  const Vocab &tokens() const override { return tables.vocab; }

  std::vector<int32_t> findBestTokens(std::string_view word) const;

  UnigramTables tables;
  /// The values are ids.
  ByteTrie<int32_t> trie;
  size_t longestToken = 0;
  /// Of a character that is no token.
  double unknownScore = 0;
  std::optional<ByteTokens> byteTokens;
};

} // namespace

UnigramModel::UnigramModel(UnigramTables given) : tables(std::move(given)) {
  // What SentencePiece takes an unknown character to be less likely than any
  // token by.
  constexpr double penalty = 10;
  std::optional<double> least;
  for (size_t id = 0; id < tables.scores.size(); ++id) {
    std::optional<double> score = tables.scores[id];
    const std::string *token = tables.vocab.idToToken(static_cast<int32_t>(id));
    if (!score || !token)
      continue;
    trie.insert(*token) = static_cast<int32_t>(id);
    longestToken = std::max(longestToken, token->size());
    least = std::min(least.value_or(*score), *score);
  }
  if (least)
    unknownScore = *least - penalty;
  if (tables.byteFallback)
    byteTokens.emplace(tables.vocab);
}

/// The ids of the best tokens of `word`; -1 for each character that is none.
/// Takes time in the bytes of `word` times the longest token.
std::vector<int32_t> UnigramModel::findBestTokens(std::string_view word) const {
  constexpr int32_t noToken = -1;
  /// The best way to get to a position of the word. Only the scores of the
  /// positions that tokens may still reach are kept, in a ring.
  struct Step {
    int32_t id;
    uint32_t length;
  };
  std::vector<Step> steps(word.size() + 1, Step{noToken, 0});
  std::vector<double> ring(std::max<size_t>(longestToken, 4) + 1);
  auto scoreAt = [&](size_t position) -> double & {
    return ring[position % ring.size()];
  };
  auto offer = [&](size_t end, double score, Step step) {
    if (steps[end].length == 0 || score > scoreAt(end)) {
      steps[end] = step;
      scoreAt(end) = score;
    }
  };
  for (size_t start = 0; start < word.size();) {
    double score = scoreAt(start);
    size_t next = start;
    nextChar(word, next);
    bool isToken = false;
    trie.forEachPrefix(word.substr(start), [&](size_t length, int32_t id) {
      offer(start + length, score + *tables.scores[id],
            {id, static_cast<uint32_t>(length)});
      isToken |= start + length == next;
    });
    if (!isToken)
      offer(next, score + unknownScore,
            {noToken, static_cast<uint32_t>(next - start)});
    start = next;
  }

  std::vector<int32_t> ids;
  for (size_t end = word.size(); end > 0; end -= steps[end].length)
    ids.push_back(steps[end].id);
  std::reverse(ids.begin(), ids.end());
  return ids;
}

void UnigramModel::tokenize(std::string_view word,
                            std::vector<int32_t> &ids) const {
  size_t position = 0, unknownStart = 0;
  // A run of unknown characters gives its bytes, or one unknown token.
  auto addUnknown = [&] {
    std::string_view unknown =
        word.substr(unknownStart, position - unknownStart);
    bool isDone =
        unknown.empty() || (byteTokens && byteTokens->append(unknown, ids));
    if (!isDone && tables.unknownId)
      ids.push_back(*tables.unknownId);
  };
  for (int32_t id : findBestTokens(word)) {
    if (id < 0) {
      nextChar(word, position);
      continue;
    }
    addUnknown();
    ids.push_back(id);
    position += tables.vocab.idToToken(id)->size();
    unknownStart = position;
  }
  addUnknown();
}

static void readScores(const Field &list, UnigramTables &tables) {
  std::vector<Field> entries = list.items();
  tables.vocab.reserve(entries.size());
  tables.scores.reserve(entries.size());
  for (const Field &entry : entries) {
    std::vector<Field> parts = entry.items();
    if (parts.size() != 2)
      entry.fail("has " + std::to_string(parts.size()) +
                 " elements, expected 2: a token and its score");
    std::string_view token = parts[0].getString();
    if (!parts[1].json().is_number())
      parts[1].failType("a number");
    tables.vocab.add(list, token, static_cast<int32_t>(tables.scores.size()));
    tables.scores.emplace_back(parts[1].json().get<double>());
  }
}

std::unique_ptr<Model> createUnigramModel(UnigramTables tables) {
  return std::make_unique<UnigramModel>(std::move(tables));
}

std::unique_ptr<Model> createUnigramModel(const Field &field) {
  UnigramTables tables;
  readScores(field.at("vocab"), tables);
  if (std::optional<Field> unknown = field.find("unk_id")) {
    tables.unknownId = unknown->getId();
    if (!tables.vocab.idToToken(*tables.unknownId))
      unknown->fail("is " + std::to_string(*tables.unknownId) +
                    ", but model.vocab has " +
                    std::to_string(tables.scores.size()) + " tokens");
  }
  tables.byteFallback = field.getBool("byte_fallback", false);
  return createUnigramModel(std::move(tables));
}

} // namespace marimba::rt::text
