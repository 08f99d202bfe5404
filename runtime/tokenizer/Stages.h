//===- Stages.h - The kinds of stages ---------------------------*- C++ -*-===//
//
// One function for each kind of stage that has its own source file, for the
// tables in Pipeline.cpp. All throw FieldError.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_TOKENIZER_STAGES_H
#define MARIMBA_RUNTIME_TOKENIZER_STAGES_H

#include "Pipeline.h"

#include <set>

namespace marimba::rt::text {

// Normalizers.cpp.
std::unique_ptr<Normalizer> createUnicodeNormalizer(const Field &field);
std::unique_ptr<Normalizer> createPrependNormalizer(const Field &field);
std::unique_ptr<Normalizer> createReplaceNormalizer(const Field &field);

// CharNormalizers.cpp.
/// ByteLevel, Lowercase, Nmt and StripAccents.
std::unique_ptr<Normalizer> createFunctionNormalizer(const Field &field);
std::unique_ptr<Normalizer> createStripNormalizer(const Field &field);
std::unique_ptr<Normalizer> createBertNormalizer(const Field &field);

// ByteLevel.cpp.
/// Appends `bytes` as GPT-2 writes them, each as one printable character.
void appendByteLevel(std::string_view bytes, std::string &out);
std::unique_ptr<PreTokenizer> createByteLevelPreTokenizer(const Field &field);
std::unique_ptr<PostProcessor> createByteLevelPostProcessor(const Field &field);
std::unique_ptr<Decoder> createByteLevelDecoder(const Field &field);
/// The same, but the tokens `plain` are texts, not bytes as GPT-2 writes them.
std::unique_ptr<Decoder>
createByteLevelDecoder(std::set<std::string, std::less<>> plain);

// Metaspace.cpp.
std::unique_ptr<PreTokenizer> createMetaspacePreTokenizer(const Field &field);
std::unique_ptr<Decoder> createMetaspaceDecoder(const Field &field);

// Split.cpp.
std::unique_ptr<PreTokenizer> createSplitPreTokenizer(const Field &field);
std::unique_ptr<PreTokenizer> createDigitsPreTokenizer(const Field &field);
std::unique_ptr<PreTokenizer> createPunctuationPreTokenizer(const Field &field);
std::unique_ptr<PreTokenizer> createWhitespacePreTokenizer(const Field &field);
std::unique_ptr<PreTokenizer> createWordsPreTokenizer(const Field &field);
std::unique_ptr<PreTokenizer> createBertPreTokenizer(const Field &field);
std::unique_ptr<PreTokenizer> createDelimiterPreTokenizer(const Field &field);
std::unique_ptr<PreTokenizer> createLengthPreTokenizer(const Field &field);

// BpeModel.cpp, UnigramModel.cpp, WordModels.cpp.
std::unique_ptr<Model> createBpeModel(const Field &field);
std::unique_ptr<Model> createUnigramModel(const Field &field);
std::unique_ptr<Model> createWordLevelModel(const Field &field);
std::unique_ptr<Model> createWordPieceModel(const Field &field);

// TemplateProcessing.cpp.
/// Puts `before` and `after` around the ids of a text.
std::unique_ptr<PostProcessor> createSurroundings(std::vector<int32_t> before,
                                                  std::vector<int32_t> after);
std::unique_ptr<PostProcessor> createTemplateProcessing(const Field &field);
/// BertProcessing and RobertaProcessing.
std::unique_ptr<PostProcessor> createBertProcessing(const Field &field);

// Decoders.cpp.
std::unique_ptr<Decoder> createByteFallbackDecoder(const Field &field);
std::unique_ptr<Decoder> createReplaceDecoder(const Field &field);
/// Strips each token.
std::unique_ptr<Decoder> createStripDecoder(const Field &field);
/// Strips the text that all tokens make.
std::unique_ptr<Decoder> createTextStripDecoder(const Field &field);

// WordDecoders.cpp.
std::unique_ptr<Decoder> createBpeDecoder(const Field &field);
std::unique_ptr<Decoder> createWordPieceDecoder(const Field &field);

// SequenceDecoder.cpp.
std::unique_ptr<Decoder> createFuseDecoder(const Field &field);
std::unique_ptr<Decoder> createSequenceDecoder(const Field &field);

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TOKENIZER_STAGES_H
