//===- HttpServer.h - Connections, each with a thread -----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_HTTPSERVER_H
#define MARIMBA_TOOLS_SERVER_HTTPSERVER_H

#include "tools/server/Connection.h"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>

namespace marimba::server {

/// Accepts connections and answers their requests. A connection has a thread
/// while it is there. One that has not sent a whole request makes room for
/// another where there are too many.
class HttpServer {
public:
  /// Answers a call; from many threads at once.
  using Handler = std::function<void(const Call &, Reply &)>;
  struct Options {
    ConnectionLimits limits;
    size_t connections = 1024;     // at once
    Connection::Gate mayRead = {}; // bodies; from many threads at once
  };

  HttpServer(Handler handler, Options options);
  ~HttpServer();
  HttpServer(const HttpServer &) = delete;
  HttpServer &operator=(const HttpServer &) = delete;

  /// Accepts from `socket`, which is closed afterwards, until stop().
  void run(int socket);
  /// From any thread.
  void stop();
  /// Ends connections that wait for a request and waits, at most so long, for
  /// the others. Whether all have ended.
  bool drain(std::chrono::milliseconds most);

  size_t connections() const;

private:
  struct Place {
    int socket;
    bool quiet = true; // no whole request has come
  };
  using Places = std::list<Place>;

  void begin(int socket);
  void serve(Places::iterator place);
  void serveRequests(Connection &connection, Places::iterator place);
  bool setQuiet(Places::iterator place, bool quiet);
  bool makeRoom();

  Handler handler;
  Options options;
  std::atomic<size_t> bodyBytes = 0;
  std::atomic<bool> stopping = false;
  int stopEvent;

  mutable std::mutex mutex; // of what follows
  std::condition_variable ended;
  Places places; // those that are quiet for long first
};

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_HTTPSERVER_H
