//===- HttpServer.cpp - Connections, each with a thread -------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/HttpServer.h"
#include "tools/server/HttpExchange.h"

#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>

using namespace marimba::server;

HttpServer::HttpServer(Handler handler, Options options)
    : handler(std::move(handler)), options(std::move(options)),
      stopEvent(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

HttpServer::~HttpServer() { close(stopEvent); }

void HttpServer::stop() {
  stopping = true;
  eventfd_write(stopEvent, 1);
}

size_t HttpServer::connections() const {
  std::scoped_lock lock(mutex);
  return places.size();
}

void HttpServer::run(int socket) {
  while (!stopping) {
    pollfd both[] = {{socket, POLLIN, 0}, {stopEvent, POLLIN, 0}};
    if (poll(both, 2, -1) <= 0 || stopping || !(both[0].revents & POLLIN))
      continue;
    int accepted =
        accept4(socket, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (accepted >= 0)
      begin(accepted);
    // Out of descriptors or memory: some connection will end.
    else if (errno != EINTR && errno != EAGAIN && errno != ECONNABORTED)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  close(socket);
}

/// Tells what does not come by the library.
static std::string plainReply(const ApiError &error) {
  std::string body = error.json();
  return "HTTP/1.1 " + std::to_string(error.status) +
         " Error\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
}

/// Ends the connection that says nothing for the longest time; false where all
/// are busy. Locked.
bool HttpServer::makeRoom() {
  for (Place &place : places)
    if (place.quiet) {
      shutdown(place.socket, SHUT_RDWR);
      // Its thread ends; the next one makes room for another.
      place.quiet = false;
      return true;
    }
  return false;
}

void HttpServer::begin(int socket) {
  Places::iterator place;
  bool isRoom = true;
  {
    std::scoped_lock lock(mutex);
    isRoom = places.size() < options.connections || makeRoom();
    if (isRoom)
      place = places.insert(places.end(), {socket});
  }
  if (isRoom) {
    try {
      std::thread([this, place] { serve(place); }).detach();
      return;
    } catch (const std::exception &) { // no thread is left
      std::scoped_lock lock(mutex);
      places.erase(place);
      ended.notify_all();
    }
  }
  std::string text = plainReply(
      {.status = 503, .message = "too many connections", .code = "overloaded"});
  // Not more than a new socket takes.
  if (send(socket, text.data(), text.size(), MSG_NOSIGNAL) < 0) {
  }
  close(socket);
}

bool HttpServer::setQuiet(Places::iterator place, bool quiet) {
  std::scoped_lock lock(mutex);
  if (stopping)
    return false;
  place->quiet = quiet;
  if (quiet)
    places.splice(places.end(), places, place);
  return true;
}

void HttpServer::serve(Places::iterator place) {
  // What a client has not read yet is kept by the system up to here.
  int socket = place->socket, on = 1, unread = 128 * 1024;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &unread, sizeof(unread));
  try {
    Connection connection(socket, options.limits, bodyBytes);
    serveRequests(connection, place);
  } catch (const std::exception &) { // no memory for it
  }
  std::scoped_lock lock(mutex);
  close(socket);
  places.erase(place);
  ended.notify_all();
}

void HttpServer::serveRequests(Connection &connection, Places::iterator place) {
  HttpExchange exchange(handler);
  for (bool goesOn = true; goesOn && setQuiet(place, true);) {
    ApiError error{.message = ""};
    std::optional<RawRequest> request =
        connection.readRequest(options.mayRead, error);
    if (!setQuiet(place, false))
      break;
    if (!request) {
      if (error.message.empty())
        return;
      connection.write(plainReply(error));
      break;
    }
    goesOn = exchange.answer(connection, *request);
  }
  connection.finish();
}

bool HttpServer::drain(std::chrono::milliseconds most) {
  std::unique_lock lock(mutex);
  for (Place &place : places)
    if (place.quiet)
      shutdown(place.socket, SHUT_RD);
  return ended.wait_for(lock, most, [&] { return places.empty(); });
}
