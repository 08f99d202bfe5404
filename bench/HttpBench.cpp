//===- HttpBench.cpp - One client of a server beside marimba run ----------===//
//
// bench-http PACKAGE [TOKENS [ROUNDS]]: answers of TOKENS (512) tokens, greedy,
// in turns: as `marimba run` makes them, in a process of its own; by the loop
// of a server, without HTTP; over HTTP, whole, as a stream, and as a stream of
// chat, by a client in a process of its own that only reads. Prints the medians
// of ROUNDS (7) in tokens per second, and of the ratios to the first.
//
//===----------------------------------------------------------------------===//

#include "bench/Argument.h"
#include "tools/server/Server.h"

#include "marimba/CacheFiles.h"
#include "marimba/Generation.h"
#include "marimba/Package.h"
#include "marimba/Stopwatch.h"
#include "marimba/ThreadTeam.h"

#include <algorithm>
#include <arpa/inet.h>
#include <condition_variable>
#include <cstdio>
#include <functional>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using namespace marimba;

namespace {

void check(bool good, const std::string &error) {
  if (good)
    return;
  std::fprintf(stderr, "error: %s\n", error.c_str());
  std::exit(1);
}

std::shared_ptr<const rt::ReadyModel> load(const char *package,
                                           rt::PackageManifest &manifest) {
  std::string error;
  auto read = rt::PackageManifest::read(package, error);
  check(read.has_value(), error);
  manifest = std::move(*read);
  rt::PackageOptions options;
  options.cacheFolder = rt::defaultCacheFolder().string();
  std::shared_ptr<const rt::ReadyModel> model =
      rt::loadPackage(package, manifest, options, error);
  check(model != nullptr, error);
  return model;
}

std::vector<int32_t> promptOf(const rt::ReadyModel &model) {
  std::vector<int32_t> ids;
  for (int32_t i = 0; i < 16; ++i)
    ids.push_back(static_cast<int32_t>((i * 37 + 5) % model.vocabulary()));
  return ids;
}

/// A process that does something with each text it is sent, and tells how long
/// that took.
class Helper {
public:
  using Work = std::function<bool(const std::string &)>;
  /// To be called before there are threads. `begin` is called in the process.
  explicit Helper(const std::function<Work()> &begin) {
    int both[2];
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) == 0,
          "socketpair");
    pid_t child = fork();
    check(child >= 0, "fork");
    socket = both[child == 0];
    close(both[child != 0]);
    if (child == 0)
      serve(begin());
  }
  ~Helper() { close(socket); }
  Helper(const Helper &) = delete;
  Helper &operator=(const Helper &) = delete;

  double seconds(const std::string &text) const {
    size_t size = text.size();
    double result = -1;
    check(write(socket, &size, sizeof(size)) == sizeof(size) &&
              write(socket, text.data(), size) == static_cast<ssize_t>(size) &&
              recv(socket, &result, sizeof(result), MSG_WAITALL) ==
                  sizeof(result) &&
              result >= 0,
          "a process of the benchmark has failed");
    return result;
  }

private:
  [[noreturn]] void serve(const Work &work) const {
    size_t size = 0;
    while (recv(socket, &size, sizeof(size), MSG_WAITALL) == sizeof(size)) {
      std::string text(size, '\0');
      if (recv(socket, text.data(), size, MSG_WAITALL) !=
          static_cast<ssize_t>(size))
        break;
      rt::Stopwatch watch;
      bool good = work(text);
      double result = good ? watch.seconds() : -1;
      if (write(socket, &result, sizeof(result)) != sizeof(result))
        break;
    }
    _exit(0);
  }

  int socket;
};

/// As `marimba run` does it.
Helper::Work beginRun(const char *package, int64_t tokens) {
  auto manifest = std::make_shared<rt::PackageManifest>();
  auto model = load(package, *manifest);
  return [=](const std::string &) {
    rt::GenerateOptions options;
    options.maxTokens = tokens;
    rt::Generation result;
    std::string error;
    check(rt::generate(
              *model, promptOf(*model), options, [](int32_t) { return true; },
              [] { return true; }, nullptr, result, error),
          error);
    return static_cast<int64_t>(result.tokens.size()) == tokens;
  };
}

/// Sends the text, whose first five digits are the port, and reads all that
/// comes.
bool ask(const std::string &text) {
  int one = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(std::stoi(text.substr(0, 5))));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  bool good =
      connect(one, reinterpret_cast<sockaddr *>(&to), sizeof(to)) == 0 &&
      write(one, text.data() + 5, text.size() - 5) ==
          static_cast<ssize_t>(text.size() - 5);
  std::string head;
  char buffer[65536];
  for (ssize_t count = 1; good && count > 0;) {
    count = read(one, buffer, sizeof(buffer));
    if (count > 0 && head.empty())
      head.assign(buffer, static_cast<size_t>(count));
  }
  close(one);
  return good && head.starts_with("HTTP/1.1 200");
}

class Ends : public rt::AnswerListener {
public:
  void token(const rt::NewToken &) override {}
  void finished(rt::AnswerEnd, std::string_view,
                const rt::RequestUsage &) override {
    end();
  }
  void failed(const std::string &error) override { check(false, error); }
  void await() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return ended; });
  }

private:
  void end() {
    std::scoped_lock lock(mutex);
    ended = true;
    changed.notify_all();
  }
  std::mutex mutex;
  std::condition_variable changed;
  bool ended = false;
};

double askLoop(server::Service &service, int64_t tokens) {
  rt::Stopwatch watch;
  rt::Request request;
  request.ids = promptOf(service.model());
  request.maxTokens = tokens;
  auto listener = std::make_shared<Ends>();
  rt::SubmitError why;
  std::string error;
  check(service.loop()
            .submit(std::move(request), listener, why, error)
            .has_value(),
        error);
  listener->await();
  return watch.seconds();
}

std::string requestText(uint16_t port, const std::string &path,
                        server::Json body, int64_t tokens) {
  body["max_tokens"] = tokens;
  body["temperature"] = 0;
  body["ignore_eos"] = true;
  std::string text = server::writeJson(body), digits = std::to_string(port);
  digits.insert(0, 5 - digits.size(), '0');
  return digits + "POST " + path +
         " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
         "Content-Length: " +
         std::to_string(text.size()) + "\r\n\r\n" + text;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

struct Way {
  const char *name;
  std::function<double()> seconds;
  std::vector<double> rates = {}, ratios = {};
};

void compare(std::span<Way> ways, int64_t tokens, int64_t rounds) {
  for (int64_t round = 0; round <= rounds; ++round)
    for (Way &way : ways) {
      double rate = static_cast<double>(tokens) / way.seconds();
      if (round == 0) // makes primitives, touches memory
        continue;
      way.rates.push_back(rate);
      way.ratios.push_back(rate / ways.front().rates.back());
    }
  for (const Way &way : ways)
    std::printf("%-28s %9.1f tokens/s  %6.3f (%.3f to %.3f)\n", way.name,
                median(way.rates), median(way.ratios),
                std::ranges::min(way.ratios), std::ranges::max(way.ratios));
}

std::unique_ptr<server::Service> makeService(const char *package) {
  rt::shareTeams(); // as marimba serve does
  rt::PackageManifest manifest;
  server::ServiceParts parts;
  parts.model = load(package, manifest);
  std::string error;
  parts.tokenizer = rt::loadPackageTokenizer(package, manifest, {}, error);
  check(parts.tokenizer != nullptr, error);
  server::ServiceOptions options;
  auto service = server::Service::create(std::move(parts), options, error);
  check(service != nullptr, error);
  return service;
}

} // namespace

int main(int argc, char **argv) {
  if (argc < 2 || argc > 4) {
    std::fprintf(stderr, "usage: bench-http PACKAGE [TOKENS [ROUNDS]]\n");
    return 1;
  }
  int64_t tokens =
      argc > 2 ? bench::numberArgument("TOKENS", argv[2], 1, 30000) : 512;
  int64_t rounds =
      argc > 3 ? bench::numberArgument("ROUNDS", argv[3], 1, 1000) : 7;
  Helper run([&] { return beginRun(argv[1], tokens); });
  Helper client([] { return Helper::Work(ask); });
  std::unique_ptr<server::Service> service = makeService(argv[1]);
  std::string error;
  uint16_t port = 0;
  int socket = server::listenOn(service->options.host, port, error);
  check(socket >= 0, error);
  int ends = eventfd(0, EFD_CLOEXEC);
  std::thread server([&] {
    server::serve(*service, socket, {}, [&] {
      eventfd_t count = 0;
      eventfd_read(ends, &count);
    });
  });
  auto http = [&](const std::string &path, const server::Json &body) {
    return [&client, text = requestText(port, path, body, tokens)] {
      return client.seconds(text);
    };
  };
  std::vector<int32_t> ids = promptOf(service->model());
  Way ways[] = {
      {"as marimba run", [&] { return run.seconds("go on"); }},
      {"the loop of a server", [&] { return askLoop(*service, tokens); }},
      {"HTTP, whole", http("/v1/completions", {{"prompt", ids}})},
      {"HTTP, a stream",
       http("/v1/completions", {{"prompt", ids}, {"stream", true}})},
      {"HTTP, a stream of chat",
       http("/v1/chat/completions",
            {{"messages", {{{"role", "user"}, {"content", "Once upon a"}}}},
             {"stream", true}})}};
  compare(ways, tokens, rounds);
  eventfd_write(ends, 1);
  server.join();
  return 0;
}
