//===- Jamba.cpp - Calls of Jamba -----------------------------------------===//
//
// <tool_calls>[
//   {"name": "f", "arguments": {"x": 1}}
// ]</tool_calls>
//
//===----------------------------------------------------------------------===//

#include "JsonCalls.h"
#include "ToolCallForms.h"

namespace marimba::rt {

const ToolCallForm kJambaCalls = {
    .name = "jamba",
    .marks = {"<tool_calls>", "</tool_calls>"},
    .isOf =
        [](std::string_view source) {
          return source.find("<tool_calls>") != source.npos;
        },
    .makeReader =
        [](std::span<const Tool> tools) {
          return makeJsonReader(
              {.begins = {"<tool_calls>"}, .end = "</tool_calls>"}, tools);
        },
    .grammar =
        [](std::span<const Tool> tools, const CallGrammarOptions &options) {
          return makeJsonGrammar({.open = "<tool_calls>[\n  ",
                                  .between = ",\n  ",
                                  .close = "\n]</tool_calls>"},
                                 tools, options);
        },
};

} // namespace marimba::rt
