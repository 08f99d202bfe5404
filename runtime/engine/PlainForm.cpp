//===- PlainForm.cpp - Conversations without a template -------------------===//

#include "PlainForm.h"

namespace marimba::rt {

std::string renderPlain(std::span<const ChatMessage> messages,
                        bool addGenerationPrompt) {
  std::string text;
  for (const ChatMessage &message : messages) {
    if (message.role == "system")
      text += message.content + "\n\n";
    else if (message.role == "user")
      text += "User: " + message.content + "\n";
    else
      text += "Assistant:" + message.content + "\n";
  }
  return text + (addGenerationPrompt ? "Assistant:" : "");
}

std::vector<int32_t> specialTokens(const Tokenizer &tokenizer,
                                   const std::vector<std::string_view> &texts) {
  std::vector<int32_t> ids;
  for (std::string_view text : texts)
    if (std::optional<int32_t> id = tokenizer.tokenToId(text))
      if (tokenizer.isSpecial(*id))
        ids.push_back(*id);
  return ids;
}

} // namespace marimba::rt
