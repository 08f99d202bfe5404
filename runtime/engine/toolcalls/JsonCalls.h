//===- JsonCalls.h - Calls as objects of JSON -------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_ENGINE_TOOLCALLS_JSONCALLS_H
#define MARIMBA_RUNTIME_ENGINE_TOOLCALLS_JSONCALLS_H

#include "CallReader.h"

namespace marimba::rt {

/// Calls are {"name": ..., "arguments": {...}}, alone or in a list, between
/// marks.
struct JsonCallStyle {
  std::vector<std::string_view> begins;
  std::string_view end = {}; // empty: the end of the last bracket
  /// An answer may be a call of a known function without a mark.
  bool mayBeBare = false;
};

std::unique_ptr<CallReader> makeJsonReader(JsonCallStyle style,
                                           std::span<const Tool> tools);

/// What stands around calls in a grammar.
struct JsonCallFrame {
  std::string open, between, close;
  std::string argumentsName = "arguments";
};

CallGrammar makeJsonGrammar(const JsonCallFrame &frame,
                            std::span<const Tool> tools,
                            const CallGrammarOptions &options);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_ENGINE_TOOLCALLS_JSONCALLS_H
