//===- PatternParser.h - The part of ECMA-262's expressions -----*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_GRAMMAR_PATTERNPARSER_H
#define MARIMBA_RUNTIME_GRAMMAR_PATTERNPARSER_H

#include "Rules.h"

#include <memory>
#include <optional>

namespace marimba::rt::grammar {

/// A part of an expression.
struct PatternNode {
  enum class Kind : uint8_t { Characters, Sequence, Choice, Repeat };
  Kind kind = Kind::Sequence;
  std::vector<CodeRange> ranges;
  std::vector<PatternNode> parts;
  uint32_t least = 1, most = 1;
};

/// An expression, as one of whole texts: where it does not begin with `^` or
/// end with `$`, any characters stand there.
struct Pattern {
  PatternNode root;
};

/// Nothing, and `problem`, where the expression is wrong or has what is not
/// supported: see docs/constrained-output.md.
std::optional<Pattern> parsePattern(std::string_view text,
                                    std::string &problem);

} // namespace marimba::rt::grammar

#endif // MARIMBA_RUNTIME_GRAMMAR_PATTERNPARSER_H
