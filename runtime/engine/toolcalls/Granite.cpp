//===- Granite.cpp - Calls of Granite 3 -----------------------------------===//
//
// <|tool_call|>[{"name": "f", "arguments": {"x": 1}}]
//
// Granite 4 writes as Hermes does.
//
//===----------------------------------------------------------------------===//

#include "JsonCalls.h"
#include "ToolCallForms.h"

namespace marimba::rt {

const ToolCallForm kGraniteCalls = {
    .name = "granite",
    .marks = {"<|tool_call|>"},
    .isOf =
        [](std::string_view source) {
          return source.find("<|tool_call|>") != source.npos;
        },
    .makeReader =
        [](std::span<const Tool> tools) {
          // Where the mark is no token of its own, some write the other one.
          return makeJsonReader({.begins = {"<|tool_call|>", "<tool_call>"}},
                                tools);
        },
    .grammar =
        [](std::span<const Tool> tools, const CallGrammarOptions &options) {
          return makeJsonGrammar(
              {.open = "<|tool_call|>[", .between = ", ", .close = "]"}, tools,
              options);
        },
};

} // namespace marimba::rt
