//===- ResponseItems.cpp - The output of OpenAI's responses ---------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/ResponseItems.h"

#include <utility>

using namespace marimba;
using namespace marimba::server;
using EventKind = rt::AnswerEvent::Kind;

static Json textPart(const std::string &text) {
  return {{"type", "output_text"},
          {"text", text},
          {"annotations", Json::array()},
          {"logprobs", Json::array()}};
}

static Json thoughtPart(const std::string &text) {
  return {{"type", "reasoning_text"}, {"text", text}};
}

Json ResponseItems::about(bool withContent) const {
  Json event = {{"item_id", items.back()["id"]},
                {"output_index", items.size() - 1}};
  if (withContent)
    event["content_index"] = 0;
  return event;
}

bool ResponseItems::open(Kind next, Json item) {
  if (kind != Kind::None && !close("completed"))
    return false;
  kind = next;
  text.clear();
  items.push_back(std::move(item));
  if (!tell("response.output_item.added",
            {{"output_index", items.size() - 1}, {"item", items.back()}}))
    return false;
  if (kind == Kind::Call)
    return true;
  Json event = about(/*withContent=*/true);
  event["part"] = kind == Kind::Message ? textPart("") : thoughtPart("");
  return tell("response.content_part.added", std::move(event));
}

bool ResponseItems::addText(const rt::AnswerEvent &event) {
  bool isMessage = event.kind == EventKind::Text;
  Kind wanted = isMessage ? Kind::Message : Kind::Reasoning;
  if (kind != wanted) {
    Json item = isMessage ? Json{{"id", Service::newId("msg_")},
                                 {"type", "message"},
                                 {"status", "in_progress"},
                                 {"role", "assistant"},
                                 {"content", Json::array()}}
                          : Json{{"id", Service::newId("rs_")},
                                 {"type", "reasoning"},
                                 {"summary", Json::array()},
                                 {"content", Json::array()}};
    if (!open(wanted, std::move(item)))
      return false;
  }
  text += event.text;
  Json delta = about(/*withContent=*/true);
  delta["delta"] = event.text;
  if (isMessage)
    delta["logprobs"] = Json::array();
  return tell(isMessage ? "response.output_text.delta"
                        : "response.reasoning_text.delta",
              std::move(delta));
}

bool ResponseItems::add(const rt::AnswerEvent &event) {
  switch (event.kind) {
  case EventKind::Reasoning:
  case EventKind::Text:
    return addText(event);
  case EventKind::CallBegun:
    return open(Kind::Call, {{"id", Service::newId("fc_")},
                             {"type", "function_call"},
                             {"status", "in_progress"},
                             {"call_id", event.id},
                             {"name", event.name},
                             {"arguments", ""}});
  case EventKind::Arguments: {
    text += event.text;
    Json delta = about(/*withContent=*/false);
    delta["delta"] = event.text;
    return tell("response.function_call_arguments.delta", std::move(delta));
  }
  case EventKind::CallEnded:
    return close("completed");
  }
  return true;
}

bool ResponseItems::close(const char *status) {
  Json &item = items.back();
  Json done = about(kind != Kind::Call);
  Kind was = std::exchange(kind, Kind::None);
  if (was == Kind::Call) {
    item["arguments"] = done["arguments"] = text;
    item["status"] = status;
    done["name"] = item["name"];
    if (!tell("response.function_call_arguments.done", std::move(done)))
      return false;
  } else {
    bool isMessage = was == Kind::Message;
    Json part = isMessage ? textPart(text) : thoughtPart(text);
    item["content"].push_back(part);
    if (isMessage)
      item["status"] = status;
    Json ended = done;
    done["text"] = text;
    if (isMessage)
      done["logprobs"] = Json::array();
    ended["part"] = std::move(part);
    if (!tell(isMessage ? "response.output_text.done"
                        : "response.reasoning_text.done",
              std::move(done)) ||
        !tell("response.content_part.done", std::move(ended)))
      return false;
  }
  return tell("response.output_item.done",
              {{"output_index", items.size() - 1}, {"item", items.back()}});
}

bool ResponseItems::finish(bool cut) {
  return kind == Kind::None || close(cut ? "incomplete" : "completed");
}
