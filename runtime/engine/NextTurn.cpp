//===- NextTurn.cpp - What an answer makes of the next prompt -------------===//

#include "marimba/ChatPrompt.h"

#include <algorithm>

namespace marimba::rt {

using Json = nlohmann::ordered_json;

/// What may come behind an answer: results of its calls, or a question.
static void addReply(Json &messages, const Json &answer, const char *text) {
  auto calls = answer.find("tool_calls");
  if (calls == answer.end() || calls->empty()) {
    messages.push_back({{"role", "user"}, {"content", text}});
    return;
  }
  for (const Json &call : *calls)
    messages.push_back({{"role", "tool"},
                        {"tool_call_id", call.value("id", Json())},
                        {"content", text}});
}

std::optional<ChatPrompt> ChatForm::nextTurn(const ChatRequest &request,
                                             const Json &answer) const {
  if (request.continuesLast || !answer.is_object())
    return std::nullopt;
  // What two replies have in common does not depend on the reply.
  std::vector<ChatPrompt> prompts;
  for (const char *text : {"x", "1"}) {
    ChatRequest next = request;
    next.messages.push_back(answer);
    std::string ignored;
    addReply(next.messages, answer, text);
    std::optional<ChatPrompt> made = prompt(next, ignored);
    if (!made)
      return std::nullopt;
    prompts.push_back(std::move(*made));
  }
  ChatPrompt &one = prompts.front();
  const ChatPrompt &other = prompts.back();
  auto same = std::ranges::mismatch(one.ids, other.ids).in1 - one.ids.begin();
  auto [end, otherEnd] =
      std::ranges::mismatch(one.boundaries, other.boundaries);
  while (end != one.boundaries.begin() && *std::prev(end) > same)
    --end;
  if (end == one.boundaries.begin())
    return std::nullopt;
  one.boundaries.erase(end, one.boundaries.end());
  one.ids.resize(static_cast<size_t>(one.boundaries.back()));
  one.text.clear();
  return std::move(one);
}

} // namespace marimba::rt
