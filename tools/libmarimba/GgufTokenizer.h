//===- GgufTokenizer.h - The tokenizer inside a GGUF file -------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_GGUFTOKENIZER_H
#define MARIMBA_TOOLS_LIBMARIMBA_GGUFTOKENIZER_H

#include "marimba/ChatTemplate.h"
#include "marimba/EndTokens.h"
#include "llvm/ADT/StringRef.h"
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mlir::marimba {
class GgufFile;
} // namespace mlir::marimba

namespace marimba {
namespace rt {
class Tokenizer;
} // namespace rt

// Of a model in several files the first is enough, whichever is given.

/// Whether the file can be read and has the tokens of a tokenizer.
bool hasGgufTokenizer(llvm::StringRef path);

/// The tokenizer that the keys `tokenizer.ggml.*` of the file describe. On
/// failure returns null and sets `error`, which names file and key.
std::unique_ptr<rt::Tokenizer> loadGgufTokenizer(llvm::StringRef path,
                                                 std::string &error);

/// What loadGgufTokenizer() reads, as rt::buildTokenizer() takes it; empty
/// where the file has no tokenizer. Nothing, with `error` set, where it is bad.
std::optional<std::string> ggufVocabularyText(llvm::StringRef path,
                                              std::string &error);

/// The ids that keys of the file name as ends of a text, of a turn, of a
/// message or, as llama.cpp has it, of an infill. None where it cannot be read.
std::vector<rt::EndToken> ggufEnds(llvm::StringRef path);

/// The chat templates of a GGUF file, and the texts that they may use by name.
struct GgufTemplates {
  std::vector<rt::NamedTemplate> templates;
  rt::ChatTemplate::Variables variables;
};
/// Nothing, with `error` set, where they cannot be read; it may be that there
/// are none.
std::optional<GgufTemplates> ggufTemplates(llvm::StringRef path,
                                           std::string &error);

/// Asks for all keys that the functions above read: GgufFile::unreadKeys() then
/// has those that they have no use for.
void readGgufTexts(const mlir::marimba::GgufFile &file);

/// The template `tokenizer.chat_template`, which is "default", or
/// `tokenizer.chat_template.NAME`, as rt::ChatTemplate::choose() has it.
std::unique_ptr<rt::ChatTemplate> loadGgufChatTemplate(llvm::StringRef path,
                                                       const std::string &name,
                                                       std::string &error);

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_GGUFTOKENIZER_H
