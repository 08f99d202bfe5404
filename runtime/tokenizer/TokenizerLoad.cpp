//===- TokenizerLoad.cpp - Tokenizers from files --------------------------===//

#include "GgufTokenizer.h"
#include "SentencePiece.h"
#include "TokenizerFiles.h"
#include "TokenizerImpl.h"

#include "marimba/FileKind.h"
#include "marimba/InputFile.h"

#include <algorithm>

namespace marimba::rt {

using namespace text;
namespace fs = std::filesystem;

/// The whole file; throws FieldError, without the file's name.
static std::string readFile(const fs::path &path) {
  std::string problem;
  std::optional<std::string> contents = readWhole(path, kLongestText, problem);
  if (!contents)
    throw FieldError(problem);
  if (std::string_view kind = fileKind(*contents); !kind.empty())
    throw FieldError("is " + std::string(kind));
  return std::move(*contents);
}

/// What `load` returns; null, with `error` in one line that starts with `name`,
/// if that is not empty, where it throws.
template <typename LoadT>
static auto catchErrors(std::string_view name, std::string &error,
                        const LoadT &load) -> decltype(load()) {
  error.clear();
  std::string prefix = name.empty() ? "" : std::string(name) + ": ";
  try {
    return load();
  } catch (const FieldError &exception) {
    error = prefix + exception.what();
  } catch (const Json::exception &exception) {
    error = prefix + "is not valid JSON: " + exception.what();
  } catch (const std::exception &exception) {
    error = prefix + "cannot be loaded: " + exception.what();
  }
  // The parser quotes what it read, line ends included.
  for (char &character : error)
    if (character == '\n')
      character = ' ';
  return {};
}

/// What stands beside `file`; throws an error that names the file.
static TokenizerConfig readConfigBeside(const fs::path &file, Notes &notes) {
  auto read = [&](const char *name) -> std::optional<std::string> {
    fs::path path = file.parent_path() / name;
    if (!isThere(path))
      return std::nullopt;
    try {
      return readFile(path);
    } catch (const FieldError &error) {
      throw FieldError(path.string() + ": " + error.what());
    }
  };
  TokenizerConfigTexts texts{read("tokenizer_config.json"),
                             read("special_tokens_map.json"),
                             read("added_tokens.json")};
  return readTokenizerConfig((file.parent_path() / "").string(), texts, notes);
}

namespace {

/// What a file holds, for Tokenizer::Impl.
struct Parts {
  Json document;
  std::unique_ptr<Model> model;     ///< Null: as `document` says.
  std::unique_ptr<Decoder> decoder; ///< As `model`.
};

} // namespace

/// Whether the files beside name `token` themselves; if not, it is the class's.
static bool isNamed(const TokenizerConfig &config,
                    const std::optional<std::string> &token) {
  return token && std::any_of(config.specials.begin(), config.specials.end(),
                              [&](const AddedToken &special) {
                                return special.content == *token;
                              });
}

/// Whether a line of `contents` is as in a vocabulary of tiktoken: base64, a
/// space, a rank.
static bool isTiktoken(std::string_view contents) {
  std::string_view line = contents.substr(0, contents.find('\n'));
  size_t space = line.find(' ');
  return space != line.npos && space > 0 && space + 1 < line.size() &&
         line.find_first_not_of("0123456789\r", space + 1) == line.npos;
}

static Parts loadPieces(const fs::path &file, std::string_view contents,
                        TokenizerConfig &config) {
  if (isTiktoken(contents))
    throw FieldError("is a vocabulary of tiktoken, expected a SentencePiece "
                     "model; the tokenizer.json of the same model is read");
  SentencePieceParts parts = loadSentencePiece(contents);
  bool isT5 = config.className == "T5Tokenizer";
  if (file.filename() != "tokenizer.model" && !isT5 && !config.isLlamaLike &&
      !config.className.empty())
    throw FieldError("belongs to the class " + quote(config.className) +
                     " (tokenizer_config.json), which may number its tokens "
                     "differently; expected a tokenizer.json");
  if (!isNamed(config, config.startToken))
    config.startToken = parts.startToken;
  if (!isNamed(config, config.endToken))
    config.endToken = parts.endToken;
  if (!config.addsStart && config.startToken)
    config.addsStart = !isT5;
  if (!config.addsEnd && config.endToken)
    config.addsEnd = isT5;
  return {std::move(parts.document), std::move(parts.model),
          std::move(parts.decoder)};
}

static Parts loadParts(const fs::path &file, std::string_view contents,
                       TokenizerConfig &config, Notes &notes) {
  fs::path name = file.filename();
  if (name == "tiktoken.model") {
    RankedParts parts = loadTiktoken(contents, config);
    return {std::move(parts.document), std::move(parts.model), nullptr};
  }
  if (file.extension() == ".model")
    return loadPieces(file, contents, config);
  if (name == "vocab.json") {
    std::string merges;
    try {
      merges = readFile(file.parent_path() / "merges.txt");
    } catch (const FieldError &error) {
      throw FieldError(std::string("needs merges.txt beside it, which ") +
                       error.what());
    }
    return {createByteLevelDocument(contents, merges, config), nullptr,
            nullptr};
  }
  Json document = parseJson(contents);
  if (name == "tekken.json") {
    RankedParts parts = loadTekken(Field(document, &notes));
    // As its maker's own library does.
    if (!config.startToken)
      config.startToken = "<s>";
    if (!config.endToken)
      config.endToken = "</s>";
    if (!config.addsStart)
      config.addsStart = true;
    return {std::move(parts.document), std::move(parts.model), nullptr};
  }
  applyPrefixSpace(config, document);
  return {std::move(document), nullptr, nullptr};
}

std::unique_ptr<Tokenizer> Tokenizer::load(const fs::path &file,
                                           std::string &error) {
  std::string name = file.string();
  Notes notes, besideNotes;
  std::string contents;
  if (!catchErrors(name, error, [&] {
        contents = readFile(file);
        return true;
      }))
    return nullptr;
  std::optional<TokenizerConfig> config =
      catchErrors("", error, [&]() -> std::optional<TokenizerConfig> {
        return readConfigBeside(file, besideNotes);
      });
  if (!config)
    return nullptr;
  return catchErrors(name, error, [&] {
    Parts parts = loadParts(file, contents, *config, notes);
    auto impl = std::make_unique<Impl>(Field(parts.document, &notes), *config,
                                       std::move(parts.model),
                                       std::move(parts.decoder));
    impl->name = name;
    impl->notes = besideNotes.lines();
    for (const std::string &line : notes.lines())
      impl->notes.push_back(name + ": " + line);
    return std::unique_ptr<Tokenizer>(new Tokenizer(std::move(impl)));
  });
}

std::unique_ptr<Tokenizer> Tokenizer::parse(std::string_view json,
                                            std::string_view name,
                                            std::string &error) {
  return catchErrors(name, error, [&] {
    Json document = parseJson(json);
    Notes notes;
    auto impl = std::make_unique<Impl>(Field(document, &notes));
    impl->name = name;
    for (const std::string &line : notes.lines())
      impl->notes.push_back(std::string(name) + ": " + line);
    return std::unique_ptr<Tokenizer>(new Tokenizer(std::move(impl)));
  });
}

std::unique_ptr<Tokenizer> Tokenizer::build(const GgufVocabulary &vocabulary,
                                            std::string_view name,
                                            std::string &error) {
  return catchErrors(name, error, [&] {
    GgufTokenizerParts parts = loadGgufTokenizer(vocabulary);
    auto impl = std::make_unique<Impl>(Field(parts.document), TokenizerConfig(),
                                       std::move(parts.model),
                                       std::move(parts.decoder));
    impl->name = name;
    return std::unique_ptr<Tokenizer>(new Tokenizer(std::move(impl)));
  });
}

} // namespace marimba::rt
