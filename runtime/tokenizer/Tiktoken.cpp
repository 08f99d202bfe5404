//===- Tiktoken.cpp - tiktoken.model of Moonshot AI -----------------------===//
//
// A vocabulary of bytes by rank, as tiktoken has it: a line for each token, its
// bytes in base64 and its rank. What splits words and how the tokens behind
// these are numbered is in the code beside such a file, tokenization_kimi.py.
//
//===----------------------------------------------------------------------===//

#include "BpeTables.h"
#include "GgufPreTokenizers.h"
#include "Stages.h"
#include "TokenizerFiles.h"

#include <charconv>
#include <map>

namespace marimba::rt::text {

/// The most tokens of the file, and those that follow them.
constexpr size_t kMostTokens = size_t(1) << 22, kReservedTokens = 258;

namespace {

class TiktokenReader {
public:
  TiktokenReader(std::string_view contents, const TokenizerConfig &config)
      : contents(contents), config(config) {}
  RankedParts read();

private:
  void readTokens();
  void readMerges();
  void nameReserved();

  std::string_view contents;
  const TokenizerConfig &config;
  std::vector<std::string> tokens;
  BpeTables tables;
  Json reserved = Json::array(); // those without a name
};

} // namespace

void TiktokenReader::readTokens() {
  for (std::string_view rest = contents; !rest.empty();) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    if (line.empty())
      continue;
    std::string where = "line " + std::to_string(tokens.size() + 1);
    size_t space = line.find(' ');
    std::string_view number = line.substr(std::min(space, line.size() - 1) + 1);
    std::optional<std::string> bytes = decodeBase64(line.substr(0, space));
    size_t rank = 0;
    auto [stop, code] =
        std::from_chars(number.data(), number.data() + number.size(), rank);
    if (space == line.npos || !bytes || bytes->empty() || code != std::errc() ||
        stop != number.data() + number.size())
      throw FieldError(where + " is " + quote(line) +
                       ", expected a token in base64 and its rank");
    if (rank != tokens.size() || rank >= kMostTokens)
      throw FieldError(where + " has the rank " + std::to_string(rank) +
                       ", expected " + std::to_string(tokens.size()));
    std::string spelled;
    appendByteLevel(*bytes, spelled);
    if (tables.vocab.tokenToId(spelled))
      throw FieldError(where + " has a token that an earlier line has");
    tables.vocab.tryAdd(spelled, static_cast<int32_t>(rank));
    tokens.push_back(std::move(*bytes));
  }
  if (tokens.empty())
    throw FieldError("has no tokens");
}

/// All ways to put each token together from two, as merges: the two that make
/// the token of the lowest rank merge first, the leftmost of equal ones.
void TiktokenReader::readMerges() {
  auto idOf = [&](std::string_view bytes) {
    std::string token;
    appendByteLevel(bytes, token);
    return tables.vocab.tokenToId(token);
  };
  for (size_t rank = 0; rank < tokens.size(); ++rank) {
    std::string_view token = tokens[rank];
    for (size_t cut = 1; cut < token.size(); ++cut) {
      auto left = idOf(token.substr(0, cut)), right = idOf(token.substr(cut));
      if (left && right)
        tables.merges.add(*left, *right, static_cast<int32_t>(rank),
                          static_cast<uint32_t>(rank));
    }
  }
}

/// The tokens behind those of the file have the names that
/// added_tokens_decoder gives to their ids, or none.
void TiktokenReader::nameReserved() {
  std::map<int32_t, const std::string *> names;
  for (const AddedToken &token : config.tokens)
    names[token.id] = &token.content;
  for (size_t i = 0; i < kReservedTokens; ++i) {
    auto id = static_cast<int32_t>(tokens.size() + i);
    auto named = names.find(id);
    std::string name = named != names.end()
                           ? *named->second
                           : "<|reserved_token_" + std::to_string(id) + "|>";
    // A name that a token has already is that token's.
    if (tables.vocab.tokenToId(name))
      continue;
    tables.vocab.tryAdd(name, id);
    if (named != names.end())
      continue;
    reserved.push_back({{"id", static_cast<uint32_t>(id)},
                        {"content", name},
                        {"special", true}});
  }
}

RankedParts TiktokenReader::read() {
  readTokens();
  readMerges();
  nameReserved();
  tables.ignoreMerges = true;
  Json document = {
      {"added_tokens", reserved},
      {"pre_tokenizer", createGgufPreTokenizer("kimi-k2").preTokenizer},
      {"decoder", {{"type", "ByteLevel"}}}};
  return {createBpeModel(std::move(tables)), std::move(document)};
}

RankedParts loadTiktoken(std::string_view contents,
                         const TokenizerConfig &config) {
  // Others have other expressions, which the file does not hold.
  if (config.className != "TikTokenTokenizer")
    throw FieldError("belongs to the class " + quote(config.className) +
                     " (tokenizer_config.json), which may split words "
                     "otherwise; supported: \"TikTokenTokenizer\"");
  return TiktokenReader(contents, config).read();
}

} // namespace marimba::rt::text
