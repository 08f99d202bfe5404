//===- GgufTokenizer.cpp - Tokenizers of GGUF files -----------------------===//
//
// What is not in the file is as llama.cpp has it: which control tokens stand
// around a text, that a "llama" text begins with a space, what splits words.
//
//===----------------------------------------------------------------------===//

#include "GgufTokenizer.h"

#include "BpeTables.h"
#include "GgufPreTokenizers.h"
#include "PieceSpaces.h"
#include "RwkvModel.h"
#include "Unicode.h"
#include "UnigramTables.h"
#include "marimba/EndTokens.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace marimba::rt::text {

namespace {

enum TokenType : int32_t {
  Normal = 1,
  Unknown,
  Control,
  UserDefined,
  Unused,
  Byte
};

/// What stands for a space.
constexpr std::string_view mark = "\u2581";

/// The most tokens, and bytes of one that merges make.
constexpr size_t maxTokens = size_t(1) << 24, maxMergedBytes = 1024;

class Loader {
public:
  explicit Loader(const GgufVocabulary &vocabulary) : given(vocabulary) {}

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

} // namespace

[[noreturn]] static void fail(std::string_view key, const std::string &what) {
  throw FieldError("key 'tokenizer.ggml." + std::string(key) + "' " + what);
}

[[noreturn]] static void failAt(std::string_view key, size_t index,
                                const std::string &what) {
  throw FieldError("key 'tokenizer.ggml." + std::string(key) + "': element " +
                   std::to_string(index) + " " + what);
}

void Loader::checkSizes() const {
  size_t count = given.tokens.size();
  if (count == 0 || count > maxTokens)
    fail("tokens", "has " + std::to_string(count) +
                       " elements, expected 1 to " + std::to_string(maxTokens));
  auto check = [&](std::string_view key, size_t size) {
    if (size != 0 && size != count)
      fail(key, "has " + std::to_string(size) + " elements, expected " +
                    std::to_string(count) + ", one for each token");
  };
  check("token_type", given.tokenType.size());
  check("scores", given.scores.size());
}

void Loader::readTypes() {
  types = given.tokenType;
  types.resize(given.tokens.size(), Normal);
  // Files that have these among their words are wrong, says llama.cpp.
  for (size_t id = 0; id < types.size(); ++id)
    if (isEndText(given.tokens[id]))
      types[id] = Control;
}

void Loader::readTokens() {
  tables.vocab.reserve(given.tokens.size());
  for (size_t id = 0; id < given.tokens.size(); ++id) {
    std::string_view token = given.tokens[id];
    if (!isValidUtf8(token))
      failAt("tokens", id, "is not UTF-8");
    // As llama.cpp calls it; there may be several.
    std::string empty = "[EMPTY_" + std::to_string(id) + "]";
    tables.vocab.tryAdd(token.empty() ? empty : token,
                        static_cast<int32_t>(id));
  }
}

/// SentencePiece merges the two pieces that together are the piece of the
/// highest score, whichever they are.
void Loader::readScores() {
  std::map<double, uint32_t, std::greater<>> ranks;
  for (size_t id = 0; id < given.scores.size(); ++id) {
    if (std::isnan(given.scores[id]))
      failAt("scores", id, "is not a number");
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
      failAt("tokens", id,
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

void Loader::readMerges() {
  tables.merges.reserve(given.merges.size());
  for (size_t i = 0; i < given.merges.size(); ++i) {
    std::string_view line = given.merges[i];
    // A token may be a space.
    size_t space = line.find(' ', 1);
    if (space == line.npos)
      failAt("merges", i,
             "is " + quote(line) +
                 ", expected two tokens with a space between");
    auto idOf = [&](std::string_view token) {
      if (std::optional<int32_t> id = tables.vocab.tokenToId(token))
        return *id;
      failAt("merges", i,
             "names the token " + quote(token) +
                 ", which is not among tokenizer.ggml.tokens");
    };
    std::string_view left = line.substr(0, space),
                     right = line.substr(space + 1);
    tables.merges.add(idOf(left), idOf(right),
                      idOf(std::string(left) + std::string(right)));
  }
}

std::optional<int32_t> Loader::special(std::optional<int64_t> id,
                                       std::optional<int64_t> otherwise) const {
  auto count = static_cast<int64_t>(given.tokens.size());
  // Files say "none" as -1 or 4294967295; llama.cpp takes all that are no
  // token's for that.
  for (std::optional<int64_t> candidate : {id, otherwise})
    if (candidate && *candidate >= 0 && *candidate < count)
      return static_cast<int32_t>(*candidate);
  return std::nullopt;
}

/// How tokens with U+2581 for spaces, and tokens of bytes, become a text.
void Loader::describePieces(bool startsWithSpace) {
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
std::unique_ptr<Model> Loader::createPieces() {
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

/// Byte-level tokens that merge, or those of texts that merge as these do.
std::unique_ptr<Model> Loader::createBytes() {
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
    document["decoder"] = {{"type", "ByteLevel"}};
  describeEnds(pre.addsStart, /*addsEnd=*/false, pre.alwaysStarts);
  return createBpeModel(std::move(tables));
}

/// Pieces of SentencePiece of which the likeliest are taken.
std::unique_ptr<Model> Loader::createUnigrams() {
  UnigramTables unigrams;
  for (size_t id = 0; id < given.tokens.size(); ++id) {
    double score = given.scores.empty() ? 0 : given.scores[id];
    if (std::isnan(score))
      failAt("scores", id, "is not a number");
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
    fail("precompiled_charsmap", error.what());
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
std::unique_ptr<Model> Loader::createEscaped() {
  for (size_t id = 0; id < given.tokens.size(); ++id)
    if (!unescapeBytes(given.tokens[id]))
      failAt("tokens", id,
             "is " + quote(given.tokens[id]) +
                 ", which is cut within an escape, expected \\n, \\r, \\t, "
                 "\\xHH or a character behind each \\");
  decoder = createRwkvDecoder();
  return createRwkvModel(std::move(tables.vocab),
                         special(given.unknownTokenId, std::nullopt));
}

/// Control tokens, and tokens that users have defined, are found in the text
/// before anything else.
void Loader::describeAddedTokens() {
  Json tokens = Json::array();
  for (size_t id = 0; id < given.tokens.size(); ++id) {
    int32_t type = typeOf(id);
    if (type != Unknown && type != Control && type != UserDefined)
      continue;
    auto own = static_cast<int32_t>(id);
    const std::string &content = *tables.vocab.idToToken(own);
    // Of equal tokens the last counts.
    if (tables.vocab.tokenToId(content) == own)
      tokens.push_back({{"id", static_cast<uint32_t>(own)},
                        {"content", content},
                        {"special", type != UserDefined},
                        {"normalized", false}});
  }
  document["added_tokens"] = std::move(tokens);
}

void Loader::describeEnds(bool addsStart, bool addsEnd, bool alwaysStarts) {
  bool isPieces = given.model == "llama", isUnigram = given.model == "t5";
  std::optional<int64_t> startId, endId;
  if (isPieces)
    startId = 1;
  if (isPieces || isUnigram)
    endId = isPieces ? 2 : 1;
  Json single = Json::array(), ids = Json::object();
  auto add = [&](std::string_view key, std::optional<int32_t> id) {
    if (!id)
      return;
    single.push_back({{"SpecialToken", {{"id", key}}}});
    ids[std::string(key)]["ids"] = Json::array({static_cast<uint32_t>(*id)});
  };
  auto start = special(given.bosTokenId, startId);
  auto end = special(given.eosTokenId, endId);
  if (alwaysStarts || given.addBosToken.value_or(addsStart))
    add("bos_token_id", start);
  single.push_back({{"Sequence", {{"id", "A"}}}});
  if (given.addEosToken.value_or(addsEnd))
    add("eos_token_id", end);
  document["post_processor"] = {{"type", "TemplateProcessing"},
                                {"single", single},
                                {"special_tokens", ids}};
}

GgufTokenizerParts Loader::load() {
  using Create = std::unique_ptr<Model> (Loader::*)();
  constexpr std::pair<std::string_view, Create> models[] = {
      {"llama", &Loader::createPieces}, {"gpt2", &Loader::createBytes},
      {"gemma4", &Loader::createBytes}, {"t5", &Loader::createUnigrams},
      {"rwkv", &Loader::createEscaped},
  };
  std::string supported;
  for (auto [name, create] : models) {
    supported += (supported.empty() ? "" : ", ") + quote(name);
    if (given.model != name)
      continue;
    checkSizes();
    readTypes();
    readTokens();
    describeAddedTokens();
    std::unique_ptr<Model> model = (this->*create)();
    return {std::move(model), std::move(decoder), std::move(document)};
  }
  fail("model", "is " + quote(given.model) + ", supported: " + supported);
}

GgufTokenizerParts loadGgufTokenizer(const GgufVocabulary &vocabulary) {
  return Loader(vocabulary).load();
}

} // namespace marimba::rt::text
