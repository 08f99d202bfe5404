//===- GgufTokenizerKeys.cpp - A directory's tokenizer as keys ------------===//
//
// Part of Marimba. https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
//
//===----------------------------------------------------------------------===//

#include "tools/quantize/GgufTokenizerKeys.h"

#include "tools/libmarimba/ModelFiles.h"

#include "importer/hub/Json.h"
#include "marimba/GgufTokens.h"
#include "marimba/GgufVocabulary.h"
#include "marimba/InputFile.h"
#include "marimba/Tokenizer.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

using namespace marimba;
using namespace llvm;
using mlir::marimba::GgufMetadata;
using mlir::marimba::ModelInfo;

static constexpr StringLiteral kPrefix = "tokenizer.ggml.";

static std::string pathIn(StringRef directory, StringRef file) {
  SmallString<256> full(directory);
  sys::path::append(full, file);
  return full.str().str();
}

/// What a text begins and ends with.
struct Surroundings {
  std::optional<int64_t> start; // the tokenizer's; the config may name another
  bool end = false;
};

static Surroundings surroundingsOf(const rt::Tokenizer &tokenizer,
                                   ArrayRef<rt::EndToken> ends) {
  std::vector<int32_t> with = tokenizer.encode("a");
  std::vector<int32_t> without = tokenizer.encode("a", false);
  Surroundings result;
  if (with.size() <= without.size())
    return result;
  if (without.empty() || with.front() != without.front())
    result.start = with.front();
  result.end = !ends.empty() && with.back() == ends.front().id;
  return result;
}

/// The tokenizer that the keys describe.
static std::unique_ptr<rt::Tokenizer> rebuild(const rt::GgufTokens &tokens,
                                              const Surroundings &around,
                                              std::optional<int64_t> start,
                                              std::optional<int64_t> end,
                                              std::string &error) {
  rt::GgufVocabulary vocabulary;
  vocabulary.model = tokens.model;
  vocabulary.pre = tokens.pre;
  vocabulary.tokens.assign(tokens.tokens.begin(), tokens.tokens.end());
  vocabulary.merges.assign(tokens.merges.begin(), tokens.merges.end());
  vocabulary.tokenType.assign(tokens.tokenType.begin(), tokens.tokenType.end());
  vocabulary.scores.assign(tokens.scores.begin(), tokens.scores.end());
  vocabulary.bosTokenId = start;
  vocabulary.eosTokenId = end;
  vocabulary.unknownTokenId = tokens.unknownTokenId;
  vocabulary.addBosToken = around.start.has_value();
  vocabulary.addEosToken = around.end;
  vocabulary.addSpacePrefix = tokens.addSpacePrefix;
  return rt::Tokenizer::build(vocabulary, "tokenizer.json", error);
}

/// Texts in which tokenizers differ.
static constexpr StringLiteral kTexts[] = {
    "The quick brown fox jumps over the lazy dog.",
    " Once upon a time, there  was   a lit\ttle\n\n girl; she'd 1234567 toys!",
    "I'LL sum: 3.14 + 2e-5 = x_1?\r\n    return f(x) {  }\n",
    "Gr\xc3\xb6\xc3\x9f"
    "e, na\xc3\xafve caf\xc3\xa9, \xd0\xbc\xd0\xb8\xd1\x80, "
    "\xe4\xbd\xa0\xe5\xa5\xbd\xe4\xb8\x96\xe7\x95\x8c, \xf0\x9f\x98\x80 "
    "e\xcc\x81",
};

/// chat_template.jinja, or `chat_template` of tokenizer_config.json.
static std::optional<std::string> readTemplate(StringRef modelDir) {
  std::string problem, file = pathIn(modelDir, "chat_template.jinja");
  if (rt::isThere(file))
    return rt::readWhole(file, rt::kLongestText, problem);
  StringRef config = "tokenizer_config.json";
  auto fields =
      mlir::marimba::readJsonFile(pathIn(modelDir, config), config,
                                  rt::kLongestText, {}, [](const Twine &) {});
  if (mlir::failed(fields))
    return std::nullopt;
  if (std::optional<StringRef> text = fields->getString("chat_template"))
    return text->str();
  return std::nullopt;
}

namespace {

class Adder {
public:
  Adder(StringRef modelDir, const ModelInfo &info, GgufMetadata &metadata)
      : modelDir(modelDir), info(info), metadata(metadata),
        startId(info.bosId) {}

  /// Whether the keys say it all; `problem` is why they do not.
  bool addTokens(const rt::Tokenizer &tokenizer, ArrayRef<rt::EndToken> ends,
                 std::string &problem);
  void addIds(ArrayRef<rt::EndToken> ends);

private:
  std::string key(StringRef name) const { return (kPrefix + name).str(); }

  StringRef modelDir;
  const ModelInfo &info;
  GgufMetadata &metadata;
  std::optional<int64_t> startId;
};

} // namespace

bool Adder::addTokens(const rt::Tokenizer &tokenizer,
                      ArrayRef<rt::EndToken> ends, std::string &problem) {
  StringRef file = "tokenizer.json";
  if (tokenizerFile(modelDir) != file) {
    problem = "only a tokenizer.json can be written as keys of GGUF";
    return false;
  }
  std::optional<std::string> text =
      rt::readWhole(pathIn(modelDir, file), rt::kLongestText, problem);
  std::optional<rt::GgufTokens> tokens;
  if (text)
    tokens = rt::readGgufTokens(*text, info.vocabSize, problem);
  if (!tokens)
    return false;
  Surroundings around = surroundingsOf(tokenizer, ends);
  startId = around.start ? around.start : info.bosId;
  std::optional<int64_t> end;
  if (!ends.empty())
    end = ends.front().id;
  auto other = rebuild(*tokens, around, startId, end, problem);
  if (!other)
    return false;
  for (StringRef each : kTexts)
    if (tokenizer.encode(each) != other->encode(each)) {
      problem = "in a GGUF file it would read \"" + each.take_front(24).str() +
                "...\" as other tokens";
      return false;
    }
  metadata.setString(key("model"), tokens->model);
  if (!tokens->pre.empty())
    metadata.setString(key("pre"), tokens->pre);
  metadata.setStrings(key("tokens"), tokens->tokens);
  metadata.setIntegers(key("token_type"), tokens->tokenType);
  if (tokens->model == "gpt2")
    metadata.setStrings(key("merges"), tokens->merges);
  else
    metadata.setReals(key("scores"), tokens->scores);
  if (tokens->unknownTokenId)
    metadata.setInteger(key("unknown_token_id"), *tokens->unknownTokenId);
  metadata.setBool(key("add_bos_token"), around.start.has_value());
  metadata.setBool(key("add_eos_token"), around.end);
  if (tokens->addSpacePrefix)
    metadata.setBool(key("add_space_prefix"), *tokens->addSpacePrefix);
  if (std::optional<std::string> chat = readTemplate(modelDir))
    metadata.setString("tokenizer.chat_template", *chat);
  return true;
}

void Adder::addIds(ArrayRef<rt::EndToken> ends) {
  if (startId)
    metadata.setInteger(key("bos_token_id"), *startId);
  // The first ends a text; another one, an answer.
  constexpr StringLiteral names[] = {"eos_token_id", "eot_token_id",
                                     "eom_token_id"};
  for (auto [name, end] : zip(names, ends))
    metadata.setInteger(key(name), end.id);
  if (info.padId)
    metadata.setInteger(key("padding_token_id"), *info.padId);
}

bool marimba::addTokenizerKeys(StringRef modelDir, const ModelInfo &info,
                               GgufMetadata &metadata,
                               std::vector<std::string> &notes,
                               std::string &error) {
  std::unique_ptr<rt::Tokenizer> tokenizer;
  if (hasTokenizer(modelDir)) {
    tokenizer = loadTokenizer(modelDir, error);
    if (!tokenizer)
      return false;
  }
  auto ends = endTokens(modelDir, info.eosIds, tokenizer.get(), error);
  if (!ends)
    return false;
  Adder adder(modelDir, info, metadata);
  std::string problem;
  if (!tokenizer || !adder.addTokens(*tokenizer, *ends, problem)) {
    metadata.setString((kPrefix + "model").str(), "none");
    if (!problem.empty())
      notes.push_back((tokenizerFile(modelDir) + ": " + problem +
                       ": the new file has no tokenizer")
                          .str());
  }
  adder.addIds(*ends);
  return true;
}
