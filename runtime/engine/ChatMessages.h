//===- ChatMessages.h - Messages as templates expect them -------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_ENGINE_CHATMESSAGES_H
#define MARIMBA_RUNTIME_ENGINE_CHATMESSAGES_H

#include "marimba/Thoughts.h"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace marimba::rt {

/// What a template makes of messages.
struct MessageStyle {
  /// Where it looks for thoughts.
  enum class Thoughts {
    Nowhere,
    Member,      // reasoning_content
    OtherMember, // thinking
    Content      // in front of the answer, between marks
  };
  Thoughts thoughts = Thoughts::Nowhere;
  ThoughtMarks marks;
  /// It knows the role "developer"; "system" otherwise.
  bool hasDeveloper = false;
  /// It wants the arguments of calls as text, not as objects.
  bool wantsArgumentText = false;

  /// That of a template with this source.
  static MessageStyle of(std::string_view source);
};

/// OpenAI's `messages` as templates expect them: contents are texts, arguments
/// objects, and members that say nothing are left out. Others are kept as they
/// are. Null and `error`, which names the message and its field, where they are
/// not allowed.
nlohmann::ordered_json readMessages(const nlohmann::ordered_json &messages,
                                    const MessageStyle &style,
                                    std::string &error);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_ENGINE_CHATMESSAGES_H
