//===- RwkvModel.h - The tokenizer of RWKV World ----------------*- C++ -*-===//
//
// The longest token that the text starts with, then the longest that the rest
// starts with, and so on, over bytes. Tokens are written as Python writes bytes
// (`\n`, `\x80`): a token need not be whole characters.
// https://github.com/BlinkDL/ChatRWKV/blob/main/tokenizer/rwkv_tokenizer.py
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_TOKENIZER_RWKVMODEL_H
#define MARIMBA_RUNTIME_TOKENIZER_RWKVMODEL_H

#include "Pipeline.h"
#include "Vocab.h"

namespace marimba::rt::text {

/// The bytes that `token` spells; nothing where it ends within an escape, or
/// where \x is not followed by two hexadecimal digits.
std::optional<std::string> unescapeBytes(std::string_view token);

/// A byte that starts no token becomes `unknownId`, or is lost. Every token of
/// `vocab` must be one that unescapeBytes() takes.
std::unique_ptr<Model> createRwkvModel(Vocab vocab,
                                       std::optional<int32_t> unknownId);
std::unique_ptr<Decoder> createRwkvDecoder();

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TOKENIZER_RWKVMODEL_H
