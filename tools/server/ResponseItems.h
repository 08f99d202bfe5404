//===- ResponseItems.h - The output of OpenAI's responses -------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_RESPONSEITEMS_H
#define MARIMBA_TOOLS_SERVER_RESPONSEITEMS_H

#include "tools/server/ChatJob.h"

#include <functional>

namespace marimba::server {

/// Makes items of an answer: thoughts, a message, calls; one after the other,
/// each with the events that tell a stream of it.
class ResponseItems {
public:
  /// Hears of an event, without its type and number; false where nobody reads.
  using EventFn = std::function<bool(const char *type, Json event)>;
  explicit ResponseItems(EventFn tell) : tell(std::move(tell)) {}

  bool add(const rt::AnswerEvent &event);
  /// At the end; `cut`: the answer had as many tokens as it may have.
  bool finish(bool cut);
  const Json &output() const { return items; }

private:
  enum class Kind { None, Reasoning, Message, Call };
  bool open(Kind kind, Json item);
  bool close(const char *status);
  bool addText(const rt::AnswerEvent &event);
  /// An event about the open item.
  Json about(bool withContent) const;

  EventFn tell;
  Json items = Json::array();
  Kind kind = Kind::None; // of the last item, while it is open
  std::string text;       // of it, or its arguments
};

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_RESPONSEITEMS_H
