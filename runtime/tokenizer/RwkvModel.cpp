//===- RwkvModel.cpp - The tokenizer of RWKV World ------------------------===//

#include "RwkvModel.h"

#include "ByteTrie.h"
#include "TokenBytesStream.h"

#include <algorithm>

namespace marimba::rt::text {

static std::optional<int> hexDigit(char digit) {
  if (digit >= '0' && digit <= '9')
    return digit - '0';
  char small = static_cast<char>(digit | 0x20);
  if (small >= 'a' && small <= 'f')
    return small - 'a' + 10;
  return std::nullopt;
}

std::optional<std::string> unescapeBytes(std::string_view token) {
  std::string bytes;
  bytes.reserve(token.size());
  for (size_t i = 0; i < token.size(); ++i) {
    if (token[i] != '\\') {
      bytes += token[i];
      continue;
    }
    if (++i == token.size())
      return std::nullopt;
    switch (token[i]) {
    case 't':
      bytes += '\t';
      break;
    case 'n':
      bytes += '\n';
      break;
    case 'r':
      bytes += '\r';
      break;
    case 'x': {
      if (i + 2 >= token.size())
        return std::nullopt;
      auto high = hexDigit(token[i + 1]), low = hexDigit(token[i + 2]);
      if (!high || !low)
        return std::nullopt;
      bytes += static_cast<char>(*high << 4 | *low);
      i += 2;
      break;
    }
    default: // a quote, or the backslash itself
      bytes += token[i];
    }
  }
  return bytes;
}

namespace {

class RwkvModel : public VocabModel {
public:
  RwkvModel(Vocab given, std::optional<int32_t> unknownId)
      : vocab(std::move(given)), unknownId(unknownId) {
    // Of equal ones the last counts.
    for (int32_t id = 0; id < vocab.idLimit(); ++id)
      if (const std::string *token = vocab.idToToken(id))
        trie.insert(unescapeBytes(*token).value_or("")) = id;
  }

  void tokenize(std::string_view word,
                std::vector<int32_t> &ids) const override {
    while (!word.empty()) {
      size_t longest = 0;
      int32_t found = 0;
      trie.forEachPrefix(word, [&](size_t length, int32_t id) {
        longest = length;
        found = id;
      });
      if (longest > 0)
        ids.push_back(found);
      else if (unknownId)
        ids.push_back(*unknownId);
      word.remove_prefix(std::max<size_t>(longest, 1));
    }
  }

private:
  const Vocab &tokens() const override { return vocab; }

  Vocab vocab;
  std::optional<int32_t> unknownId;
  ByteTrie<int32_t> trie;
};

class RwkvDecoder : public Decoder {
public:
  std::unique_ptr<DecodeStream> start() const override {
    return std::make_unique<TokenBytesStream>(*this);
  }
  std::string tokenBytes(std::string_view token) const override {
    return unescapeBytes(token).value_or(std::string(token));
  }
};

} // namespace

std::unique_ptr<Model> createRwkvModel(Vocab vocab,
                                       std::optional<int32_t> unknownId) {
  return std::make_unique<RwkvModel>(std::move(vocab), unknownId);
}

std::unique_ptr<Decoder> createRwkvDecoder() {
  return std::make_unique<RwkvDecoder>();
}

} // namespace marimba::rt::text
