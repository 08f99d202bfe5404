//===- Pipeline.h - The stages of a tokenizer -------------------*- C++ -*-===//
//
// A text goes through Normalizer, PreTokenizer, Model and PostProcessor to ids;
// ids go through the model's vocabulary and a Decoder to a text. Each stage is
// made from its field of tokenizer.json; a new kind of stage is a class and one
// line in the table of its factory (Pipeline.cpp).
//
// All texts between stages are valid UTF-8.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_TOKENIZER_PIPELINE_H
#define MARIMBA_RUNTIME_TOKENIZER_PIPELINE_H

#include "Field.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace marimba::rt::text {

/// Rewrites a text before anything splits it.
class Normalizer {
public:
  virtual ~Normalizer() = default;
  virtual std::string normalize(std::string_view text) const = 0;
};

/// A part of a text on its way to the model.
struct Word {
  std::string_view text;
  /// Whether the text that is encoded starts with it.
  bool startsText;
};

using WordSink = std::function<void(const Word &)>;

/// Splits a text into the words that the model sees one by one.
class PreTokenizer {
public:
  virtual ~PreTokenizer() = default;
  /// Gives the words of `word`, which is not empty, to `sink`, one after the
  /// other: none is kept, so a text needs no more memory for having many.
  virtual void split(const Word &word, const WordSink &sink) const = 0;
};

/// A vocabulary, and the way from a word to ids in it.
class Model {
public:
  virtual ~Model() = default;
  /// Appends the ids of `word` to `ids`.
  virtual void tokenize(std::string_view word,
                        std::vector<int32_t> &ids) const = 0;
  virtual std::optional<int32_t> tokenToId(std::string_view token) const = 0;
  /// The token of `id`, null where there is none. Lives as long as the model.
  virtual const std::string *idToToken(int32_t id) const = 0;
  /// The highest id plus one.
  virtual int64_t idLimit() const = 0;
  /// How many tokens there are: less than idLimit() where ids are left out.
  virtual int64_t tokenCount() const = 0;
};

/// Completes the ids of a text.
class PostProcessor {
public:
  virtual ~PostProcessor() = default;
  virtual std::vector<int32_t> process(std::vector<int32_t> ids,
                                       bool addSpecialTokens) const = 0;
  /// Appends every id that process() may add by itself.
  virtual void appendOwnIds(std::vector<int32_t> &ids) const = 0;
};

/// The state of one sequence on its way through a decoder.
class DecodeStream {
public:
  virtual ~DecodeStream() = default;
  /// Takes the next token and appends the pieces of text that are now certain
  /// to `pieces`.
  virtual void push(std::string_view token,
                    std::vector<std::string> &pieces) = 0;
  /// Appends the rest; the stream is then as new.
  virtual void finish(std::vector<std::string> &pieces) = 0;
  virtual std::unique_ptr<DecodeStream> clone() const = 0;
};

/// Turns tokens into text; only ever token by token, so that decoding as the
/// tokens come and decoding at once cannot differ.
class Decoder {
public:
  virtual ~Decoder() = default;
  virtual std::unique_ptr<DecodeStream> start() const = 0;
  /// The bytes that `token` stands for by itself.
  virtual std::string tokenBytes(std::string_view token) const = 0;
};

/// The factories throw FieldError where the field is not what they can make.
std::unique_ptr<Normalizer> createNormalizer(const Field &field);
std::unique_ptr<PreTokenizer> createPreTokenizer(const Field &field);
std::unique_ptr<Model> createModel(const Field &field);
std::unique_ptr<PostProcessor> createPostProcessor(const Field &field);
std::unique_ptr<Decoder> createDecoder(const Field &field);

/// What a file without a decoder means: tokens with a space between.
std::unique_ptr<Decoder> createSpaceJoinDecoder();

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TOKENIZER_PIPELINE_H
