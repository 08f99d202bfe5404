//===- GgufTokenizer.cpp - The tokenizer inside a GGUF file ---------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/GgufTokenizer.h"
#include "importer/Gguf.h"

#include "marimba/GgufVocabulary.h"
#include "marimba/Tokenizer.h"
#include "llvm/Support/MathExtras.h"

using namespace marimba;
using namespace llvm;
using mlir::marimba::GgufFile;

static constexpr StringLiteral kTokens = "tokenizer.ggml.tokens";

namespace {

/// Reads keys, each of one type, where the file has them.
class Reader {
public:
  Reader(const GgufFile &file, std::string &error) : file(file), error(error) {}

  /// Nothing, with the error set, where a key is of another type.
  std::optional<rt::GgufVocabulary> run();

private:
  /// What `get` gives for `key`; the first that is of another type than
  /// `expected` says is the error.
  template <typename GetT>
  auto read(StringRef key, StringRef expected, const GetT &get)
      -> decltype(get(key)) {
    auto value = get(key);
    if (!value && file.find(key) && error.empty())
      error =
          (file.file() + ": " + file.describe(key) + ", expected " + expected)
              .str();
    return value;
  }
  std::string_view readString(StringRef key) {
    auto text = read(key, "a string",
                     [&](StringRef key) { return file.getString(key); });
    return text.value_or("");
  }
  std::vector<std::string_view> readStrings(StringRef key) {
    auto texts = read(key, "an array of strings",
                      [&](StringRef key) { return file.getStrings(key); });
    return texts ? std::vector<std::string_view>(texts->begin(), texts->end())
                 : std::vector<std::string_view>();
  }
  std::optional<int64_t> readTokenId(StringRef key) {
    return read(key, "a token id",
                [&](StringRef key) { return file.getTokenId(key); });
  }
  std::optional<bool> readBool(StringRef key) {
    return read(key, "a boolean",
                [&](StringRef key) { return file.getBool(key); });
  }

  const GgufFile &file;
  std::string &error;
};

} // namespace

std::optional<rt::GgufVocabulary> Reader::run() {
  rt::GgufVocabulary result;
  result.model = readString("tokenizer.ggml.model");
  result.pre = readString("tokenizer.ggml.pre");
  result.tokens = readStrings(kTokens);
  auto types = read("tokenizer.ggml.token_type", "an array of integers",
                    [&](StringRef key) { return file.getIntegers(key); });
  // Types that do not fit are none that we know, as others are.
  if (types)
    for (int64_t type : *types)
      result.tokenType.push_back(isInt<32>(type) ? int32_t(type) : 0);
  auto scores = read("tokenizer.ggml.scores", "an array of numbers",
                     [&](StringRef key) { return file.getNumbers(key); });
  if (scores)
    result.scores = std::move(*scores);
  StringRef merges = "tokenizer.ggml.merges";
  result.merges = readStrings(merges);
  // An empty list says that there are none; no list that something is amiss.
  if (error.empty() && result.model == "gpt2" && !file.find(merges))
    error = (file.file() + ": " + file.describe(merges) +
             ", expected the merges of a \"gpt2\" vocabulary")
                .str();
  result.bosTokenId = readTokenId("tokenizer.ggml.bos_token_id");
  result.eosTokenId = readTokenId("tokenizer.ggml.eos_token_id");
  result.unknownTokenId = readTokenId("tokenizer.ggml.unknown_token_id");
  result.addBosToken = readBool("tokenizer.ggml.add_bos_token");
  result.addEosToken = readBool("tokenizer.ggml.add_eos_token");
  result.addSpacePrefix = readBool("tokenizer.ggml.add_space_prefix");
  if (!error.empty())
    return std::nullopt;
  return result;
}

/// Sets `error` to the first message where that fails, and empties it before.
static mlir::FailureOr<GgufFile> openFile(StringRef path, std::string &error) {
  error.clear();
  return GgufFile::open(path, path, [&](const Twine &message) {
    if (error.empty())
      error = message.str();
  });
}

bool marimba::hasGgufTokenizer(StringRef path) {
  auto file = GgufFile::open(path, path, [](const Twine &) {});
  return succeeded(file) && file->find(kTokens);
}

std::unique_ptr<rt::Tokenizer> marimba::loadGgufTokenizer(StringRef path,
                                                          std::string &error) {
  auto file = openFile(path, error);
  if (failed(file))
    return nullptr;
  if (!file->find(kTokens)) {
    error = (path + ": has no tokenizer (" + file->describe(kTokens) +
             "); --ids takes token ids instead of text where a command has it")
                .str();
    return nullptr;
  }
  std::optional<rt::GgufVocabulary> vocabulary = Reader(*file, error).run();
  if (!vocabulary)
    return nullptr;
  return rt::Tokenizer::build(*vocabulary, path.str(), error);
}

std::optional<std::string> marimba::ggufVocabularyText(StringRef path,
                                                       std::string &error) {
  auto file = openFile(path, error);
  if (failed(file))
    return std::nullopt;
  if (!file->find(kTokens))
    return std::string();
  std::optional<rt::GgufVocabulary> vocabulary = Reader(*file, error).run();
  if (!vocabulary)
    return std::nullopt;
  std::optional<std::string> text = rt::vocabularyText(*vocabulary, error);
  if (!text)
    error = (path + ": " + error).str();
  // What it says is bad is so for everybody who would load it.
  else if (!rt::buildTokenizer(*text, path.str(), error))
    return std::nullopt;
  return text;
}
