//===- AddedTokens.h - Tokens found before any model runs -------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TOKENIZER_ADDEDTOKENS_H
#define MARIMBA_RUNTIME_TOKENIZER_ADDEDTOKENS_H

#include "ByteTrie.h"
#include "Pipeline.h"

#include <unordered_map>

namespace marimba::rt::text {

/// A token that is found in a text before the model sees it.
struct AddedToken {
  std::string content;
  /// Given by AddedTokens; before that, what tokenizer_config.json says.
  int32_t id = -1;
  bool isSpecial = false;
  /// Not matched next to a word character.
  bool isSingleWord = false;
  /// A match takes the spaces on its left, or right.
  bool stripsLeft = false, stripsRight = false;
  /// Matched in the normalized text, not in the text as given.
  bool isNormalized = false;

  /// Reads `content` and the flags of `item`, an object. Those that it lacks
  /// are false, but a token that is not special is normalized.
  static AddedToken read(const Field &item);
};

/// A part of a text: an added token with the spaces that it takes, or text
/// between.
struct TextPart {
  std::optional<int32_t> id;
  std::string_view text;
};

/// Finds a set of tokens in texts.
class TokenMatcher {
public:
  /// Where it is false, special tokens are left in the text as it is.
  void setFindsSpecial(bool finds) { findsSpecial = finds; }
  /// Adds a token to find as `pattern`; an empty pattern is never found, and of
  /// equal patterns the first counts. `token` must outlive this object.
  void add(const AddedToken &token, std::string_view pattern);

  /// Appends the parts of `text`, none of them empty text, to `parts`: the
  /// leftmost match first, the longest of those that start there. Takes time
  /// in the bytes of `text` times the longest pattern, at worst.
  void split(std::string_view text, std::vector<TextPart> &parts) const;

private:
  struct Match {
    const AddedToken *token;
    size_t end;
  };
  std::optional<Match> longestMatch(std::string_view text, size_t start) const;

  ByteTrie<const AddedToken *> trie;
  bool findsSpecial = true;
};

/// All added tokens of a tokenizer. Lists of them get their ids as Hugging
/// Face's library gives them, whatever a file says: a token that is there
/// already, in the model or among those added before, keeps its id and takes
/// the flags of its last mention (but special once is special for good); others
/// get the ids that follow.
class AddedTokens {
public:
  /// Both must outlive this object; `normalizer` may be null.
  AddedTokens(const Model &model, const Normalizer *normalizer)
      : model(model), normalizer(normalizer) {}
  AddedTokens(const AddedTokens &) = delete;
  AddedTokens &operator=(const AddedTokens &) = delete;

  /// Adds the tokens of `field`, the array `added_tokens`, and notes where one
  /// gets another id than `field` says. Throws FieldError.
  void addFrom(const Field &field);
  /// Adds `tokens`, one list.
  void add(const std::vector<AddedToken> &tokens);
  /// Adds those of `tokens` that are not yet added tokens, as special ones; all
  /// that are become special.
  void addSpecial(const std::vector<AddedToken> &tokens);

  /// To be called once all are added. Where `findsSpecial` is false, special
  /// tokens in a text are text.
  void finish(bool findsSpecial);

  /// Finds the tokens that are matched in a text as given.
  const TokenMatcher &rawMatcher() const { return raw; }
  /// Finds the tokens that are matched in a normalized text.
  const TokenMatcher &normalizedMatcher() const { return normalized; }

  /// Null where there is no such added token.
  const AddedToken *find(int32_t id) const;
  const AddedToken *find(std::string_view content) const;

  /// The highest id plus one.
  int64_t idLimit() const { return limit; }

private:
  int64_t firstFreeId() const;
  int32_t addOne(AddedToken token, int64_t &freeId);

  const Model &model;
  const Normalizer *normalizer;
  /// The matchers point to its tokens.
  std::unordered_map<int32_t, AddedToken> tokenOfId;
  std::unordered_map<std::string, int32_t> idOfContent;
  TokenMatcher raw, normalized;
  int64_t limit = 0;
};

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TOKENIZER_ADDEDTOKENS_H
