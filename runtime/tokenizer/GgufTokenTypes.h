//===- GgufTokenTypes.h - What kinds of tokens there are --------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TOKENIZER_GGUFTOKENTYPES_H
#define MARIMBA_RUNTIME_TOKENIZER_GGUFTOKENTYPES_H

#include <cstdint>

namespace marimba::rt::text {

/// As tokenizer.ggml.token_type numbers them.
enum TokenType : int32_t {
  Normal = 1,
  Unknown,
  Control,
  UserDefined,
  Unused,
  Byte
};

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TOKENIZER_GGUFTOKENTYPES_H
