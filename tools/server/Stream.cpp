//===- Stream.cpp - Replies as server-sent events -------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/Stream.h"

using namespace marimba::server;

bool EventStream::add(std::string_view text) {
  // Who reads slowly is to be noticed before much is in memory.
  constexpr size_t most = 32 * 1024;
  pending += text;
  return pending.size() < most ? good : flush();
}

bool EventStream::flush() {
  if (good && !pending.empty())
    good = writer.write(pending);
  pending.clear();
  return good;
}

bool EventStream::line(std::string_view text) {
  return add("data: ") && add(text) && add("\n\n");
}

bool EventStream::named(std::string_view event, const Json &value) {
  return add("event: ") && add(event) && add("\n") && data(value);
}

bool EventStream::comment(std::string_view text) {
  return add(": ") && add(text) && add("\n\n");
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
    stream.flush();
  };
}
