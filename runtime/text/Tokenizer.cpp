//===- Tokenizer.cpp - Text to token ids and back -------------------------===//

#include "marimba/Tokenizer.h"

#include "AddedTokens.h"
#include "Pipeline.h"
#include "Unicode.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace marimba::rt {

using namespace text;

/// A stage that the file may leave out (null).
template <typename StageT>
static std::unique_ptr<StageT>
createOptional(const Field &document, std::string_view key,
               std::unique_ptr<StageT> (*create)(const Field &)) {
  std::optional<Field> field = document.find(key);
  return field ? create(*field) : nullptr;
}

/// Reads the file whole; returns false and sets `error` where it cannot.
static bool readFile(const std::filesystem::path &path, std::string &contents,
                     std::string &error) {
  std::error_code code;
  if (std::filesystem::is_directory(path, code)) {
    error = path.string() + ": is a directory, expected a tokenizer.json file";
    return false;
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (file)
    contents.assign(std::istreambuf_iterator<char>(file), {});
  if (!file || file.bad()) {
    error = path.string() + ": cannot be read: " +
            (errno != 0 ? std::strerror(errno) : "unknown reason");
    return false;
  }
  return true;
}

static std::string join(const std::vector<std::string> &pieces) {
  std::string result;
  for (const std::string &piece : pieces)
    result += piece;
  return result;
}

struct Tokenizer::Impl {
  std::unique_ptr<Normalizer> normalizer;     ///< Null: none.
  std::unique_ptr<PreTokenizer> preTokenizer; ///< Null: none.
  std::unique_ptr<Model> model;
  std::unique_ptr<AddedTokens> addedTokens;
  std::unique_ptr<PostProcessor> postProcessor; ///< Null: none.
  std::unique_ptr<Decoder> decoder;

  /// Throws FieldError.
  explicit Impl(const Field &document)
      : normalizer(createOptional(document, "normalizer", createNormalizer)),
        preTokenizer(
            createOptional(document, "pre_tokenizer", createPreTokenizer)),
        model(createModel(document.at("model"))),
        addedTokens(std::make_unique<AddedTokens>(document.find("added_tokens"),
                                                  *model, normalizer.get())),
        postProcessor(
            createOptional(document, "post_processor", createPostProcessor)),
        decoder(createOptional(document, "decoder", createDecoder)) {
    if (!decoder)
      decoder = createSpaceJoinDecoder();
    if (postProcessor)
      checkOwnIds(document.at("post_processor"));
  }

  void checkOwnIds(const Field &field) const {
    std::vector<int32_t> ids;
    postProcessor->appendOwnIds(ids);
    for (int32_t id : ids)
      if (!findToken(id))
        field.fail("adds the id " + std::to_string(id) +
                   ", which no token has");
  }

  /// The spelling of `id`, null where there is no such id.
  const std::string *findToken(int32_t id) const {
    if (const AddedToken *token = addedTokens->find(id))
      return &token->content;
    return model->idToToken(id);
  }

  bool isSpecial(int32_t id) const {
    const AddedToken *token = addedTokens->find(id);
    return token && token->isSpecial;
  }

  /// Appends the ids of `text`, which has no added tokens any more.
  void encodeNormalized(std::string_view text,
                        std::vector<int32_t> &ids) const {
    if (!preTokenizer) {
      model->tokenize(text, ids);
      return;
    }
    std::vector<std::string> words;
    preTokenizer->split(text, words);
    for (const std::string &word : words)
      model->tokenize(word, ids);
  }

  /// Appends the ids of `text`, in which only the added tokens of normalized
  /// texts are still to be found.
  void encodeRaw(std::string_view text, std::vector<int32_t> &ids) const {
    std::string normalizedText;
    if (normalizer) {
      normalizedText = normalizer->normalize(text);
      text = normalizedText;
    }
    std::vector<TextPart> parts;
    addedTokens->normalizedMatcher().split(text, parts);
    for (const TextPart &part : parts) {
      if (part.id)
        ids.push_back(*part.id);
      else
        encodeNormalized(part.text, ids);
    }
  }
};

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}

Tokenizer::~Tokenizer() = default;

std::unique_ptr<Tokenizer>
Tokenizer::load(const std::filesystem::path &tokenizerJson,
                std::string &error) {
  std::string contents;
  try {
    if (!readFile(tokenizerJson, contents, error))
      return nullptr;
  } catch (const std::exception &exception) {
    error = tokenizerJson.string() + ": cannot be read: " + exception.what();
    return nullptr;
  }
  return parse(contents, tokenizerJson.string(), error);
}

std::unique_ptr<Tokenizer> Tokenizer::parse(std::string_view json,
                                            std::string_view name,
                                            std::string &error) {
  error.clear();
  try {
    Json document = Json::parse(json);
    auto impl = std::make_unique<Impl>(Field(document));
    return std::unique_ptr<Tokenizer>(new Tokenizer(std::move(impl)));
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
  return nullptr;
}

std::vector<int32_t> Tokenizer::encode(std::string_view text,
                                       bool addSpecialTokens) const {
  std::string repaired;
  if (!isValidUtf8(text)) {
    appendLossyUtf8(text, repaired);
    text = repaired;
  }
  std::vector<TextPart> parts;
  impl->addedTokens->rawMatcher().split(text, parts);
  std::vector<int32_t> ids;
  for (const TextPart &part : parts) {
    if (part.id)
      ids.push_back(*part.id);
    else
      impl->encodeRaw(part.text, ids);
  }
  if (impl->postProcessor)
    ids = impl->postProcessor->process(std::move(ids), addSpecialTokens);
  return ids;
}

std::string Tokenizer::decode(std::span<const int32_t> ids,
                              bool skipSpecialTokens) const {
  StreamDecoder stream(*this, skipSpecialTokens);
  std::string text;
  for (int32_t id : ids)
    text += stream.push(id);
  return text + stream.flush();
}

int64_t Tokenizer::vocabSize() const {
  return std::max(impl->model->idLimit(), impl->addedTokens->idLimit());
}

std::optional<int32_t> Tokenizer::tokenToId(std::string_view token) const {
  if (const AddedToken *added = impl->addedTokens->find(token))
    return added->id;
  return impl->model->tokenToId(token);
}

std::optional<std::string> Tokenizer::idToToken(int32_t id) const {
  const std::string *token = impl->findToken(id);
  return token ? std::optional<std::string>(*token) : std::nullopt;
}

std::string Tokenizer::tokenBytes(int32_t id) const {
  const std::string *token = impl->findToken(id);
  return token ? impl->decoder->tokenBytes(*token) : std::string();
}

bool Tokenizer::isSpecial(int32_t id) const { return impl->isSpecial(id); }

struct StreamDecoder::Impl {
  const Tokenizer::Impl &tokenizer;
  bool skipsSpecial;
  std::unique_ptr<DecodeStream> stream;
};

StreamDecoder::StreamDecoder(const Tokenizer &tokenizer, bool skipSpecialTokens)
    : impl(new Impl{*tokenizer.impl, skipSpecialTokens,
                    tokenizer.impl->decoder->start()}) {}

StreamDecoder::~StreamDecoder() = default;
StreamDecoder::StreamDecoder(StreamDecoder &&) noexcept = default;
StreamDecoder &StreamDecoder::operator=(StreamDecoder &&) noexcept = default;

std::string StreamDecoder::push(int32_t id) {
  const std::string *token = impl->tokenizer.findToken(id);
  if (!token || (impl->skipsSpecial && impl->tokenizer.isSpecial(id)))
    return {};
  std::vector<std::string> pieces;
  impl->stream->push(*token, pieces);
  return join(pieces);
}

std::string StreamDecoder::flush() {
  std::vector<std::string> pieces;
  impl->stream->finish(pieces);
  return join(pieces);
}

} // namespace marimba::rt
