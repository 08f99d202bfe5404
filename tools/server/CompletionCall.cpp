//===- CompletionCall.cpp - What asks for a text to go on -----------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/CompletionCall.h"

#include "marimba/formats/JsonText.h"
#include <algorithm>

using namespace marimba;
using namespace marimba::server;

/// The ids in a list of integers; nothing where it is none.
static std::optional<std::vector<int32_t>> readIds(const Json &list) {
  std::vector<int32_t> ids;
  if (!list.is_array() || list.empty())
    return std::nullopt;
  for (const Json &one : list) {
    std::optional<int64_t> id = rt::integerIn(one, 0, INT32_MAX);
    if (!id)
      return std::nullopt;
    ids.push_back(static_cast<int32_t>(*id));
  }
  return ids;
}

std::vector<TextInput> server::readInputs(Fields &fields, std::string_view name,
                                          size_t most) {
  std::vector<TextInput> inputs;
  auto add = [&](const Json &value, std::string param) {
    TextInput input;
    input.param = std::move(param);
    if (value.is_string()) {
      input.text = value.get<std::string>();
    } else if (std::optional<std::vector<int32_t>> ids = readIds(value)) {
      input.ids = std::move(*ids);
      input.isText = false;
    } else {
      return false;
    }
    inputs.push_back(std::move(input));
    return true;
  };
  const Json *found = fields.find(name);
  bool good = found && add(*found, fields.path(name));
  if (found && !good && found->is_array() && !found->empty() &&
      found->size() <= most) {
    good = true;
    for (size_t i = 0; good && i < found->size(); ++i)
      good =
          add((*found)[i], fields.path(name) + "[" + std::to_string(i) + "]");
  }
  if (!good) {
    inputs.clear();
    fields.fail(name, "a text, a list of token ids, or a list of at most " +
                          std::to_string(most) + " of them");
  }
  return inputs;
}

std::optional<CompletionCall> server::parseCompletion(
    const Json &body, const rt::GenerationDefaults &defaults, ApiError &error) {
  constexpr int64_t usualTokens = 16; // OpenAI's
  error = {.message = ""};
  CompletionCall call;
  Fields fields(body, error);
  fields.text("model");
  call.prompts = readInputs(fields, "prompt", kMostPrompts);
  readAnswerFields(fields, defaults, call.answer);
  call.answer.maxTokens =
      fields.integer("max_tokens", 1, INT32_MAX).value_or(usualTokens);
  if (std::optional<int64_t> count =
          fields.integer("logprobs", 0, kMostLikeliest))
    call.answer.likeliest = static_cast<int32_t>(*count);
  call.echoes = fields.flag("echo").value_or(false);
  if (call.echoes && call.answer.likeliest)
    fields.fail("echo", "no logprobs beside it");
  fields.refuse("suffix", "is not known here", {"\"\""});
  fields.refuse("best_of", "is not known here; n gives as many answers",
                {"1", std::to_string(call.answer.choices)});
  readResponseFormat(fields, call.form);
  if (static_cast<size_t>(call.answer.choices) * call.prompts.size() >
      kMostPrompts)
    fields.fail("n", "at most " + std::to_string(kMostPrompts) +
                         " answers to all prompts together");
  if (!fields.good())
    return std::nullopt;
  return call;
}
