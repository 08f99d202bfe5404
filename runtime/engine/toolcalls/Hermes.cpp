//===- Hermes.cpp - Calls of Hermes, Qwen and Granite 4 -------------------===//
//
// <tool_call>
// {"name": "f", "arguments": {"x": 1}}
// </tool_call>
//
//===----------------------------------------------------------------------===//

#include "JsonCalls.h"
#include "ToolCallForms.h"

namespace marimba::rt {

const ToolCallForm kHermesCalls = {
    .name = "hermes",
    .marks = {"<tool_call>", "</tool_call>"},
    .isOf =
        [](std::string_view source) {
          return source.find("<tool_call>") != source.npos;
        },
    .makeReader =
        [](std::span<const Tool> tools) {
          return makeJsonReader(
              {.begins = {"<tool_call>"}, .end = "</tool_call>"}, tools);
        },
    .grammar =
        [](std::span<const Tool> tools, const CallGrammarOptions &options) {
          return makeJsonGrammar({.open = "<tool_call>\n",
                                  .between = "\n</tool_call>\n<tool_call>\n",
                                  .close = "\n</tool_call>"},
                                 tools, options);
        },
};

} // namespace marimba::rt
