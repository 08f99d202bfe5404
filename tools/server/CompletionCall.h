//===- CompletionCall.h - What asks for a text to go on ---------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_COMPLETIONCALL_H
#define MARIMBA_TOOLS_SERVER_COMPLETIONCALL_H

#include "tools/server/AnswerFields.h"
#include "tools/server/OutputForm.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace marimba::server {

/// A text, or the ids of its tokens.
struct TextInput {
  std::string text;
  std::vector<int32_t> ids;
  bool isText = true;
  std::string param; // "prompt[2]"
};

/// A member that is one text, a list of texts, a list of ids, or a list of
/// those: at most `most` inputs.
std::vector<TextInput> readInputs(Fields &fields, std::string_view name,
                                  size_t most);

/// A request for the continuation of texts.
struct CompletionCall {
  std::vector<TextInput> prompts; // one at least
  AnswerFields answer;
  OutputForm form;
  bool echoes = false; // the prompt stands in front of the answer
};

/// The most prompts in one request.
inline constexpr size_t kMostPrompts = 256;

/// That of /v1/completions. Nothing, and `error`, where it is not allowed.
std::optional<CompletionCall>
parseCompletion(const Json &body, const rt::GenerationDefaults &defaults,
                ApiError &error);

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_COMPLETIONCALL_H
