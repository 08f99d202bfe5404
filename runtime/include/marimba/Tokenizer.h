//===- Tokenizer.h - Text to token ids and back -----------------*- C++ -*-===//
//
// Reads a Hugging Face tokenizer.json and gives the ids and the text that the
// Hugging Face tokenizers library gives, or a tokenizer.model of SentencePiece,
// with its library, or what a GGUF file has. No exception leaves this
// interface.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOKENIZER_H
#define MARIMBA_TOKENIZER_H

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace marimba::rt {

struct GgufVocabulary;
class StreamDecoder;

/// A tokenizer as one file describes it. Immutable after loading, so
/// one object may be used from several threads at once.
///
/// The fields `truncation` and `padding` of a tokenizer.json are ignored: they
/// describe batches, and encode() always gives the whole text.
class Tokenizer {
public:
  /// Reads `file`: a SentencePiece model where its name ends in `.model`,
  /// Mistral's `tekken.json`, Kimi's `tiktoken.model`, GPT-2's `vocab.json`
  /// with a merges.txt beside it, else a tokenizer.json. tokenizer_config.json
  /// and what else stands beside it count as they do for transformers
  /// (docs/tokenizers.md). On failure returns null and sets `error` to one line
  /// that names the file, the field and what is wrong with it; on success
  /// leaves `error` empty.
  static std::unique_ptr<Tokenizer> load(const std::filesystem::path &file,
                                         std::string &error);

  /// As load(), of the text `json` of a tokenizer.json; `name` stands for the
  /// file in errors.
  static std::unique_ptr<Tokenizer>
  parse(std::string_view json, std::string_view name, std::string &error);

  /// As load(), of the metadata of a GGUF file, `name`. Errors name the key.
  static std::unique_ptr<Tokenizer> build(const GgufVocabulary &vocabulary,
                                          std::string_view name,
                                          std::string &error);

  ~Tokenizer();
  Tokenizer(const Tokenizer &) = delete;
  Tokenizer &operator=(const Tokenizer &) = delete;

  /// The ids of `text` (UTF-8, bytes; each maximal invalid part is read as
  /// U+FFFD). Special tokens that `text` spells out become their ids always;
  /// `addSpecialTokens` says whether the post-processor adds its own, such as
  /// the start of text. Takes O(n (log n + m)) time at worst, for n bytes of
  /// `text` and m bytes of the longest added token (of a Unigram model: of its
  /// longest token), and what the file's own regular expressions or
  /// libsentencepiece take. More than 128 MiB without an added token are
  /// encoded in parts of that size. Where an expression would take nearly for
  /// ever, gives no ids, and sets `error`, if it is there, to one line that
  /// names the tokenizer's file; else makes it empty.
  std::vector<int32_t> encode(std::string_view text,
                              bool addSpecialTokens = true,
                              std::string *error = nullptr) const;

  /// An added token that encode() found in a text: where that ends, in bytes,
  /// and how many ids there are up to its own.
  struct Found {
    size_t begin, end;
    size_t ids;
  };
  /// As encode(), adding no special tokens, of valid UTF-8. Appends to `found`
  /// the added tokens at whose ends the text might be cut: the ids of what is
  /// in front, and of the token, are the same by themselves, whatever follows.
  std::vector<int32_t> encode(std::string_view text, std::vector<Found> &found,
                              std::string &error) const;

  /// The text (valid UTF-8) of `ids`. Ids that the vocabulary does not have
  /// are left out, and special tokens too where `skipSpecialTokens`.
  std::string decode(std::span<const int32_t> ids,
                     bool skipSpecialTokens = true) const;

  /// The highest id plus one, added tokens included: every id is below it. Ids
  /// below it may be unused.
  int64_t vocabSize() const;

  /// The id of the token spelled `token` in the file (`Ġthe`, not ` the`), or
  /// nothing where there is none.
  std::optional<int32_t> tokenToId(std::string_view token) const;

  /// The spelling of `id` in the file, or nothing where there is no such id.
  std::optional<std::string> idToToken(int32_t id) const;

  /// The bytes that `id` stands for in a text: maybe not UTF-8 by themselves.
  /// Empty where there is no such id.
  std::string tokenBytes(int32_t id) const;

  /// What was read otherwise than a file says, as Hugging Face's library reads
  /// it, too: lines that name the file and the field.
  const std::vector<std::string> &notes() const;

  /// Whether `id` is a special token (left out by decode()).
  bool isSpecial(int32_t id) const;

private:
  friend class StreamDecoder;
  struct Impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

/// Decodes one sequence id by id. The pieces, put together, are what
/// Tokenizer::decode() gives for all the ids, and each piece is valid UTF-8.
class StreamDecoder {
public:
  /// `tokenizer` must outlive this object.
  explicit StreamDecoder(const Tokenizer &tokenizer,
                         bool skipSpecialTokens = true);
  ~StreamDecoder();
  StreamDecoder(StreamDecoder &&) noexcept;
  StreamDecoder &operator=(StreamDecoder &&) noexcept;

  /// The text that is complete now that `id` has come: empty where a character
  /// still lacks bytes. Bytes that can no longer become a character give
  /// U+FFFD. An id that the vocabulary does not have gives nothing.
  std::string push(int32_t id);

  /// What flush() would give now. What it is may change with the next id: the
  /// bytes of an unfinished character, or a space that only ends a text.
  std::string pending() const;

  /// What is left (an unfinished character gives U+FFFD). After it, the object
  /// is ready for another sequence.
  std::string flush();

private:
  struct Impl;
  std::unique_ptr<Impl> impl;
};

} // namespace marimba::rt

#endif // MARIMBA_TOKENIZER_H
