//===- GgufTokens.cpp - A tokenizer.json as GGUF's keys -------------------===//

#include "marimba/GgufTokens.h"

#include "Field.h"
#include "GgufPreTokenizers.h"
#include "GgufTokenTypes.h"

#include <algorithm>
#include <unordered_map>

namespace marimba::rt {

using namespace text;

namespace {

class TokensReader {
public:
  TokensReader(const Json &document, int64_t vocabSize)
      : document(document), model(document.at("model")), size(vocabSize) {}

  GgufTokens run();

private:
  void readVocabulary();
  void readMerges();
  void readPieces();

  const Json &document, &model;
  int64_t size;
  GgufTokens result;
  std::vector<std::pair<std::string, std::string>> pairs;
};

} // namespace

/// The member, or null where there is none.
static const Json &memberOf(const Json &object, const char *name) {
  static const Json none;
  auto it = object.is_object() ? object.find(name) : object.end();
  return object.is_object() && it != object.end() ? *it : none;
}

static bool isTrue(const Json &object, const char *name) {
  return memberOf(object, name) == true;
}

static bool isByte(std::string_view token) {
  return token.size() == 6 && token.starts_with("<0x") && token.ends_with(">");
}

/// Whether `stages`, one or a Sequence, have one of this type; `list` is the
/// Sequence's member.
static const Json *findStage(const Json &stages, std::string_view type,
                             const char *list) {
  if (memberOf(stages, "type") == type)
    return &stages;
  for (const Json &stage : memberOf(stages, list))
    if (const Json *found = findStage(stage, type, list))
      return found;
  return nullptr;
}

void TokensReader::readVocabulary() {
  auto place = [&](int64_t id) {
    if (id < 0 || id >= size)
      throw FieldError("token " + std::to_string(id) +
                       " is beyond the model's vocabulary of " +
                       std::to_string(size));
    return static_cast<size_t>(id);
  };
  for (int64_t id = 0; id < size; ++id)
    result.tokens.push_back("[PAD" + std::to_string(id) + "]");
  result.tokenType.assign(static_cast<size_t>(size), Unused);
  for (const auto &[token, id] : model.at("vocab").items()) {
    size_t at = place(id.get<int64_t>());
    result.tokens[at] = token;
    result.tokenType[at] = Normal;
  }
  for (const Json &added : memberOf(document, "added_tokens")) {
    size_t at = place(added.at("id").get<int64_t>());
    result.tokens[at] = added.at("content").get<std::string>();
    result.tokenType[at] = isTrue(added, "special") ? Control : UserDefined;
  }
  const Json &unknown = memberOf(model, "unk_token");
  if (!unknown.is_string())
    return;
  auto it = std::ranges::find(result.tokens, unknown.get<std::string>());
  if (it != result.tokens.end())
    result.unknownTokenId = it - result.tokens.begin();
}

void TokensReader::readMerges() {
  for (const Json &merge : model.at("merges")) {
    std::string left, right;
    if (merge.is_array()) {
      left = merge.at(0).get<std::string>();
      right = merge.at(1).get<std::string>();
    } else {
      auto text = merge.get<std::string>();
      size_t space = text.find(' ', 1);
      if (space == std::string::npos)
        throw FieldError("model.merges: '" + text + "' is no pair");
      left = text.substr(0, space);
      right = text.substr(space + 1);
    }
    pairs.emplace_back(std::move(left), std::move(right));
  }
}

/// A vocabulary of SentencePiece has scores instead of merges: the sooner a
/// pair is merged the higher is what it makes.
void TokensReader::readPieces() {
  result.model = "llama";
  std::unordered_map<std::string, float> scores;
  float rank = 0;
  for (const auto &[left, right] : pairs)
    scores.try_emplace(left + right, -rank++);
  // Nothing is merged to the others.
  constexpr float unmade = -1e6f;
  for (size_t id = 0; id < result.tokens.size(); ++id) {
    auto it = scores.find(result.tokens[id]);
    result.scores.push_back(it == scores.end() ? unmade : it->second);
    if (isByte(result.tokens[id]))
      result.tokenType[id] = Byte;
  }
  if (result.unknownTokenId)
    result.tokenType[static_cast<size_t>(*result.unknownTokenId)] = Unknown;
  const Json *space = findStage(memberOf(document, "pre_tokenizer"),
                                "Metaspace", "pretokenizers");
  bool prepends = findStage(memberOf(document, "normalizer"), "Prepend",
                            "normalizers") != nullptr;
  if (space)
    prepends = memberOf(*space, "prepend_scheme").is_string()
                   ? memberOf(*space, "prepend_scheme") != "never"
                   : memberOf(*space, "add_prefix_space") != false;
  result.addSpacePrefix = prepends;
}

GgufTokens TokensReader::run() {
  const Json &type = memberOf(model, "type");
  if (type != "BPE" && !(type.is_null() && model.contains("merges")))
    throw FieldError("model.type is " + type.dump() + ", expected \"BPE\"");
  readVocabulary();
  readMerges();
  if (isTrue(model, "byte_fallback")) {
    readPieces();
    return std::move(result);
  }
  result.model = "gpt2";
  result.pre = findGgufPreTokenizer(memberOf(document, "normalizer"),
                                    memberOf(document, "pre_tokenizer"),
                                    isTrue(model, "ignore_merges"));
  for (const auto &[left, right] : pairs)
    result.merges.push_back(left + " " + right);
  return std::move(result);
}

std::optional<GgufTokens>
readGgufTokens(std::string_view json, int64_t vocabSize, std::string &error) {
  try {
    Json document = parseJson(json);
    return TokensReader(document, vocabSize).run();
  } catch (const std::exception &problem) { // of the JSON library, too
    error = problem.what();
    return std::nullopt;
  }
}

} // namespace marimba::rt
