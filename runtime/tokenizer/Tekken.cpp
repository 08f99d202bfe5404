//===- Tekken.cpp - tekken.json of Mistral AI -----------------------------===//
//
// A vocabulary of bytes by rank: of the pairs of tokens side by side that make
// a token, the one of the lowest rank is merged first. Special tokens have the
// first ids.
//
//===----------------------------------------------------------------------===//

#include "BpeTables.h"
#include "Stages.h"
#include "TokenizerFiles.h"

#include <algorithm>

namespace marimba::rt::text {

/// The value of a character of base64; -1 for others.
static int base64Value(char character) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t position = digits.find(character);
  return position == digits.npos ? -1 : static_cast<int>(position);
}

std::optional<std::string> decodeBase64(std::string_view text) {
  while (text.ends_with('='))
    text.remove_suffix(1);
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (char character : text) {
    int value = base64Value(character);
    if (value < 0)
      return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes += static_cast<char>(bits >> count & 0xFF);
    }
  }
  return bytes;
}

static std::string decodeBase64(const Field &field) {
  std::string_view text = field.getString();
  if (std::optional<std::string> bytes = decodeBase64(text))
    return *bytes;
  while (text.ends_with('='))
    text.remove_suffix(1);
  field.fail("is " + quote(text) + ", expected base64");
}

namespace {

class TekkenReader {
public:
  explicit TekkenReader(const Field &document) : document(document) {}
  RankedParts read();

private:
  void readSpecial();
  void readVocab();
  void readMerges();
  std::optional<int32_t> idOf(std::string_view bytes) const {
    std::string token;
    appendByteLevel(bytes, token);
    return tables.vocab.tokenToId(token);
  }

  const Field &document;
  Json special = Json::array();
  BpeTables tables;
  /// By rank; the id is that much more than the count of special tokens.
  std::vector<std::string> tokens;
};

} // namespace

void TekkenReader::readSpecial() {
  Field list = document.at("special_tokens");
  std::vector<std::string> names;
  for (const Field &item : list.items()) {
    Field rank = item.at("rank");
    auto position = static_cast<size_t>(rank.getId());
    if (position != names.size())
      rank.fail("is " + std::to_string(position) + ", expected " +
                std::to_string(names.size()) +
                ": special tokens have ranks in their order, from 0");
    names.emplace_back(item.at("token_str").getString());
  }
  std::optional<Field> count =
      document.at("config").find("default_num_special_tokens");
  size_t size = count ? static_cast<size_t>(count->getId()) : names.size();
  if (size < names.size() || size - names.size() > (1u << 20))
    count->fail("is " + std::to_string(size) + ", but there are " +
                std::to_string(names.size()) + " special tokens");
  while (names.size() < size)
    names.push_back("<SPECIAL_" + std::to_string(names.size()) + ">");
  for (const std::string &name : names) {
    auto id = static_cast<int32_t>(special.size());
    tables.vocab.add(list, name, id);
    special.push_back({{"id", static_cast<uint32_t>(id)},
                       {"content", name},
                       {"special", true}});
  }
}

void TekkenReader::readVocab() {
  Field list = document.at("vocab");
  std::vector<Field> items = list.items();
  // What is above is not used by any model.
  if (auto size = document.at("config").find("default_vocab_size")) {
    auto all = static_cast<size_t>(size->getId());
    if (all < special.size())
      size->fail("is " + std::to_string(all) + ", but there are " +
                 std::to_string(special.size()) + " special tokens");
    items.resize(std::min(items.size(), all - special.size()), document);
  }
  for (const Field &item : items) {
    tokens.push_back(decodeBase64(item.at("token_bytes")));
    if (tokens.back().empty())
      item.at("token_bytes").fail("is empty, expected a token");
    std::string token;
    appendByteLevel(tokens.back(), token);
    tables.vocab.add(list, token,
                     static_cast<int32_t>(special.size() + tokens.size() - 1));
  }
}

/// All ways to put each token together from two, as merges.
void TekkenReader::readMerges() {
  auto first = static_cast<int32_t>(special.size());
  for (size_t rank = 0; rank < tokens.size(); ++rank) {
    std::string_view token = tokens[rank];
    std::vector<std::pair<int32_t, int32_t>> pairs;
    for (size_t cut = 1; cut < token.size(); ++cut) {
      auto left = idOf(token.substr(0, cut)), right = idOf(token.substr(cut));
      if (left && right && *left >= first && *right >= first)
        pairs.emplace_back(*left, *right);
    }
    std::sort(pairs.begin(), pairs.end());
    for (auto [left, right] : pairs)
      tables.merges.add(left, right, first + static_cast<int32_t>(rank));
  }
}

RankedParts TekkenReader::read() {
  readSpecial();
  readVocab();
  readMerges();
  tables.ignoreMerges = true;
  Field pattern = document.at("config").at("pattern");
  Json stages = {{"added_tokens", special},
                 {"pre_tokenizer",
                  {{"type", "Sequence"},
                   {"pretokenizers",
                    {{{"type", "Split"},
                      {"pattern", {{"Regex", pattern.getString()}}},
                      {"behavior", "Isolated"}},
                     {{"type", "ByteLevel"},
                      {"add_prefix_space", false},
                      {"use_regex", false}}}}}},
                 {"decoder", {{"type", "ByteLevel"}}}};
  return {createBpeModel(std::move(tables)), std::move(stages)};
}

RankedParts loadTekken(const Field &document) {
  return TekkenReader(document).read();
}

} // namespace marimba::rt::text
