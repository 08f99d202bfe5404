//===- GgufModels.cpp - Models of GGUF files' vocabularies ----------------===//

#include "GgufLoader.h"
#include "GgufPreTokenizers.h"
#include "PieceSpaces.h"
#include "RwkvModel.h"
#include "Stages.h"
#include "Unicode.h"
#include "UnigramTables.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace marimba::rt::text {

/// What stands for a space.
constexpr std::string_view mark = "\u2581";

/// The most bytes of a token that merges make.
constexpr size_t maxMergedBytes = 1024;

/// SentencePiece merges the two pieces that together are the piece of the
/// highest score, whichever they are.
void GgufLoader::readScores() {
  std::map<double, uint32_t, std::greater<>> ranks;
  for (size_t id = 0; id < given.scores.size(); ++id) {
    if (std::isnan(given.scores[id]))
      failKeyAt("scores", id, "is not a number");
    ranks[given.scores[id]] = 0;
  }
  uint32_t next = 0;
  for (auto &[score, rank] : ranks)
    rank = next++;

  // Pieces of other kinds are no part of a text that merges see.
  auto pieceOf = [&](std::string_view text) -> std::optional<int32_t> {
    std::optional<int32_t> id = tables.vocab.tokenToId(text);
    if (!id)
      return std::nullopt;
    int32_t type = typeOf(*id);
    bool isMade = type != Unknown && type != Control && type != UserDefined &&
                  type != Byte;
    return isMade ? id : std::nullopt;
  };
  for (size_t id = 0; id < given.tokens.size(); ++id) {
    std::string_view token = given.tokens[id];
    if (token.empty() || pieceOf(token) != static_cast<int32_t>(id))
      continue;
    if (token.size() > maxMergedBytes)
      failKeyAt("tokens", id,
                "is " + std::to_string(token.size()) +
                    " bytes long, expected at most " +
                    std::to_string(maxMergedBytes));
    uint32_t rank = given.scores.empty() ? 0 : ranks.at(given.scores[id]);
    for (size_t cut = 0; nextChar(token, cut), cut < token.size();) {
      std::optional<int32_t> left = pieceOf(token.substr(0, cut));
      std::optional<int32_t> right =
          left ? pieceOf(token.substr(cut)) : std::nullopt;
      if (right)
        tables.merges.add(*left, *right, static_cast<int32_t>(id), rank);
    }
  }
}

void GgufLoader::readMerges() {
  tables.merges.reserve(given.merges.size());
  for (size_t i = 0; i < given.merges.size(); ++i) {
    std::string_view line = given.merges[i];
    // A token may be a space.
    size_t space = line.find(' ', 1);
    if (space == line.npos)
      failKeyAt("merges", i,
                "is " + quote(line) +
                    ", expected two tokens with a space between");
    auto idOf = [&](std::string_view token) {
      if (std::optional<int32_t> id = tables.vocab.tokenToId(token))
        return *id;
      failKeyAt("merges", i,
                "names the token " + quote(token) +
                    ", which is not among tokenizer.ggml.tokens");
    };
    std::string_view left = line.substr(0, space),
                     right = line.substr(space + 1);
    tables.merges.add(idOf(left), idOf(right),
                      idOf(std::string(left) + std::string(right)));
  }
}

/// How tokens with U+2581 for spaces, and tokens of bytes, become a text.
void GgufLoader::describePieces(bool startsWithSpace) {
  Json decoders = Json::array();
  decoders.push_back(
      {{"type", "Replace"}, {"pattern", {{"String", mark}}}, {"content", " "}});
  decoders.push_back({{"type", "ByteFallback"}});
  decoders.push_back({{"type", "Fuse"}});
  if (startsWithSpace)
    decoders.push_back(
        {{"type", "Strip"}, {"content", " "}, {"start", 1u}, {"stop", 0u}});
  document["decoder"] = {{"type", "Sequence"}, {"decoders", decoders}};
}

static Json markSpaces() {
  return {
      {"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", mark}};
}

/// Pieces of SentencePiece that merge.
std::unique_ptr<Model> GgufLoader::createPieces() {
  readScores();
  tables.byteFallback = true;
  tables.fuseUnknown = true;
  tables.unknownId = special(given.unknownTokenId, 0);
  bool startsWithSpace = given.addSpacePrefix.value_or(true);
  Json normalizers = Json::array();
  if (startsWithSpace)
    normalizers.push_back({{"type", "Prepend"}, {"prepend", mark}});
  normalizers.push_back(markSpaces());
  document["normalizer"] = {{"type", "Sequence"}, {"normalizers", normalizers}};
  describePieces(startsWithSpace);
  describeEnds(/*addsStart=*/true);
  return createBpeModel(std::move(tables));
}

/// Those that are found in texts as they are.
std::set<std::string, std::less<>> GgufLoader::plainTokens() const {
  std::set<std::string, std::less<>> tokens;
  for (const Json &token : document.at("added_tokens"))
    tokens.insert(token.at("content").get<std::string>());
  return tokens;
}

/// Byte-level tokens that merge, or those of texts that merge as these do.
std::unique_ptr<Model> GgufLoader::createBytes() {
  readMerges();
  GgufPreTokenizer pre =
      createGgufPreTokenizer(given.model == "gemma4" ? given.model : given.pre);
  tables.ignoreMerges = pre.ignoresMerges;
  tables.keepLineEnds = pre.keepsLineEnds;
  tables.byteFallback = pre.isRaw;
  document["normalizer"] =
      pre.marksSpaces ? markSpaces() : std::move(pre.normalizer);
  document["pre_tokenizer"] = std::move(pre.preTokenizer);
  if (pre.isRaw)
    describePieces(/*startsWithSpace=*/false);
  else
    decoder = createByteLevelDecoder(plainTokens());
  describeEnds(pre.addsStart, /*addsEnd=*/false, pre.alwaysStarts);
  return createBpeModel(std::move(tables));
}

/// Pieces of SentencePiece of which the likeliest are taken.
std::unique_ptr<Model> GgufLoader::createUnigrams() {
  UnigramTables unigrams;
  for (size_t id = 0; id < given.tokens.size(); ++id) {
    double score = given.scores.empty() ? 0 : given.scores[id];
    if (std::isnan(score))
      failKeyAt("scores", id, "is not a number");
    unigrams.scores.emplace_back();
    // Infinite ones would be no sums.
    constexpr double most = std::numeric_limits<float>::max();
    if (typeOf(id) == Normal)
      unigrams.scores.back() = std::clamp(score, -most, most);
  }
  unigrams.unknownId = special(given.unknownTokenId, 2);
  unigrams.byteFallback = true;
  unigrams.vocab = std::move(tables.vocab);
  PieceSpaces spaces;
  try {
    spaces.charsMap = CharsMap(given.precompiledCharsmap);
  } catch (const FieldError &error) {
    failKey("precompiled_charsmap", error.what());
  }
  spaces.removesExtra = given.removeExtraWhitespaces.value_or(false);
  spaces.addsPrefix = given.addSpacePrefix.value_or(false);
  describePieces(spaces.addsPrefix);
  describeEnds(/*addsStart=*/false, /*addsEnd=*/true);
  return createPiecesModel(std::move(spaces),
                           createUnigramModel(std::move(unigrams)));
}

/// Bytes, of which the longest token is taken. Nothing is put around a text,
/// whatever the file says, as in llama.cpp.
std::unique_ptr<Model> GgufLoader::createEscaped() {
  for (size_t id = 0; id < given.tokens.size(); ++id)
    if (!unescapeBytes(given.tokens[id]))
      failKeyAt("tokens", id,
                "is " + quote(given.tokens[id]) +
                    ", which is cut within an escape, expected \\n, \\r, \\t, "
                    "\\xHH or a character behind each \\");
  decoder = createRwkvDecoder();
  return createRwkvModel(std::move(tables.vocab),
                         special(given.unknownTokenId, std::nullopt));
}

} // namespace marimba::rt::text
