//===- Listener.cpp - A socket that connections come from -----------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/Listener.h"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace marimba;

namespace {
using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;
} // namespace

static Addresses resolve(const std::string &host, uint16_t port, int &code) {
  addrinfo hints = {}, *found = nullptr;
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  code =
      getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  return {code == 0 ? found : nullptr, freeaddrinfo};
}

static bool isLoopback(const sockaddr *address) {
  if (address->sa_family == AF_INET) {
    in_addr host = reinterpret_cast<const sockaddr_in *>(address)->sin_addr;
    return (ntohl(host.s_addr) >> 24) == 127;
  }
  const in6_addr &host =
      reinterpret_cast<const sockaddr_in6 *>(address)->sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&host);
}

bool server::isLoopback(const std::string &host) {
  int code = 0;
  Addresses all = resolve(host, 0, code);
  for (const addrinfo *one = all.get(); one; one = one->ai_next)
    if (!::isLoopback(one->ai_addr))
      return false;
  return true;
}

/// errno, where it fails.
static int listenAt(const addrinfo &address) {
  int file =
      socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (file < 0)
    return -1;
  int on = 1;
  setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (address.ai_family == AF_INET6)
    setsockopt(file, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  // A thousand clients may come at once.
  constexpr int backlog = 1024;
  if (bind(file, address.ai_addr, address.ai_addrlen) == 0 &&
      listen(file, backlog) == 0)
    return file;
  int code = errno;
  close(file);
  errno = code;
  return -1;
}

static uint16_t portOf(int file) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  getsockname(file, reinterpret_cast<sockaddr *>(&address), &size);
  return ntohs(address.ss_family == AF_INET
                   ? reinterpret_cast<sockaddr_in *>(&address)->sin_port
                   : reinterpret_cast<sockaddr_in6 *>(&address)->sin6_port);
}

int server::listenOn(const std::string &host, uint16_t &port,
                     std::string &error) {
  int code = 0;
  Addresses all = resolve(host, port, code);
  if (!all) {
    error = "--host: " + host + ": " + gai_strerror(code);
    return -1;
  }
  for (const addrinfo *one = all.get(); one; one = one->ai_next)
    if (int file = listenAt(*one); file >= 0) {
      port = portOf(file);
      return file;
    }
  error = "port " + std::to_string(port) + " of " + host +
          " cannot be listened on: " + std::strerror(errno);
  return -1;
}
