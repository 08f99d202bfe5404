//===- GgufPreTokenizers.h - What tokenizer.ggml.pre names ------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TOKENIZER_GGUFPRETOKENIZERS_H
#define MARIMBA_RUNTIME_TOKENIZER_GGUFPRETOKENIZERS_H

#include "Field.h"

#include <vector>

namespace marimba::rt::text {

/// What comes before and beside the merges of a byte-level vocabulary.
struct GgufPreTokenizer {
  Json normalizer;   ///< As in tokenizer.json, maybe null.
  Json preTokenizer; ///< As in tokenizer.json.
  bool ignoresMerges = false;
  bool addsStart = false;
  /// As addsStart, whatever the file says.
  bool alwaysStarts = false;
  /// Tokens are texts, not bytes as GPT-2 writes them; what is no token becomes
  /// the tokens of its bytes.
  bool isRaw = false;
  /// Of isRaw: spaces are U+2581.
  bool marksSpaces = false;
  /// Line ends that are a token together are that token, whatever merges give.
  bool keepsLineEnds = false;
};

/// All that there are, without the empty one.
std::vector<std::string_view> ggufPreTokenizerNames();

/// That of `name`, empty where the file names none; throws FieldError where
/// there is none of that name, with the
/// nearest that there is.
GgufPreTokenizer createGgufPreTokenizer(std::string_view name);

/// The inverse: the name of what a tokenizer.json has, its members of these
/// names; throws FieldError where llama.cpp has no such splitting.
std::string findGgufPreTokenizer(const Json &normalizer,
                                 const Json &preTokenizer, bool ignoresMerges);

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TOKENIZER_GGUFPRETOKENIZERS_H
