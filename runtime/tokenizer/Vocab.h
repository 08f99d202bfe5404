//===- Vocab.h - Tokens and their ids ---------------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TOKENIZER_VOCAB_H
#define MARIMBA_RUNTIME_TOKENIZER_VOCAB_H

#include "Field.h"
#include "Pipeline.h"

#include <array>
#include <functional>
#include <unordered_map>

namespace marimba::rt::text {

/// Tokens and their ids, both ways.
class Vocab {
public:
  /// Adds a token. Of equal tokens the last counts for tokenToId(); of tokens
  /// with one id, which `field` notes, the first for idToToken().
  void add(const Field &field, std::string_view token, int32_t id);
  void reserve(size_t count);
  /// As add(), but gives false, and changes nothing, where `id` is taken.
  bool tryAdd(std::string_view token, int32_t id);

  std::optional<int32_t> tokenToId(std::string_view token) const {
    auto entry = idOfToken.find(token);
    return entry == idOfToken.end() ? std::nullopt
                                    : std::optional<int32_t>(entry->second);
  }

  /// Null where there is no such id. Lives as long as the vocabulary.
  const std::string *idToToken(int32_t id) const {
    auto entry = tokenOfId.find(id);
    return entry == tokenOfId.end() ? nullptr : entry->second;
  }

  /// How many different tokens there are.
  int64_t size() const { return static_cast<int64_t>(idOfToken.size()); }

  /// The highest id plus one.
  int64_t idLimit() const { return limit; }

private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };

  std::unordered_map<std::string, int32_t, Hash, std::equal_to<>> idOfToken;
  /// The keys of idOfToken, which stay where they are.
  std::unordered_map<int32_t, const std::string *> tokenOfId;
  int64_t limit = 0;
};

/// Reads `field`, an object of tokens with their ids; throws FieldError.
void readVocab(const Field &field, Vocab &vocab);

/// A model whose tokens are those of one vocabulary.
class VocabModel : public Model {
public:
  std::optional<int32_t> tokenToId(std::string_view token) const override {
    return tokens().tokenToId(token);
  }
  const std::string *idToToken(int32_t id) const override {
    return tokens().idToToken(id);
  }
  int64_t idLimit() const override { return tokens().idLimit(); }
  int64_t tokenCount() const override { return tokens().size(); }

protected:
  virtual const Vocab &tokens() const = 0;
};

/// The tokens `<0x00>` to `<0xFF>`, for characters that a vocabulary lacks.
class ByteTokens {
public:
  explicit ByteTokens(const Vocab &vocab);

  /// Appends the ids of `bytes` to `ids`; false, and nothing appended, where
  /// one of them has none.
  bool append(std::string_view bytes, std::vector<int32_t> &ids) const;

  /// The byte that `token` spells, in either case of its digits.
  static std::optional<unsigned char> parse(std::string_view token);

private:
  std::array<std::optional<int32_t>, 256> idOfByte;
};

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TOKENIZER_VOCAB_H
