//===- EndTokens.h - Tokens that end an answer ------------------*- C++ -*-===//
//
// Many models name one token that ends a text and leave the end of a turn to
// whoever knows what it is called. The names are those that llama.cpp knows.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_ENDTOKENS_H
#define MARIMBA_ENDTOKENS_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace marimba::rt {

class Tokenizer;

/// A token that ends an answer, and who says so: "vocabulary", or a file or a
/// key and its field.
struct EndToken {
  int32_t id;
  std::string from;
};

/// Whether a token with this text ends a turn or a text, whatever vocabulary it
/// is in, such as "<|im_end|>".
bool isEndText(std::string_view text);

/// Appends to `ends` the special tokens of `tokenizer` that have such a text
/// and are not in there yet. `infill`: those between the files of an infill,
/// too, such as "<|file_sep|>", as llama.cpp has it. Of two that exclude each
/// other (in GPT-OSS "<|end|>" ends a message, not a turn) one is left out.
void appendVocabularyEnds(const Tokenizer &tokenizer, bool infill,
                          std::vector<EndToken> &ends);

} // namespace marimba::rt

#endif // MARIMBA_ENDTOKENS_H
