//===- GrammarTestUtils.h ---------------------------------------*- C++ -*-===//

#ifndef MARIMBA_TEST_RUNTIME_GRAMMAR_GRAMMARTESTUTILS_H
#define MARIMBA_TEST_RUNTIME_GRAMMAR_GRAMMARTESTUTILS_H

#include "marimba/Grammar.h"
#include "marimba/Tokenizer.h"

#include "../TokenizerTestUtils.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace marimba::rt {

/// A tokenizer whose tokens are all bytes, by themselves, `words`, and the end,
/// whose id is the last.
class WordTokenizer {
public:
  explicit WordTokenizer(const std::vector<std::string> &words = {}) {
    nlohmann::json document = smallTokenizer(), vocabulary;
    // Byte level: printable bytes stand for themselves, others for characters
    // from U+0100 on.
    int others = 256, next = 0;
    std::vector<std::string> spellings;
    for (int byte = 0; byte < 256; ++byte) {
      bool isShown = (byte >= 0x21 && byte <= 0x7E) ||
                     (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
      spellings.push_back(spell(isShown ? byte : others++));
      vocabulary[spellings.back()] = next++;
    }
    for (const std::string &word : words) {
      std::string spelling;
      for (char byte : word)
        spelling += spellings[static_cast<unsigned char>(byte)];
      if (!vocabulary.contains(spelling))
        vocabulary[spelling] = next++;
    }
    document["model"]["vocab"] = vocabulary;
    document["model"]["merges"] = nlohmann::json::array();
    end = next;
    document["added_tokens"] = {
        {{"id", next}, {"content", "<end>"}, {"special", true}},
        {{"id", next + 1}, {"content", "<call>"}, {"special", true}}};
    call = next + 1;
    tokenizer = parse(document);
  }

  std::unique_ptr<Tokenizer> tokenizer;
  int32_t end, call;

private:
  static std::string spell(int point) {
    if (point < 0x80)
      return std::string(1, static_cast<char>(point));
    return {static_cast<char>(0xC0 | point >> 6),
            static_cast<char>(0x80 | (point & 0x3F))};
  }
};

/// A model that knows nothing of grammars: random logits.
class RandomModel {
public:
  RandomModel(size_t tokens, uint64_t seed)
      : logits(tokens), random(static_cast<uint32_t>(seed + 1)) {}

  /// Chooses a token that `constraint` allows.
  int32_t choose(TokenConstraint &constraint) {
    // One of ten thousand is far above the rest.
    for (float &logit : logits)
      logit = -std::log(static_cast<float>(random() % 10000 + 1));
    constraint.mask(logits);
    return static_cast<int32_t>(std::ranges::max_element(logits) -
                                logits.begin());
  }

  std::vector<float> logits;

private:
  std::minstd_rand random;
};

/// An answer, token by token; `error` where it does not end.
struct Answer {
  std::string text;
  int64_t tokens = 0;
  bool ends = false;
};

inline Answer answer(const Tokenizer &tokenizer, TokenConstraint &constraint,
                     std::span<const int32_t> ends, int64_t maxTokens,
                     uint64_t seed) {
  RandomModel model(static_cast<size_t>(tokenizer.vocabSize()), seed);
  Answer result;
  while (result.tokens < maxTokens && !result.ends) {
    int32_t id = model.choose(constraint);
    EXPECT_FALSE(std::isinf(model.logits[static_cast<size_t>(id)]));
    ++result.tokens;
    constraint.accept(id);
    result.ends = std::ranges::find(ends, id) != ends.end();
    if (!result.ends)
      result.text += tokenizer.isSpecial(id) ? *tokenizer.idToToken(id)
                                             : tokenizer.tokenBytes(id);
  }
  return result;
}

} // namespace marimba::rt

#endif // MARIMBA_TEST_RUNTIME_GRAMMAR_GRAMMARTESTUTILS_H
