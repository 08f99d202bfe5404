//===- Nemotron.cpp - Calls of Nemotron -----------------------------------===//
//
// <TOOLCALL>[{"name": "f", "arguments": {"x": 1}}]</TOOLCALL>
//
// Nemotron 3 writes as Qwen3-Coder does.
//
//===----------------------------------------------------------------------===//

#include "JsonCalls.h"
#include "ToolCallForms.h"

namespace marimba::rt {

const ToolCallForm kNemotronCalls = {
    .name = "nemotron",
    .marks = {"<TOOLCALL>", "</TOOLCALL>"},
    .isOf =
        [](std::string_view source) {
          return source.find("<TOOLCALL>") != source.npos;
        },
    .makeReader =
        [](std::span<const Tool> tools) {
          return makeJsonReader(
              {.begins = {"<TOOLCALL>"}, .end = "</TOOLCALL>"}, tools);
        },
    .grammar =
        [](std::span<const Tool> tools, const CallGrammarOptions &options) {
          return makeJsonGrammar(
              {.open = "<TOOLCALL>[", .between = ", ", .close = "]</TOOLCALL>"},
              tools, options);
        },
};

} // namespace marimba::rt
