//===- GgufTokenizer.cpp - Tokenizers of GGUF files -----------------------===//
//
// What is not in the file is as llama.cpp has it: which control tokens stand
// around a text, that a "llama" text begins with a space, what splits words.
//
//===----------------------------------------------------------------------===//

#include "GgufLoader.h"
#include "Unicode.h"
#include "marimba/EndTokens.h"

#include <algorithm>

namespace marimba::rt::text {

constexpr size_t maxTokens = size_t(1) << 24;

void failKey(std::string_view key, const std::string &what) {
  throw FieldError("key 'tokenizer.ggml." + std::string(key) + "' " + what);
}

void failKeyAt(std::string_view key, size_t index, const std::string &what) {
  throw FieldError("key 'tokenizer.ggml." + std::string(key) + "': element " +
                   std::to_string(index) + " " + what);
}

void GgufLoader::checkSizes() const {
  size_t count = given.tokens.size();
  if (count == 0 || count > maxTokens)
    failKey("tokens", "has " + std::to_string(count) +
                          " elements, expected 1 to " +
                          std::to_string(maxTokens));
  auto check = [&](std::string_view key, size_t size) {
    if (size != 0 && size != count)
      failKey(key, "has " + std::to_string(size) + " elements, expected " +
                       std::to_string(count) + ", one for each token");
  };
  check("token_type", given.tokenType.size());
  check("scores", given.scores.size());
}

void GgufLoader::readTypes() {
  types = given.tokenType;
  types.resize(given.tokens.size(), Normal);
  // Files that have these among their words are wrong, says llama.cpp.
  for (size_t id = 0; id < types.size(); ++id)
    if (isEndText(given.tokens[id]))
      types[id] = Control;
  // But Gemma 4 has </s> among its words, and ends its turns otherwise.
  auto find = [&](std::string_view text) {
    return std::find(given.tokens.begin(), given.tokens.end(), text);
  };
  if (auto token = find("</s>"); token != given.tokens.end() &&
                                 find("<|tool_response>") != given.tokens.end())
    types[token - given.tokens.begin()] = Normal;
}

void GgufLoader::readTokens() {
  tables.vocab.reserve(given.tokens.size());
  for (size_t id = 0; id < given.tokens.size(); ++id) {
    std::string_view token = given.tokens[id];
    if (!isValidUtf8(token))
      failKeyAt("tokens", id, "is not UTF-8");
    // As llama.cpp calls it; there may be several.
    std::string empty = "[EMPTY_" + std::to_string(id) + "]";
    tables.vocab.tryAdd(token.empty() ? empty : token,
                        static_cast<int32_t>(id));
  }
}

std::optional<int32_t>
GgufLoader::special(std::optional<int64_t> id,
                    std::optional<int64_t> otherwise) const {
  auto count = static_cast<int64_t>(given.tokens.size());
  // Files say "none" as -1 or 4294967295; llama.cpp takes all that are no
  // token's for that.
  for (std::optional<int64_t> candidate : {id, otherwise})
    if (candidate && *candidate >= 0 && *candidate < count)
      return static_cast<int32_t>(*candidate);
  return std::nullopt;
}

/// Control tokens, and tokens that users have defined, are found in the text
/// before anything else.
void GgufLoader::describeAddedTokens() {
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

void GgufLoader::describeEnds(bool addsStart, bool addsEnd, bool alwaysStarts) {
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

GgufTokenizerParts GgufLoader::load() {
  using Create = std::unique_ptr<Model> (GgufLoader::*)();
  constexpr std::pair<std::string_view, Create> models[] = {
      {"llama", &GgufLoader::createPieces}, {"gpt2", &GgufLoader::createBytes},
      {"gemma4", &GgufLoader::createBytes}, {"t5", &GgufLoader::createUnigrams},
      {"rwkv", &GgufLoader::createEscaped},
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
  failKey("model", "is " + quote(given.model) + ", supported: " + supported);
}

GgufTokenizerParts loadGgufTokenizer(const GgufVocabulary &vocabulary) {
  return GgufLoader(vocabulary).load();
}

} // namespace marimba::rt::text
