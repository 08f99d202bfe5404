//===- Lexer.h - The tokens of a chat template ------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TEMPLATE_LEXER_H
#define MARIMBA_RUNTIME_TEMPLATE_LEXER_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace marimba::rt::jinja {

struct Token {
  enum class Kind {
    Text,       // printed as it is
    BeginPrint, // {{
    EndPrint,   // }}
    BeginBlock, // {%
    EndBlock,   // %}
    Name,
    String, // its value
    Int,
    Float,
    Operator,
    End,
  };
  Kind kind;
  std::string text; // a name, an operator, the value of a string
  int line;
  int64_t integer = 0;
  double number = 0;

  bool isName(std::string_view name) const {
    return kind == Kind::Name && text == name;
  }
  bool isOperator(std::string_view op) const {
    return kind == Kind::Operator && text == op;
  }
};

/// The tokens of `source` (valid UTF-8), the last one of kind End. White space
/// around blocks goes as with trim_blocks and lstrip_blocks, which is how
/// transformers sets up Jinja, and as `-` and `+` say. Throws Error.
std::vector<Token> tokenize(std::string_view source);

} // namespace marimba::rt::jinja

#endif // MARIMBA_RUNTIME_TEMPLATE_LEXER_H
