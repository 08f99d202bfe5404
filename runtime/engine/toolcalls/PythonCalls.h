//===- PythonCalls.h - Calls as Python writes them --------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_ENGINE_TOOLCALLS_PYTHONCALLS_H
#define MARIMBA_RUNTIME_ENGINE_TOOLCALLS_PYTHONCALLS_H

#include "marimba/ToolCalls.h"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace marimba::rt {

/// f(x=1, y='a')
struct PythonCall {
  std::string name;
  std::vector<std::pair<std::string, nlohmann::ordered_json>> arguments;
};

/// The JSON of the arguments, an object, of the types that the schema of `tool`
/// names; that may be null.
std::string writeArguments(const PythonCall &call, const Tool *tool);

/// What became of reading the beginning of a text.
enum class PythonRead {
  Whole, // the text has all of it
  Part,  // it may go on
  Bad    // it is something else
};

/// Reads a list of calls, [f(x=1), g()], at the start of `text`, and sets `end`
/// behind it. Values are literals of Python or JSON: texts, numbers, lists,
/// tuples, dictionaries, truth values, None. A quote ends a text only where a
/// value may end: models write 'it's' so.
PythonRead readPythonCalls(std::string_view text, size_t &end,
                           std::vector<PythonCall> &calls);

/// The same of one call, f(x=1), without a list around it.
PythonRead readPythonCall(std::string_view text, size_t &end, PythonCall &call);

/// The value that all of `text` is.
std::optional<nlohmann::ordered_json> readPythonValue(std::string_view text);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_ENGINE_TOOLCALLS_PYTHONCALLS_H
