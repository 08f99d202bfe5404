//===- Program.h - Rules as the automaton reads them ------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_GRAMMAR_PROGRAM_H
#define MARIMBA_RUNTIME_GRAMMAR_PROGRAM_H

#include "Rules.h"

#include <memory>
#include <string>
#include <vector>

namespace marimba::rt::grammar {

/// One thing that an alternative of a rule consists of.
struct Element {
  enum class Kind : uint8_t {
    End,    // of the alternative
    Bytes,  // one byte of sets[index]
    Token,  // one token, tokens[index]
    Rule,   // rule `index`
    Repeat, // rule `index`, `least` to `most` times
  };
  Kind kind = Kind::End;
  uint32_t index = 0;
  uint32_t least = 0, most = 0;
};

/// Alternatives of all rules, one behind the other. What is repeated never
/// matches the empty text, and no rule begins with itself.
struct Program {
  static constexpr size_t kMostElements = size_t(1) << 21;

  std::vector<Element> elements;
  /// Where the alternatives of rule R begin:
  /// starts[firstStart[R]] to starts[firstStart[R + 1]], end excluded.
  std::vector<uint32_t> starts, firstStart;
  std::vector<ByteSet> sets;
  std::vector<TokenMatch> tokens;
  uint32_t root = 0;
};

/// Null, and one line in `error`, where a rule begins with itself (it is
/// named), nothing matches `root`, or the rules are too large.
std::shared_ptr<const Program> lower(RuleSet rules, RuleId root,
                                     std::string &error);

} // namespace marimba::rt::grammar

#endif // MARIMBA_RUNTIME_GRAMMAR_PROGRAM_H
