//===- GgufTokenizerKeys.h - A directory's tokenizer as keys ----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_QUANTIZE_GGUFTOKENIZERKEYS_H
#define MARIMBA_TOOLS_QUANTIZE_GGUFTOKENIZERKEYS_H

#include "importer/Importer.h"
#include "importer/gguf/GgufMetadata.h"

namespace marimba {

/// Adds the keys of the tokenizer, of the special tokens and of the chat
/// template of a model directory. Without a tokenizer the model is "none". One
/// that such keys cannot say, or that would read texts otherwise, is left out,
/// too: `notes` then say so. False, with `error` set, where a file is
/// malformed.
bool addTokenizerKeys(llvm::StringRef modelDir,
                      const mlir::marimba::ModelInfo &info,
                      mlir::marimba::GgufMetadata &metadata,
                      std::vector<std::string> &notes, std::string &error);

} // namespace marimba

#endif // MARIMBA_TOOLS_QUANTIZE_GGUFTOKENIZERKEYS_H
