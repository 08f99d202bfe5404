//===- Connection.cpp - One connection of a client ------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/Connection.h"

#include <algorithm>
#include <cerrno>
#include <poll.h>
#include <sys/socket.h>

using namespace marimba::server;
using std::chrono::milliseconds;

Connection::Connection(int socket, const ConnectionLimits &limits,
                       std::atomic<size_t> &bodyBytes)
    : socket(socket), limits(limits), bodyBytes(bodyBytes) {}

Connection::~Connection() { bodyBytes -= reserved; }

/// Milliseconds for poll().
static int until(std::chrono::steady_clock::time_point deadline) {
  auto left = std::chrono::duration_cast<milliseconds>(
      deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::max<int64_t>(left.count(), 0));
}

bool Connection::receive(Clock::time_point deadline) {
  char buffer[16384];
  for (;;) {
    if (Clock::now() >= deadline)
      return false;
    ssize_t count = recv(socket, buffer, sizeof(buffer), 0);
    if (count > 0)
      pending.append(buffer, static_cast<size_t>(count));
    if (count >= 0)
      return count > 0;
    if (errno == EINTR)
      continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK)
      return false;
    pollfd one = {socket, POLLIN, 0};
    if (poll(&one, 1, until(deadline)) == 0)
      return false;
  }
}

bool Connection::reserve(size_t bytes, ApiError &error) {
  size_t before = bodyBytes.fetch_add(bytes);
  reserved += bytes;
  if (before + bytes <= limits.bodies)
    return true;
  error = {.status = 503,
           .message = "the bodies of requests that come at once are too large "
                      "together; try again later",
           .code = "overloaded"};
  return false;
}

static ApiError largeBody(size_t most) {
  return {.status = 413,
          .message =
              "the body: expected at most " + std::to_string(most) + " bytes",
          .code = "request_too_large"};
}

std::optional<RawRequest> Connection::readRequest(const Gate &mayRead,
                                                  ApiError &error) {
  bodyBytes -= reserved;
  reserved = 0;
  // Some clients send an empty line behind a body.
  auto skipLine = [&] {
    size_t at = 0;
    while (pending.compare(at, 2, "\r\n") == 0)
      at += 2;
    pending.erase(0, at);
  };
  auto deadline = Clock::now() + limits.idle;
  for (skipLine(); pending.empty() || pending == "\r"; skipLine())
    if (!receive(deadline))
      return std::nullopt;
  deadline = Clock::now() + limits.headTime;
  size_t end = 0;
  while ((end = pending.find("\r\n\r\n")) == std::string::npos &&
         pending.size() <= limits.head)
    if (!receive(deadline)) {
      if (Clock::now() >= deadline)
        error = {.status = 408, .message = "the header did not come in time"};
      return std::nullopt;
    }
  if (end == std::string::npos || end + 4 > limits.head) {
    error = {.status = 431,
             .message = "the header: expected at most " +
                        std::to_string(limits.head) + " bytes"};
    return std::nullopt;
  }
  std::optional<RequestHead> head =
      RequestHead::parse(std::string_view(pending).substr(0, end + 4), error);
  if (!head || (head->hasBody() && mayRead && !mayRead(*head, error)))
    return std::nullopt;
  pending.erase(0, end + 4);
  RawRequest request;
  if (!readBody(*head, request.body, error))
    return std::nullopt;
  // Its memory would be kept as long as the connection.
  pending.shrink_to_fit();
  request.head = std::move(head->text) + "\r\n";
  return request;
}

bool Connection::receiveCounted(size_t bytes, Clock::time_point deadline,
                                ApiError &error) {
  // What was announced and does not come is no reason to refuse others.
  size_t counted = 0;
  do {
    size_t have = std::min(pending.size(), bytes);
    if (!reserve(have - counted, error))
      return false;
    counted = have;
  } while (counted < bytes && receive(deadline));
  return true;
}

bool Connection::readBody(const RequestHead &head, std::string &body,
                          ApiError &error) {
  if (head.length > limits.body) {
    error = largeBody(limits.body);
    return false;
  }
  if (head.waits && (head.chunked || head.length > pending.size()) &&
      !write("HTTP/1.1 100 Continue\r\n\r\n"))
    return false;
  auto deadline = Clock::now() + limits.bodyTime;
  if (head.chunked) {
    if (readChunks(body, deadline, error))
      return true;
  } else {
    if (!receiveCounted(head.length, deadline, error))
      return false;
    if (pending.size() >= head.length) {
      body = pending.substr(0, head.length);
      pending.erase(0, head.length);
      return true;
    }
  }
  if (error.message.empty() && Clock::now() >= deadline)
    error = {.status = 408, .message = "the body did not come in time"};
  return false;
}

std::optional<std::string> Connection::readLine(Clock::time_point deadline) {
  size_t end = 0;
  while ((end = pending.find("\r\n")) == std::string::npos)
    if (pending.size() > limits.head || !receive(deadline))
      return std::nullopt;
  std::string line = pending.substr(0, end);
  pending.erase(0, end + 2);
  return line;
}

bool Connection::readChunks(std::string &body, Clock::time_point deadline,
                            ApiError &error) {
  for (;;) {
    std::optional<std::string> line = readLine(deadline);
    if (!line)
      return false;
    std::optional<size_t> size = parseChunkSize(*line);
    if (!size) {
      error = {.message = "the body: expected the size of a chunk"};
      return false;
    }
    if (*size > limits.body || body.size() + *size > limits.body) {
      error = largeBody(limits.body);
      return false;
    }
    if (*size == 0)
      break;
    if (!receiveCounted(*size + 2, deadline, error) ||
        pending.size() < *size + 2)
      return false;
    body.append(pending, 0, *size);
    if (pending.compare(*size, 2, "\r\n") != 0) {
      error = {.message = "the body: a chunk is longer than its size"};
      return false;
    }
    pending.erase(0, *size + 2);
  }
  // Trailers, of which there are few.
  size_t bytes = 0;
  for (;;) {
    std::optional<std::string> line = readLine(deadline);
    if (!line || (bytes += line->size()) > limits.head)
      return false;
    if (line->empty())
      return true;
  }
}

bool Connection::write(std::string_view text) {
  // Slow readers get what they ask for, at 64 KiB a second at least.
  auto deadline = Clock::now() + limits.write + milliseconds(text.size() / 64);
  while (!text.empty()) {
    ssize_t count = send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    if (count >= 0) {
      text.remove_prefix(static_cast<size_t>(count));
      continue;
    }
    if (errno == EINTR)
      continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK)
      return false;
    pollfd one = {socket, POLLOUT, 0};
    if (poll(&one, 1, until(deadline)) == 0)
      return false;
  }
  return true;
}

void Connection::finish() {
  // What the client still sends would make the system throw away what it has
  // not read yet.
  constexpr size_t most = 1024 * 1024;
  shutdown(socket, SHUT_WR);
  auto deadline = Clock::now() + milliseconds(1000);
  for (size_t bytes = 0; bytes < most && receive(deadline);) {
    bytes += pending.size();
    pending.clear();
  }
}

bool Connection::wait(int event, int milliseconds) {
  pollfd both[] = {{socket, POLLRDHUP, 0}, {event, POLLIN, 0}};
  if (poll(both, 2, milliseconds) < 0)
    return errno == EINTR;
  return (both[0].revents & (POLLRDHUP | POLLHUP | POLLERR)) == 0;
}
