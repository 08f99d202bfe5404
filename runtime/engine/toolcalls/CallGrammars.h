//===- CallGrammars.h - Pieces of grammars of calls -------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_ENGINE_TOOLCALLS_CALLGRAMMARS_H
#define MARIMBA_RUNTIME_ENGINE_TOOLCALLS_CALLGRAMMARS_H

#include "SchemaTypes.h"
#include "marimba/ToolCalls.h"

#include <functional>
#include <string>
#include <string_view>

namespace marimba::rt {

/// `text` as GBNF writes it, with its quotes.
std::string quoteGbnf(std::string_view text);

/// `text` in quotes, but for those of `tokens`, which stand for themselves: an
/// expression of GBNF with a space in front of each part.
std::string writeMarks(std::string_view text,
                       const std::vector<std::string> &tokens);

/// Makes the grammar of answers that are calls and nothing else.
class CallGrammarMaker {
public:
  /// Calls are between `open` and `close`, several have `between` between them.
  CallGrammar make(std::span<const Tool> tools,
                   const CallGrammarOptions &options, std::string_view open,
                   std::string_view between, std::string_view close);

  /// What the call of a tool, of that number, is: an expression of GBNF.
  std::function<std::string(const Tool &tool, size_t number)> call;

  /// Adds a rule; gives its name.
  std::string rule(const std::string &name, const std::string &body) {
    grammar.gbnf += name + " ::= " + body + "\n";
    return name;
  }
  /// Adds a rule of what fits a schema.
  std::string schema(const std::string &name, nlohmann::ordered_json schema);
  /// Adds a rule of any text up to `end`, and that.
  std::string text(const std::string &name, std::string_view end);

private:
  CallGrammar grammar;
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_ENGINE_TOOLCALLS_CALLGRAMMARS_H
