//===- TokenizerImpl.h - The stages of one tokenizer ------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TOKENIZER_TOKENIZERIMPL_H
#define MARIMBA_RUNTIME_TOKENIZER_TOKENIZERIMPL_H

#include "marimba/Tokenizer.h"

#include "AddedTokens.h"
#include "Pipeline.h"
#include "TokenizerConfig.h"

namespace marimba::rt {

struct Tokenizer::Impl {
  std::unique_ptr<text::Normalizer> normalizer;     ///< Null: none.
  std::unique_ptr<text::PreTokenizer> preTokenizer; ///< Null: none.
  std::unique_ptr<text::Model> model;
  std::unique_ptr<text::AddedTokens> addedTokens;
  std::unique_ptr<text::PostProcessor> postProcessor; ///< Null: none.
  std::unique_ptr<text::Decoder> decoder;
  std::vector<std::string> notes;
  std::string name; ///< Of its file.

  /// As the fields of `document` say, and `config`; a model and a decoder that
  /// are given stand for its fields of that name. Throws FieldError.
  explicit Impl(const text::Field &document,
                const text::TokenizerConfig &config = {},
                std::unique_ptr<text::Model> givenModel = nullptr,
                std::unique_ptr<text::Decoder> givenDecoder = nullptr);

  /// The spelling of `id`, null where there is no such id.
  const std::string *findToken(int32_t id) const {
    if (const text::AddedToken *token = addedTokens->find(id))
      return &token->content;
    return model->idToToken(id);
  }

  bool isSpecial(int32_t id) const {
    const text::AddedToken *token = addedTokens->find(id);
    return token && token->isSpecial;
  }

  /// Appends the ids of `text`, valid UTF-8, without those of the
  /// post-processor; to `found`, where it is there, the added tokens.
  void encode(std::string_view text, std::vector<int32_t> &ids,
              std::vector<Found> *found = nullptr) const;

private:
  void addTokens(const text::Field &document,
                 const text::TokenizerConfig &config);
  void createPostProcessor(const text::Field &document,
                           const text::TokenizerConfig &config);
  std::vector<int32_t> endIds(const text::Field &document,
                              std::optional<bool> isAsked, bool otherwise,
                              const std::optional<std::string> &token,
                              std::string_view name) const;
  void encodeRaw(const text::Word &word, std::vector<int32_t> &ids) const;
  void encodeNormalized(const text::Word &word,
                        std::vector<int32_t> &ids) const;
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_TOKENIZER_TOKENIZERIMPL_H
