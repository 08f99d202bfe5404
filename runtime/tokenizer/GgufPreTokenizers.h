//===- GgufPreTokenizers.h - What tokenizer.ggml.pre names ------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TOKENIZER_GGUFPRETOKENIZERS_H
#define MARIMBA_RUNTIME_TOKENIZER_GGUFPRETOKENIZERS_H

#include "Field.h"

namespace marimba::rt::text {

/// What comes before and beside the merges of a byte-level vocabulary.
struct GgufPreTokenizer {
  Json normalizer;   ///< As in tokenizer.json, maybe null.
  Json preTokenizer; ///< As in tokenizer.json.
  bool ignoresMerges = false;
  bool addsStart = false;
};

/// That of `name`, empty where the file names none; throws FieldError where
/// there is none of that name.
GgufPreTokenizer createGgufPreTokenizer(std::string_view name);

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TOKENIZER_GGUFPRETOKENIZERS_H
