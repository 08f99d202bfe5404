//===- GgufVocabulary.cpp - The tokenizer of a GGUF file, as JSON ---------===//

#include "marimba/GgufVocabulary.h"

#include "Field.h"
#include "marimba/Tokenizer.h"
#include "marimba/formats/JsonText.h"

#include <algorithm>
#include <limits>

namespace marimba::rt {

using text::Field;
using text::FieldError;
using text::Json;

namespace {

template <typename T> Json optionalJson(const std::optional<T> &value) {
  return value ? Json(*value) : Json(nullptr);
}

std::vector<std::string_view> strings(const Field &field) {
  std::vector<std::string_view> result;
  for (const Field &item : field.items())
    result.push_back(item.getString());
  return result;
}

std::optional<int64_t> id(const Field &field, const char *key) {
  std::optional<Field> member = field.find(key);
  if (!member)
    return std::nullopt;
  if (!member->json().is_number_integer())
    member->failType("an integer");
  // What no int64_t holds is no id; its range: Tokenizer::build().
  return integerIn(member->json(), INT64_MIN).value_or(INT64_MAX);
}

std::optional<bool> flag(const Field &field, const char *key) {
  if (std::optional<Field> member = field.find(key))
    return member->getBool();
  return std::nullopt;
}

/// As two hexadecimal digits a byte.
std::string hexText(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (unsigned char byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

/// Of hexText().
std::string bytes(const Field &field) {
  std::string_view text = field.getString();
  auto digit = [&](char c) {
    if (c >= '0' && c <= '9')
      return c - '0';
    if (c >= 'a' && c <= 'f')
      return c - 'a' + 10;
    field.fail("is not written in the digits 0 to 9 and a to f");
  };
  if (text.size() % 2 != 0)
    field.fail("has " + std::to_string(text.size()) +
               " digits, expected an even number");
  std::string result;
  result.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size(); i += 2)
    result += static_cast<char>(digit(text[i]) << 4 | digit(text[i + 1]));
  return result;
}

/// Views into the document.
GgufVocabulary readVocabulary(const Field &root) {
  GgufVocabulary result;
  result.model = root.at("model").getString();
  result.pre = root.at("pre").getString();
  result.tokens = strings(root.at("tokens"));
  for (const Field &type : root.at("token_type").items())
    result.tokenType.push_back(type.getId());
  for (const Field &score : root.at("scores").items()) {
    if (!score.json().is_number())
      score.failType("a number");
    result.scores.push_back(score.json().get<double>());
  }
  result.merges = strings(root.at("merges"));
  result.bosTokenId = id(root, "bos_token_id");
  result.eosTokenId = id(root, "eos_token_id");
  result.unknownTokenId = id(root, "unknown_token_id");
  result.addBosToken = flag(root, "add_bos_token");
  result.addEosToken = flag(root, "add_eos_token");
  result.addSpacePrefix = flag(root, "add_space_prefix");
  result.removeExtraWhitespaces = flag(root, "remove_extra_whitespaces");
  if (std::optional<Field> map = root.find("precompiled_charsmap"))
    result.precompiledCharsmap = bytes(*map);
  return result;
}

} // namespace

std::optional<std::string> vocabularyText(const GgufVocabulary &vocabulary,
                                          std::string &error) {
  // JSON has no infinities. Scores are compared, not added.
  constexpr double most = std::numeric_limits<double>::max();
  std::vector<double> scores = vocabulary.scores;
  for (double &score : scores)
    score = std::clamp(score, -most, most);
  std::vector<int32_t> types = vocabulary.tokenType;
  for (int32_t &type : types)
    type = std::clamp(type, 0, 7); // past those that are known all are alike
  Json json = {
      {"model", vocabulary.model},
      {"pre", vocabulary.pre},
      {"tokens", vocabulary.tokens},
      {"token_type", types},
      {"scores", scores},
      {"merges", vocabulary.merges},
      {"bos_token_id", optionalJson(vocabulary.bosTokenId)},
      {"eos_token_id", optionalJson(vocabulary.eosTokenId)},
      {"unknown_token_id", optionalJson(vocabulary.unknownTokenId)},
      {"add_bos_token", optionalJson(vocabulary.addBosToken)},
      {"add_eos_token", optionalJson(vocabulary.addEosToken)},
      {"add_space_prefix", optionalJson(vocabulary.addSpacePrefix)},
      {"remove_extra_whitespaces",
       optionalJson(vocabulary.removeExtraWhitespaces)},
      {"precompiled_charsmap", hexText(vocabulary.precompiledCharsmap)},
  };
  try {
    return json.dump() + "\n";
  } catch (const Json::exception &) {
    error = "a token is not UTF-8";
    return std::nullopt;
  }
}

std::unique_ptr<Tokenizer> buildTokenizer(std::string_view text,
                                          std::string_view name,
                                          std::string &error) {
  try {
    Json json = text::parseJson(text);
    return Tokenizer::build(readVocabulary(Field(json)), name, error);
  } catch (const std::exception &exception) {
    error = std::string(name) + ": " + exception.what();
    return nullptr;
  }
}

} // namespace marimba::rt
