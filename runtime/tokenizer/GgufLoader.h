//===- GgufLoader.h - Tokenizers of GGUF files ------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TOKENIZER_GGUFLOADER_H
#define MARIMBA_RUNTIME_TOKENIZER_GGUFLOADER_H

#include "BpeTables.h"
#include "GgufTokenTypes.h"
#include "GgufTokenizer.h"

#include <set>

namespace marimba::rt::text {

/// Makes a tokenizer of one vocabulary.
class GgufLoader {
public:
  explicit GgufLoader(const GgufVocabulary &vocabulary) : given(vocabulary) {}

  GgufTokenizerParts load();

private:
  void checkSizes() const;
  void readTypes();
  void readTokens();
  void readScores();
  void readMerges();
  std::unique_ptr<Model> createPieces();
  std::unique_ptr<Model> createBytes();
  std::unique_ptr<Model> createUnigrams();
  std::unique_ptr<Model> createEscaped();
  std::set<std::string, std::less<>> plainTokens() const;
  void describePieces(bool startsWithSpace);
  void describeAddedTokens();
  /// `alwaysStarts`: a start token is added whatever the file says.
  void describeEnds(bool addsStart, bool addsEnd = false,
                    bool alwaysStarts = false);

  int32_t typeOf(size_t id) const { return types[id]; }
  /// `id`, or `otherwise` where there is no such token; nothing where there is
  /// none of either.
  std::optional<int32_t> special(std::optional<int64_t> id,
                                 std::optional<int64_t> otherwise) const;

  const GgufVocabulary &given;
  std::vector<int32_t> types; // of the tokens
  /// `vocab` is that of every kind of model.
  BpeTables tables;
  Json document;
  std::unique_ptr<Decoder> decoder;
};

/// Throw FieldError: "key 'tokenizer.ggml.KEY' WHAT", of one of its elements.
[[noreturn]] void failKey(std::string_view key, const std::string &what);
[[noreturn]] void failKeyAt(std::string_view key, size_t index,
                            const std::string &what);

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TOKENIZER_GGUFLOADER_H
