//===- ModelFiles.h - What stands beside the weights ------------*- C++ -*-===//
//
// Part of Marimba. The files of a model directory that the compiler does not
// need: the tokenizer and the tokens that end a text.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_MODELFILES_H
#define MARIMBA_TOOLS_LIBMARIMBA_MODELFILES_H

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

/// The ids that end a text: `eos_token_id` (an integer or a list) of
/// generation_config.json, else those of the configuration, `fromConfig`.
/// Nothing, with `error` set, where the file is malformed.
std::optional<std::vector<int32_t>>
endOfTextIds(llvm::StringRef modelDir, llvm::ArrayRef<int64_t> fromConfig,
             std::string &error);

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_MODELFILES_H
