//===- GgufTokenizer.cpp - The tokenizer inside a GGUF file ---------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/GgufTokenizer.h"
#include "importer/gguf/Gguf.h"

#include "marimba/GgufVocabulary.h"
#include "marimba/Tokenizer.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace marimba;
using namespace llvm;
using mlir::marimba::GgufFile;
using mlir::marimba::GgufType;
using mlir::marimba::GgufValue;

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

  std::string_view readBytes(StringRef key) {
    auto get = [&](StringRef key) -> std::optional<StringRef> {
      const GgufValue *value = file.find(key);
      bool isBytes = value && value->isArray &&
                     (value->type == GgufType::UInt8 ||
                      value->type == GgufType::Int8 || value->count == 0);
      return isBytes ? std::optional(value->bytes) : std::nullopt;
    };
    return read(key, "an array of bytes", get).value_or("");
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
  if (error.empty() && (result.model == "gpt2" || result.model == "gemma4") &&
      !file.find(merges))
    error = (file.file() + ": " + file.describe(merges) +
             ", expected the merges of a \"" + StringRef(result.model) +
             "\" vocabulary")
                .str();
  result.bosTokenId = readTokenId("tokenizer.ggml.bos_token_id");
  result.eosTokenId = readTokenId("tokenizer.ggml.eos_token_id");
  result.unknownTokenId = readTokenId("tokenizer.ggml.unknown_token_id");
  result.addBosToken = readBool("tokenizer.ggml.add_bos_token");
  result.addEosToken = readBool("tokenizer.ggml.add_eos_token");
  result.addSpacePrefix = readBool("tokenizer.ggml.add_space_prefix");
  result.removeExtraWhitespaces =
      readBool("tokenizer.ggml.remove_extra_whitespaces");
  if (result.model == "t5")
    result.precompiledCharsmap =
        readBytes("tokenizer.ggml.precompiled_charsmap");
  if (!error.empty())
    return std::nullopt;
  return result;
}

/// Sets `error` to the first message where that fails, and empties it before.
static mlir::FailureOr<GgufFile> openFile(StringRef path, std::string &error) {
  error.clear();
  return GgufFile::open(
      path, path,
      [&](const Twine &message) {
        if (error.empty())
          error = message.str();
      },
      mlir::marimba::GgufParts::First);
}

/// Of a file in several parts the keys are in the first.
static mlir::FailureOr<GgufFile> openQuietly(StringRef path) {
  std::string ignored;
  return openFile(path, ignored);
}

bool marimba::hasGgufTokenizer(StringRef path) {
  auto file = openQuietly(path);
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

static constexpr StringLiteral kPrefix = "tokenizer.ggml.";

/// The id that the key names; where it names none, or no token's, llama.cpp's
/// default for vocabularies of SentencePiece, `otherwise`.
static std::optional<int32_t>
readId(const GgufFile &file, StringRef name,
       std::optional<int32_t> otherwise = std::nullopt) {
  std::string key = (kPrefix + name).str();
  const GgufValue *value = file.find(key), *tokens = file.find(kTokens);
  std::optional<int64_t> id = file.getTokenId(key);
  if (value && !id) // a list, for one
    return std::nullopt;
  int64_t count =
      tokens && tokens->isArray ? int64_t(tokens->count) : INT32_MAX;
  if (id && *id >= 0 && *id < count)
    return static_cast<int32_t>(*id);
  bool isPieces = file.getString("tokenizer.ggml.model") == "llama";
  return isPieces ? otherwise : std::nullopt;
}

static std::vector<rt::EndToken> readEnds(const GgufFile &file) {
  std::vector<rt::EndToken> ends;
  auto add = [&](std::optional<int64_t> id, StringRef name) {
    if (id && none_of(ends, [&](const auto &end) { return end.id == *id; }))
      ends.push_back({static_cast<int32_t>(*id), (kPrefix + name).str()});
  };
  add(readId(file, "eos_token_id", 2), "eos_token_id");
  for (StringRef name : {"eot_token_id", "eom_token_id", "fim_pad_token_id",
                         "fim_rep_token_id", "fim_sep_token_id"})
    add(readId(file, name), name);
  // Of other programs' files, lists.
  for (StringRef name : {"eos_token_id", "eos_token_ids"})
    if (auto list = file.getTokenIds((kPrefix + name).str()))
      for (int64_t id : *list)
        if (id >= 0 && id < INT32_MAX)
          add(id, name);
  return ends;
}

std::vector<rt::EndToken> marimba::ggufEnds(StringRef path) {
  auto file = openQuietly(path);
  return succeeded(file) ? readEnds(*file) : std::vector<rt::EndToken>();
}

/// The texts of the special tokens, by the names that templates use.
static rt::ChatTemplate::Variables readVariables(const GgufFile &file) {
  rt::ChatTemplate::Variables variables;
  auto tokens = file.getStrings(kTokens);
  auto add = [&](StringRef variable, std::optional<int32_t> id) {
    if (tokens && id && static_cast<size_t>(*id) < tokens->size())
      variables.emplace_back(variable, (*tokens)[static_cast<size_t>(*id)]);
  };
  add("bos_token", readId(file, "bos_token_id", 1));
  add("eos_token", readId(file, "eos_token_id", 2));
  constexpr std::pair<StringLiteral, StringLiteral> keys[] = {
      {"unk_token", "unknown_token_id"},   {"pad_token", "padding_token_id"},
      {"sep_token", "seperator_token_id"}, // the format spells it so
      {"cls_token", "cls_token_id"},       {"mask_token", "mask_token_id"},
  };
  for (const auto &[variable, key] : keys)
    add(variable, readId(file, key));
  return variables;
}

static std::optional<GgufTemplates>
readTemplates(const GgufFile &file, StringRef path, std::string &error) {
  constexpr StringLiteral key = "tokenizer.chat_template";
  GgufTemplates result;
  std::vector<rt::NamedTemplate> &templates = result.templates;
  auto add = [&](StringRef called, const std::string &key) {
    if (!file.find(key))
      return true;
    std::optional<StringRef> source = file.getString(key);
    std::string place = (path + ": key '" + key + "'").str();
    if (source)
      templates.push_back({called.str(), source->str(), std::move(place)});
    else
      error = (path + ": " + file.describe(key) + ", expected a string").str();
    return source.has_value();
  };
  if (!add("default", key.str()))
    return std::nullopt;
  // The list `tokenizer.chat_templates` may lack some.
  std::string prefix = (key + ".").str();
  for (StringRef one : file.keysWith(prefix))
    if (!add(one.drop_front(prefix.size()), one.str()))
      return std::nullopt;
  result.variables = readVariables(file);
  return result;
}

std::optional<GgufTemplates> marimba::ggufTemplates(StringRef path,
                                                    std::string &error) {
  auto file = openFile(path, error);
  return succeeded(file) ? readTemplates(*file, path, error) : std::nullopt;
}

void marimba::readGgufTexts(const GgufFile &file) {
  std::string ignored;
  (void)Reader(file, ignored).run();
  (void)readEnds(file);
  (void)readTemplates(file, file.file(), ignored);
}

std::unique_ptr<rt::ChatTemplate>
marimba::loadGgufChatTemplate(StringRef path, const std::string &name,
                              std::string &error) {
  std::optional<GgufTemplates> found = ggufTemplates(path, error);
  if (!found)
    return nullptr;
  return rt::ChatTemplate::choose(found->templates, name, path.str(),
                                  std::move(found->variables), error);
}
