//===- GgufTokenizer.h - The tokenizer inside a GGUF file -------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_GGUFTOKENIZER_H
#define MARIMBA_TOOLS_LIBMARIMBA_GGUFTOKENIZER_H

#include "llvm/ADT/StringRef.h"
#include <memory>
#include <optional>
#include <string>

namespace marimba {
namespace rt {
class Tokenizer;
} // namespace rt

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

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_GGUFTOKENIZER_H
