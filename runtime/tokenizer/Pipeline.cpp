//===- Pipeline.cpp - Which stages there are, and sequences of them -------===//

#include "Pipeline.h"

#include "Stages.h"

namespace marimba::rt::text {

template <typename StageT> using Stages = std::vector<std::unique_ptr<StageT>>;

/// The elements of the array `field.key`, each made by `create`.
template <typename StageT>
static Stages<StageT>
createStages(const Field &field, std::string_view key,
             std::unique_ptr<StageT> (*create)(const Field &)) {
  Stages<StageT> stages;
  for (const Field &item : field.at(key).items())
    stages.push_back(create(item));
  return stages;
}

namespace {

class SequenceNormalizer : public Normalizer {
public:
  explicit SequenceNormalizer(const Field &field)
      : stages(createStages(field, "normalizers", createNormalizer)) {}

  std::string normalize(std::string_view text) const override {
    std::string result(text);
    for (const auto &stage : stages)
      result = stage->normalize(result);
    return result;
  }

private:
  Stages<Normalizer> stages;
};

class SequencePreTokenizer : public PreTokenizer {
public:
  explicit SequencePreTokenizer(const Field &field)
      : stages(createStages(field, "pretokenizers", createPreTokenizer)) {}

  void split(const Word &word, const WordSink &sink) const override {
    splitFrom(0, word, sink);
  }

private:
  void splitFrom(size_t first, const Word &word, const WordSink &sink) const {
    if (first == stages.size())
      return sink(word);
    stages[first]->split(
        word, [&](const Word &part) { splitFrom(first + 1, part, sink); });
  }

  Stages<PreTokenizer> stages;
};

class SequencePostProcessor : public PostProcessor {
public:
  explicit SequencePostProcessor(const Field &field)
      : stages(createStages(field, "processors", createPostProcessor)) {}

  std::vector<int32_t> process(std::vector<int32_t> ids,
                               bool addSpecialTokens) const override {
    for (const auto &stage : stages)
      ids = stage->process(std::move(ids), addSpecialTokens);
    return ids;
  }

  void appendOwnIds(std::vector<int32_t> &ids) const override {
    for (const auto &stage : stages)
      stage->appendOwnIds(ids);
  }

private:
  Stages<PostProcessor> stages;
};

} // namespace

/// The factory of a kind that is a class with a constructor from its field.
template <typename BaseT, typename StageT>
static std::unique_ptr<BaseT> construct(const Field &field) {
  return std::make_unique<StageT>(field);
}

constexpr Kind<Normalizer> normalizerKinds[] = {
    {"BertNormalizer", createBertNormalizer},
    {"ByteLevel", createFunctionNormalizer},
    {"Lowercase", createFunctionNormalizer},
    {"NFC", createUnicodeNormalizer},
    {"NFD", createUnicodeNormalizer},
    {"NFKC", createUnicodeNormalizer},
    {"NFKD", createUnicodeNormalizer},
    {"Nmt", createFunctionNormalizer},
    {"Prepend", createPrependNormalizer},
    {"Replace", createReplaceNormalizer},
    {"Strip", createStripNormalizer},
    {"StripAccents", createFunctionNormalizer},
    {"Sequence", construct<Normalizer, SequenceNormalizer>},
};

constexpr Kind<PreTokenizer> preTokenizerKinds[] = {
    {"BertPreTokenizer", createBertPreTokenizer},
    {"ByteLevel", createByteLevelPreTokenizer},
    {"CharDelimiterSplit", createDelimiterPreTokenizer},
    {"Digits", createDigitsPreTokenizer},
    {"FixedLength", createLengthPreTokenizer},
    {"Metaspace", createMetaspacePreTokenizer},
    {"Punctuation", createPunctuationPreTokenizer},
    {"Split", createSplitPreTokenizer},
    {"Whitespace", createWordsPreTokenizer},
    {"WhitespaceSplit", createWhitespacePreTokenizer},
    {"Sequence", construct<PreTokenizer, SequencePreTokenizer>},
};

constexpr Kind<Model> modelKinds[] = {
    {"BPE", createBpeModel},
    {"Unigram", createUnigramModel},
    {"WordLevel", createWordLevelModel},
    {"WordPiece", createWordPieceModel},
};

constexpr Kind<PostProcessor> postProcessorKinds[] = {
    {"BertProcessing", createBertProcessing},
    {"ByteLevel", createByteLevelPostProcessor},
    {"RobertaProcessing", createBertProcessing},
    {"TemplateProcessing", createTemplateProcessing},
    {"Sequence", construct<PostProcessor, SequencePostProcessor>},
};

constexpr Kind<Decoder> decoderKinds[] = {
    {"BPEDecoder", createBpeDecoder},
    {"ByteFallback", createByteFallbackDecoder},
    {"ByteLevel", createByteLevelDecoder},
    {"Fuse", createFuseDecoder},
    {"Metaspace", createMetaspaceDecoder},
    {"Replace", createReplaceDecoder},
    {"Sequence", createSequenceDecoder},
    {"Strip", createStripDecoder},
    {"WordPiece", createWordPieceDecoder},
};

std::unique_ptr<Normalizer> createNormalizer(const Field &field) {
  return createStage(field, normalizerKinds);
}

std::unique_ptr<PreTokenizer> createPreTokenizer(const Field &field) {
  return createStage(field, preTokenizerKinds);
}

std::unique_ptr<Model> createModel(const Field &field) {
  if (field.find("type"))
    return createStage(field, modelKinds);
  // Files of old versions leave the type out.
  if (field.find("merges"))
    return createBpeModel(field);
  if (field.find("max_input_chars_per_word"))
    return createWordPieceModel(field);
  if (field.at("vocab").json().is_array())
    return createUnigramModel(field);
  return createWordLevelModel(field);
}

std::unique_ptr<PostProcessor> createPostProcessor(const Field &field) {
  return createStage(field, postProcessorKinds);
}

std::unique_ptr<Decoder> createDecoder(const Field &field) {
  return createStage(field, decoderKinds);
}

} // namespace marimba::rt::text
