//===- TokenizerImpl.cpp - The stages of one tokenizer --------------------===//

#include "TokenizerImpl.h"

#include "Stages.h"

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

Tokenizer::Impl::Impl(const Field &document, const TokenizerConfig &config,
                      std::unique_ptr<Model> givenModel,
                      std::unique_ptr<Decoder> givenDecoder)
    : normalizer(createOptional(document, "normalizer", createNormalizer)),
      preTokenizer(
          createOptional(document, "pre_tokenizer", createPreTokenizer)),
      model(givenModel ? std::move(givenModel)
                       : createModel(document.at("model"))),
      addedTokens(std::make_unique<AddedTokens>(*model, normalizer.get())),
      decoder(givenDecoder
                  ? std::move(givenDecoder)
                  : createOptional(document, "decoder", createDecoder)) {
  if (!decoder)
    decoder = createSpaceJoinDecoder();
  addTokens(document, config);
  createPostProcessor(document, config);
}

void Tokenizer::Impl::addTokens(const Field &document,
                                const TokenizerConfig &config) {
  if (std::optional<Field> field = document.find("added_tokens"))
    addedTokens->addFrom(*field);
  addedTokens->add(config.tokens);
  addedTokens->addSpecial(config.specials);
  addedTokens->finish(config.findsSpecial);
}

/// The id of the token that starts or ends a text, where it is asked for.
std::vector<int32_t>
Tokenizer::Impl::endIds(const Field &document, std::optional<bool> isAsked,
                        bool otherwise, const std::optional<std::string> &token,
                        std::string_view name) const {
  if (!isAsked.value_or(otherwise))
    return {};
  if (token) {
    if (const AddedToken *added = addedTokens->find(*token))
      return {added->id};
    if (std::optional<int32_t> id = model->tokenToId(*token))
      return {*id};
  }
  if (isAsked)
    document.note(
        (token ? "has no token " + quote(*token) : std::string("has none")) +
        " for the " + std::string(name) +
        " that tokenizer_config.json wants around a text: nothing is added");
  return {};
}

void Tokenizer::Impl::createPostProcessor(const Field &document,
                                          const TokenizerConfig &config) {
  if (config.addsStart || config.addsEnd) {
    postProcessor = createSurroundings(
        endIds(document, config.addsStart, config.isLlamaLike,
               config.startToken, "bos_token"),
        endIds(document, config.addsEnd, false, config.endToken, "eos_token"));
    return;
  }
  postProcessor =
      createOptional(document, "post_processor", text::createPostProcessor);
  if (!postProcessor)
    return;
  std::vector<int32_t> ids;
  postProcessor->appendOwnIds(ids);
  for (int32_t id : ids)
    if (!findToken(id))
      document.at("post_processor")
          .note("adds the id " + std::to_string(id) + ", which no token has");
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

void Tokenizer::Impl::encode(std::string_view text, std::vector<int32_t> &ids,
                             std::vector<Found> *found) const {
  std::vector<TextPart> parts;
  addedTokens->rawMatcher().split(text, parts);
  bool startsText = true;
  for (const TextPart &part : parts) {
    if (part.id) {
      ids.push_back(*part.id);
      const AddedToken *token = addedTokens->find(*part.id);
      // Others depend on what stands around them.
      if (found && token && part.text == token->content &&
          !token->isSingleWord && !token->stripsRight) {
        auto begin = static_cast<size_t>(part.text.data() - text.data());
        found->push_back({begin, begin + part.text.size(), ids.size()});
      }
      startsText = false;
      continue;
    }
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
