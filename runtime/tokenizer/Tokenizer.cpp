//===- Tokenizer.cpp - Text to token ids and back -------------------------===//

#include "Regex.h"
#include "TokenizerImpl.h"
#include "Unicode.h"

#include <algorithm>

namespace marimba::rt {

using namespace text;

static std::string join(const std::vector<std::string> &pieces) {
  std::string result;
  for (const std::string &piece : pieces)
    result += piece;
  return result;
}

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}

Tokenizer::~Tokenizer() = default;

std::vector<int32_t> Tokenizer::encode(std::string_view text,
                                       bool addSpecialTokens,
                                       std::string *error) const {
  if (error)
    error->clear();
  std::string repaired;
  if (!isValidUtf8(text)) {
    appendLossyUtf8(text, repaired);
    text = repaired;
  }
  std::vector<int32_t> ids;
  try {
    impl->encode(text, ids);
  } catch (const RegexError &exception) {
    if (error)
      *error = impl->name + ": " + exception.what();
    return {};
  }
  if (impl->postProcessor)
    ids = impl->postProcessor->process(std::move(ids), addSpecialTokens);
  return ids;
}

std::vector<int32_t> Tokenizer::encode(std::string_view text,
                                       std::vector<Found> &found,
                                       std::string &error) const {
  error.clear();
  std::vector<int32_t> ids;
  try {
    impl->encode(text, ids, &found);
  } catch (const RegexError &exception) {
    error = impl->name + ": " + exception.what();
    return {};
  }
  if (impl->postProcessor)
    ids = impl->postProcessor->process(std::move(ids), false);
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

const std::vector<std::string> &Tokenizer::notes() const { return impl->notes; }

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

std::string StreamDecoder::pending() const {
  std::vector<std::string> pieces;
  impl->stream->clone()->finish(pieces);
  return join(pieces);
}

std::string StreamDecoder::flush() {
  std::vector<std::string> pieces;
  impl->stream->finish(pieces);
  return join(pieces);
}

} // namespace marimba::rt
