//===- WordModels.cpp - WordLevel and WordPiece ---------------------------===//
//
// Vocabularies of words, and of words and what follows them.
//
//===----------------------------------------------------------------------===//

#include "Stages.h"
#include "Unicode.h"
#include "Vocab.h"

#include <algorithm>

namespace marimba::rt::text {

namespace {

/// What both have.
class WordModel : public VocabModel {
public:
  explicit WordModel(const Field &field) {
    readVocab(field.at("vocab"), vocab);
    Field unknown = field.at("unk_token");
    unknownId = vocab.tokenToId(unknown.getString());
    if (!unknownId)
      unknown.note("is " + quote(unknown.getString()) +
                   ", which is not in model.vocab: words that are not, either, "
                   "are left out");
  }

protected:
  void addUnknown(std::vector<int32_t> &ids) const {
    if (unknownId)
      ids.push_back(*unknownId);
  }

  Vocab vocab;

private:
  const Vocab &tokens() const override { return vocab; }

  std::optional<int32_t> unknownId;
};

class WordLevelModel : public WordModel {
public:
  using WordModel::WordModel;

  void tokenize(std::string_view word,
                std::vector<int32_t> &ids) const override {
    if (std::optional<int32_t> id = vocab.tokenToId(word))
      ids.push_back(*id);
    else
      addUnknown(ids);
  }
};

/// Cuts a word into the longest tokens, from left to right; a word that cannot
/// be cut whole is unknown.
class WordPieceModel : public WordModel {
public:
  explicit WordPieceModel(const Field &field)
      : WordModel(field),
        prefix(field.at("continuing_subword_prefix").getString()),
        longestWord(
            static_cast<size_t>(field.at("max_input_chars_per_word").getId())) {
    for (const auto &item : field.at("vocab").json().items())
      longestToken = std::max(longestToken, item.key().size());
  }

  void tokenize(std::string_view word,
                std::vector<int32_t> &ids) const override {
    size_t before = ids.size(), start = 0;
    if (isTooLong(word))
      return addUnknown(ids);
    while (start < word.size()) {
      size_t end = start;
      std::optional<int32_t> id = longestAt(word, start, end);
      if (!id) {
        ids.resize(before);
        return addUnknown(ids);
      }
      ids.push_back(*id);
      start = end;
    }
  }

private:
  bool isTooLong(std::string_view word) const {
    size_t count = 0;
    for (size_t i = 0; i < word.size() && count <= longestWord; ++count)
      nextChar(word, i);
    return count > longestWord;
  }

  /// The longest token at `start` and where it ends.
  std::optional<int32_t> longestAt(std::string_view word, size_t start,
                                   size_t &end) const {
    end = std::min(word.size(), start + longestToken);
    while (end < word.size() && (word[end] & 0xC0) == 0x80)
      --end;
    while (end > start) {
      std::string piece(word.substr(start, end - start));
      if (std::optional<int32_t> id =
              vocab.tokenToId(start > 0 ? prefix + piece : piece))
        return id;
      previousChar(word, end);
    }
    return std::nullopt;
  }

  std::string prefix;
  size_t longestWord, longestToken = 0;
};

} // namespace

std::unique_ptr<Model> createWordLevelModel(const Field &field) {
  return std::make_unique<WordLevelModel>(field);
}

std::unique_ptr<Model> createWordPieceModel(const Field &field) {
  return std::make_unique<WordPieceModel>(field);
}

} // namespace marimba::rt::text
