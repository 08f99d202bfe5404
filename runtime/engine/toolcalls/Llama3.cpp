//===- Llama3.cpp - Calls of Llama 3 --------------------------------------===//
//
// {"name": "f", "parameters": {"x": 1}}
//
// That is all of an answer, with <|python_tag|> in front or without.
//
//===----------------------------------------------------------------------===//

#include "JsonCalls.h"
#include "ToolCallForms.h"

namespace marimba::rt {

const ToolCallForm kLlama3Calls = {
    .name = "llama3",
    .marks = {"<|python_tag|>"},
    .isOf =
        [](std::string_view source) {
          auto has = [&](std::string_view text) {
            return source.find(text) != source.npos;
          };
          return has("<|python_tag|>") ||
                 (has("<|start_header_id|>") && has("\"parameters\""));
        },
    .makeReader =
        [](std::span<const Tool> tools) {
          return makeJsonReader(
              {.begins = {"<|python_tag|>"}, .mayBeBare = true}, tools);
        },
    .grammar =
        [](std::span<const Tool> tools, const CallGrammarOptions &options) {
          return makeJsonGrammar({.open = "",
                                  .between = "; ",
                                  .close = "",
                                  .argumentsName = "parameters"},
                                 tools, options);
        },
};

} // namespace marimba::rt
