//===- CharsMap.h - What SentencePiece writes otherwise ---------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TOKENIZER_CHARSMAP_H
#define MARIMBA_RUNTIME_TOKENIZER_CHARSMAP_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace marimba::rt::text {

/// The `precompiled_charsmap` of a SentencePiece model: a trie of byte
/// sequences, each with what stands for it. The trie is a double array as
/// darts-clone writes it
/// (https://github.com/s-yata/darts-clone/blob/master/src/darts.h).
class CharsMap {
public:
  /// One that changes nothing.
  CharsMap() = default;
  /// `blob`: the bytes of the trie (u32, little endian), the trie, and the
  /// texts, each with a zero byte behind it. Throws FieldError; a trie that
  /// leads nowhere is one that finds nothing there.
  explicit CharsMap(std::string_view blob);

  /// `text`, valid UTF-8, with its replacement for each longest match.
  std::string replace(std::string_view text) const;

private:
  struct Match {
    size_t length;
    std::string_view replacement;
  };
  std::optional<Match> longestMatch(std::string_view text) const;

  std::vector<uint32_t> units;
  std::string replacements;
};

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TOKENIZER_CHARSMAP_H
