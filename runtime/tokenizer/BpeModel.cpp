//===- BpeModel.cpp - Byte-pair encoding ----------------------------------===//

#include "BpeTables.h"
#include "Stages.h"
#include "Unicode.h"

#include <algorithm>
#include <array>

namespace marimba::rt::text {

namespace {

class BpeModel : public VocabModel {
public:
  explicit BpeModel(BpeTables given) : tables(std::move(given)) {
    for (char32_t character = 0; character < idOfLowChar.size(); ++character) {
      std::string token;
      appendChar(character, token);
      idOfLowChar[character] = tables.vocab.tokenToId(token);
    }
    if (tables.byteFallback)
      byteTokens.emplace(tables.vocab);
  }

  void tokenize(std::string_view word,
                std::vector<int32_t> &ids) const override;

private:
  const Vocab &tokens() const override { return tables.vocab; }

  std::optional<int32_t> charToId(char32_t character,
                                  std::string_view token) const {
    return character < idOfLowChar.size() ? idOfLowChar[character]
                                          : tables.vocab.tokenToId(token);
  }
  std::vector<int32_t> split(std::string_view word) const;

  BpeTables tables;
  /// The ids of the characters below U+0800, for speed.
  std::array<std::optional<int32_t>, 0x800> idOfLowChar;
  std::optional<ByteTokens> byteTokens;
};

} // namespace

/// The id of a token that `merge` names.
static int32_t mergedPart(const Field &merge, const Vocab &vocab,
                          std::string_view token) {
  if (std::optional<int32_t> id = vocab.tokenToId(token))
    return *id;
  merge.fail("names the token " + quote(token) +
             ", which is not in model.vocab");
}

static void readMerges(const Field &list, const BpeTables &tables,
                       BpeMerges &merges) {
  const Vocab &vocab = tables.vocab;
  merges.reserve(list.json().size());
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
    int32_t leftId = mergedPart(merge, vocab, left);
    int32_t rightId = mergedPart(merge, vocab, right);
    // What is put behind another loses its prefix.
    right.remove_prefix(std::min(tables.continuingPrefix.size(), right.size()));
    merges.add(
        leftId, rightId,
        mergedPart(merge, vocab, std::string(left) + std::string(right)));
  }
}

/// The characters of `word` as ids. A character that is not in the vocabulary
/// becomes the tokens of its bytes, or else the unknown token; where there is
/// no such token, it is lost.
std::vector<int32_t> BpeModel::split(std::string_view word) const {
  std::vector<int32_t> symbols;
  symbols.reserve(word.size());
  bool hasAffixes =
      !tables.continuingPrefix.empty() || !tables.endSuffix.empty();
  // Characters since the last known one. As in the original, byte tokens do not
  // end such a run: its unknown tokens follow them.
  size_t unknownCount = 0;
  auto addUnknown = [&] {
    if (unknownCount > 0 && tables.unknownId)
      symbols.insert(symbols.end(), tables.fuseUnknown ? 1 : unknownCount,
                     *tables.unknownId);
    unknownCount = 0;
  };
  for (size_t i = 0; i < word.size();) {
    size_t start = i;
    char32_t character = nextChar(word, i);
    std::string_view token = word.substr(start, i - start);
    std::string affixed;
    if (hasAffixes) {
      affixed = (start > 0 ? tables.continuingPrefix : "") +
                std::string(token) + (i == word.size() ? tables.endSuffix : "");
      token = affixed;
    }
    if (std::optional<int32_t> id = hasAffixes ? tables.vocab.tokenToId(token)
                                               : charToId(character, token)) {
      addUnknown();
      symbols.push_back(*id);
    } else if (!byteTokens || !byteTokens->append(token, symbols)) {
      ++unknownCount;
    }
  }
  addUnknown();
  return symbols;
}

void BpeModel::tokenize(std::string_view word,
                        std::vector<int32_t> &ids) const {
  if (tables.ignoreMerges ||
      (tables.keepLineEnds && word.find_first_not_of('\n') == word.npos)) {
    if (std::optional<int32_t> id = tables.vocab.tokenToId(word)) {
      ids.push_back(*id);
      return;
    }
  }
  std::vector<int32_t> symbols = split(word);
  tables.merges.apply(symbols);
  ids.insert(ids.end(), symbols.begin(), symbols.end());
}

std::unique_ptr<Model> createBpeModel(BpeTables tables) {
  return std::make_unique<BpeModel>(std::move(tables));
}

std::unique_ptr<Model> createBpeModel(const Field &field) {
  BpeTables tables;
  readVocab(field.at("vocab"), tables.vocab);
  if (std::optional<Field> prefix = field.find("continuing_subword_prefix"))
    tables.continuingPrefix = prefix->getString();
  if (std::optional<Field> suffix = field.find("end_of_word_suffix"))
    tables.endSuffix = suffix->getString();
  readMerges(field.at("merges"), tables, tables.merges);
  std::optional<Field> dropout = field.find("dropout");
  if (dropout && dropout->json() != 0)
    dropout->note("is " + dropout->json().dump() +
                  ": it is for training, no merge is left out");
  if (std::optional<Field> unknown = field.find("unk_token")) {
    tables.unknownId = tables.vocab.tokenToId(unknown->getString());
    if (!tables.unknownId)
      unknown->note("is " + quote(unknown->getString()) +
                    ", which is not in model.vocab: characters that are not, "
                    "either, are left out");
  }
  tables.byteFallback = field.getBool("byte_fallback", false);
  tables.fuseUnknown = field.getBool("fuse_unk", false);
  tables.ignoreMerges = field.getBool("ignore_merges", false);
  return createBpeModel(std::move(tables));
}

} // namespace marimba::rt::text
