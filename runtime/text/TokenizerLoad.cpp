//===- TokenizerLoad.cpp - Tokenizers from files --------------------------===//

#include "GgufTokenizer.h"
#include "SentencePiece.h"
#include "TokenizerImpl.h"

#include "marimba/InputFile.h"

namespace marimba::rt {

using namespace text;

/// Reads the file whole; returns false and sets `error` where it cannot.
static bool readFile(const std::filesystem::path &path, std::string &contents,
                     std::string &error) {
  std::string problem;
  std::optional<std::string> text = readWhole(path, kLongestText, problem);
  if (text)
    contents = std::move(*text);
  else
    error = path.string() + ": " + problem;
  return text.has_value();
}

/// What `load` returns; null, with `error` in one line that starts with `name`,
/// where it throws.
template <typename LoadT>
static auto catchErrors(std::string_view name, std::string &error,
                        const LoadT &load) -> decltype(load()) {
  error.clear();
  try {
    return load();
  } catch (const FieldError &exception) {
    error = std::string(name) + ": " + exception.what();
  } catch (const Json::exception &exception) {
    error = std::string(name) + ": is not valid JSON: " + exception.what();
  } catch (const std::exception &exception) {
    error = std::string(name) + ": cannot be loaded: " + exception.what();
  }
  // The parser quotes what it read, line ends included.
  for (char &character : error)
    if (character == '\n')
      character = ' ';
  return {};
}

/// What the tokenizer_config.json beside `model` says, if there is one. On
/// failure returns nothing and sets `error`.
static std::optional<SentencePieceOptions>
readOptionsBeside(const std::filesystem::path &model, std::string &error) {
  std::filesystem::path path = model.parent_path() / "tokenizer_config.json";
  if (!isThere(path))
    return SentencePieceOptions();
  std::string contents;
  if (!readFile(path, contents, error))
    return std::nullopt;
  return catchErrors(path.string(), error,
                     [&]() -> std::optional<SentencePieceOptions> {
                       Json document = parseJson(contents);
                       return readSentencePieceOptions(Field(document));
                     });
}

std::unique_ptr<Tokenizer> Tokenizer::load(const std::filesystem::path &file,
                                           std::string &error) {
  std::string contents;
  if (!catchErrors(file.string(), error,
                   [&] { return readFile(file, contents, error); }))
    return nullptr;
  if (file.extension() != ".model")
    return parse(contents, file.string(), error);

  std::optional<SentencePieceOptions> options = readOptionsBeside(file, error);
  if (!options)
    return nullptr;
  return catchErrors(file.string(), error, [&] {
    SentencePieceParts parts = loadSentencePiece(contents, *options);
    Field document(parts.document);
    return std::unique_ptr<Tokenizer>(new Tokenizer(std::make_unique<Impl>(
        document, std::move(parts.model), std::move(parts.decoder))));
  });
}

std::unique_ptr<Tokenizer> Tokenizer::parse(std::string_view json,
                                            std::string_view name,
                                            std::string &error) {
  return catchErrors(name, error, [&] {
    Json document = parseJson(json);
    auto impl = std::make_unique<Impl>(Field(document));
    return std::unique_ptr<Tokenizer>(new Tokenizer(std::move(impl)));
  });
}

std::unique_ptr<Tokenizer> Tokenizer::build(const GgufVocabulary &vocabulary,
                                            std::string_view name,
                                            std::string &error) {
  return catchErrors(name, error, [&] {
    GgufTokenizerParts parts = loadGgufTokenizer(vocabulary);
    auto impl =
        std::make_unique<Impl>(Field(parts.document), std::move(parts.model));
    return std::unique_ptr<Tokenizer>(new Tokenizer(std::move(impl)));
  });
}

} // namespace marimba::rt
