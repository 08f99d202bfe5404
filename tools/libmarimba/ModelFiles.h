//===- ModelFiles.h - What stands beside the weights ------------*- C++ -*-===//
//
// Part of Marimba. The files of a model directory that the compiler does not
// need: the tokenizer, the tokens that end a text, the form of a conversation.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_MODELFILES_H
#define MARIMBA_TOOLS_LIBMARIMBA_MODELFILES_H

#include "marimba/ChatTemplate.h"
#include "marimba/EndTokens.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace marimba {
namespace rt {
class Tokenizer;
} // namespace rt

/// The tokenizer of a model directory (docs/tokenizers.md says from which
/// files), or that inside a GGUF file. `note`, if any, gets what was read
/// otherwise than a file says. On failure returns null and sets `error`.
std::unique_ptr<rt::Tokenizer>
loadTokenizer(llvm::StringRef modelDir, std::string &error,
              llvm::function_ref<void(llvm::StringRef)> note = {});

/// The name of the file of that in a directory; empty where it has none.
llvm::StringRef tokenizerFile(llvm::StringRef modelDir);

/// Whether the directory, or the GGUF file, has one of them.
bool hasTokenizer(llvm::StringRef modelDir);

/// The message for a directory without weights.
std::string missingWeightsMessage(llvm::StringRef modelDir);

/// The tokens that end an answer. Of a directory: `eos_token_id` (an integer or
/// a list) of generation_config.json, else those of the configuration,
/// `fromConfig`; with `tokenizer`, `eos_token` of tokenizer_config.json and
/// special tokens that are called as an end is (EndTokens.h). An empty list in
/// generation_config.json says that nothing ends an answer. Of a GGUF file:
/// what its keys name, and such tokens. `tokenizer` is null where there is
/// none. Nothing, with `error` set, where a file is malformed.
std::optional<std::vector<rt::EndToken>>
endTokens(llvm::StringRef modelDir, llvm::ArrayRef<int64_t> fromConfig,
          const rt::Tokenizer *tokenizer, std::string &error);

/// The ids alone.
std::optional<std::vector<int32_t>>
endOfTextIds(llvm::StringRef modelDir, llvm::ArrayRef<int64_t> fromConfig,
             const rt::Tokenizer *tokenizer, std::string &error);

/// The chat template of a directory or of a GGUF file called `name`, "default"
/// where that is empty. Null where there is none, with `error` set where one
/// was asked for or it cannot be read.
std::unique_ptr<rt::ChatTemplate> loadChatTemplate(llvm::StringRef modelDir,
                                                   const std::string &name,
                                                   std::string &error);

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_MODELFILES_H
