//===- PlainForm.h - Conversations without a template -----------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_ENGINE_PLAINFORM_H
#define MARIMBA_RUNTIME_ENGINE_PLAINFORM_H

#include "marimba/ChatTemplate.h"
#include "marimba/Tokenizer.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace marimba::rt {

/// Where a model would speak for the user.
inline constexpr std::string_view kPlainStop = "\nUser:";

/// The form of a conversation where the model has none of its own.
std::string renderPlain(std::span<const ChatMessage> messages,
                        bool addGenerationPrompt);

/// Those of `texts` that are special tokens, which texts leave out otherwise.
std::vector<int32_t> specialTokens(const Tokenizer &tokenizer,
                                   const std::vector<std::string_view> &texts);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_ENGINE_PLAINFORM_H
