//===- Stream.cpp - Replies as server-sent events -------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/Stream.h"

using namespace marimba::server;

bool EventStream::line(std::string_view text) {
  return writer.write("data: " + std::string(text) + "\n\n");
}

bool EventStream::named(std::string_view event, const Json &value) {
  return writer.write("event: " + std::string(event) +
                      "\ndata: " + writeJson(value) + "\n\n");
}

bool EventStream::comment(std::string_view text) {
  return writer.write(": " + std::string(text) + "\n\n");
}

bool EventStream::fail(const ApiError &error) {
  return error.message.empty() || line(error.json());
}

void marimba::server::beginEvents(Reply &reply,
                                  std::function<void(EventStream &)> write) {
  reply.type = "text/event-stream";
  // Proxies on the way are not to collect them.
  reply.headers.emplace_back("Cache-Control", "no-cache");
  reply.headers.emplace_back("X-Accel-Buffering", "no");
  reply.stream = [write = std::move(write)](Writer &writer) {
    EventStream stream(writer);
    write(stream);
  };
}
