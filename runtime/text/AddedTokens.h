//===- AddedTokens.h - Tokens found before any model runs -------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TEXT_ADDEDTOKENS_H
#define MARIMBA_RUNTIME_TEXT_ADDEDTOKENS_H

#include "ByteTrie.h"
#include "Pipeline.h"

#include <unordered_map>

namespace marimba::rt::text {

/// One entry of `added_tokens`.
struct AddedToken {
  std::string content;
  int32_t id;
  bool isSpecial;
  /// Not matched next to a word character.
  bool isSingleWord;
  /// A match takes the spaces on its left, or right.
  bool stripsLeft, stripsRight;
  /// Matched in the normalized text, not in the text as given.
  bool isNormalized;
};

/// A part of a text: an added token, or text between.
struct TextPart {
  std::optional<int32_t> id;
  std::string_view text;
};

/// Finds a set of tokens in texts.
class TokenMatcher {
public:
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
};

/// All added tokens of a tokenizer.
class AddedTokens {
public:
  /// Reads `field`, the array `added_tokens`. Throws FieldError also where a
  /// token disagrees with `model` about its id.
  AddedTokens(const std::optional<Field> &field, const Model &model,
              const Normalizer *normalizer);
  AddedTokens(const AddedTokens &) = delete;
  AddedTokens &operator=(const AddedTokens &) = delete;

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
  void read(const Field &item, const Model &model);

  /// Never resized after the constructor: the other members point into it.
  std::vector<AddedToken> tokens;
  std::unordered_map<int32_t, const AddedToken *> tokenOfId;
  std::unordered_map<std::string_view, const AddedToken *> tokenOfContent;
  TokenMatcher raw, normalized;
  int64_t limit = 0;
};

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TEXT_ADDEDTOKENS_H
