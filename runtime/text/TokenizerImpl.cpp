//===- TokenizerImpl.cpp - The stages of one tokenizer --------------------===//

#include "TokenizerImpl.h"

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

/// A text without added tokens is encoded in pieces of this size.
static constexpr size_t maxPartBytes = size_t(1) << 27;

/// The bytes of the whole characters among the first `limit` of `text`.
static size_t charLimit(std::string_view text, size_t limit) {
  if (text.size() <= limit)
    return text.size();
  while ((text[limit] & 0xC0) == 0x80)
    --limit;
  return limit;
}

Tokenizer::Impl::Impl(const Field &document, std::unique_ptr<Model> givenModel,
                      std::unique_ptr<Decoder> givenDecoder)
    : normalizer(createOptional(document, "normalizer", createNormalizer)),
      preTokenizer(
          createOptional(document, "pre_tokenizer", createPreTokenizer)),
      model(givenModel ? std::move(givenModel)
                       : createModel(document.at("model"))),
      addedTokens(std::make_unique<AddedTokens>(document.find("added_tokens"),
                                                *model, normalizer.get())),
      postProcessor(
          createOptional(document, "post_processor", createPostProcessor)),
      decoder(givenDecoder
                  ? std::move(givenDecoder)
                  : createOptional(document, "decoder", createDecoder)) {
  if (!decoder)
    decoder = createSpaceJoinDecoder();
  if (postProcessor)
    checkOwnIds(document.at("post_processor"));
}

void Tokenizer::Impl::checkOwnIds(const Field &field) const {
  std::vector<int32_t> ids;
  postProcessor->appendOwnIds(ids);
  for (int32_t id : ids)
    if (!findToken(id))
      field.fail("adds the id " + std::to_string(id) + ", which no token has");
}

/// Appends the ids of `word`, which has no added tokens any more.
void Tokenizer::Impl::encodeNormalized(const Word &word,
                                       std::vector<int32_t> &ids) const {
  if (!preTokenizer) {
    model->tokenize(word.text, ids);
    return;
  }
  preTokenizer->split(
      word, [&](const Word &part) { model->tokenize(part.text, ids); });
}

/// Appends the ids of `word`, in which only the added tokens of normalized
/// texts are still to be found.
void Tokenizer::Impl::encodeRaw(const Word &word,
                                std::vector<int32_t> &ids) const {
  std::string normalizedText;
  std::string_view text = word.text;
  if (normalizer) {
    normalizedText = normalizer->normalize(text);
    text = normalizedText;
  }
  std::vector<TextPart> parts;
  addedTokens->normalizedMatcher().split(text, parts);
  bool startsText = word.startsText;
  for (const TextPart &part : parts) {
    if (part.id)
      ids.push_back(*part.id);
    else
      encodeNormalized({part.text, startsText}, ids);
    startsText = false;
  }
}

void Tokenizer::Impl::encode(std::string_view text,
                             std::vector<int32_t> &ids) const {
  std::vector<TextPart> parts;
  addedTokens->rawMatcher().split(text, parts);
  bool startsText = true;
  for (const TextPart &part : parts) {
    if (part.id)
      ids.push_back(*part.id);
    // The libraries below count in 32 bits.
    for (std::string_view rest = part.text; !rest.empty();) {
      size_t length = charLimit(rest, maxPartBytes);
      encodeRaw({rest.substr(0, length), startsText}, ids);
      rest.remove_prefix(length);
      startsText = false;
    }
    startsText = false;
  }
}

} // namespace marimba::rt
