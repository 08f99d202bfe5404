//===- Server.cpp - A service that listens --------------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/Server.h"
#include "tools/server/Router.h"

#include <algorithm>
#include <memory>
#include <sys/resource.h>
#include <thread>

using namespace marimba;
using namespace marimba::server;

size_t server::prepareFiles(size_t connections) {
  // A connection and what tells it of an answer; the model's own files.
  constexpr size_t each = 2, others = 128;
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return connections;
  rlim_t wanted = connections * each + others;
  if (limit.rlim_cur < wanted) {
    limit.rlim_cur = std::min<rlim_t>(wanted, limit.rlim_max);
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  size_t files = std::min<rlim_t>(limit.rlim_cur, wanted);
  return std::max<size_t>((std::max(files, others) - others) / each, 8);
}

bool server::serve(Service &service, int socket, HttpServer::Options options,
                   const std::function<void()> &ends) {
  options.mayRead = [&service](const RequestHead &head, ApiError &error) {
    return mayReadBody(service, head, error);
  };
  auto http = std::make_unique<HttpServer>(
      [&service](const Call &call, Reply &reply) {
        answerCall(service, call, reply);
      },
      std::move(options));
  service.metrics().connections = [http = http.get()] {
    return http->connections();
  };
  std::thread watch([&] {
    ends();
    http->stop();
  });
  http->run(socket);
  watch.join();
  service.loop().stop(/*drain=*/false);
  if (http->drain(std::chrono::seconds(10)))
    return true;
  // Its threads have it, as long as they live.
  (void)http.release();
  return false;
}
