//===- ServeCommand.cpp - marimba serve -----------------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/ServeCommand.h"
#include "tools/commands/Interrupt.h"
#include "tools/commands/Models.h"
#include "tools/commands/Output.h"
#include "tools/commands/Process.h"
#include "tools/commands/ServeOptions.h"
#include "tools/server/Listener.h"
#include "tools/server/ReadyExplorer.h"
#include "tools/server/Server.h"

#include "marimba/GenerationDefaults.h"
#include "marimba/ThreadTeam.h"
#include <csignal>
#include <filesystem>
#include <sys/eventfd.h>
#include <unistd.h>

using namespace marimba;
using namespace marimba::commands;

/// Has something when a signal has come that ends the server.
static int endEvent = -1;

/// The first one ends the server, the second one the process.
static void catchEnd() {
  endEvent = eventfd(0, EFD_CLOEXEC);
  struct sigaction action = {};
  action.sa_handler = [](int signal) {
    static volatile std::sig_atomic_t caught = 0;
    if (caught)
      endBySignal(signal);
    caught = 1;
    uint64_t one = 1;
    if (write(endEvent, &one, sizeof(one)) < 0) {
    }
  };
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  for (int signal : {SIGINT, SIGTERM})
    sigaction(signal, &action, nullptr);
}

static void awaitEnd() {
  eventfd_t count = 0;
  while (eventfd_read(endEvent, &count) != 0 && errno == EINTR) {
  }
}

/// Closes what it has.
namespace {
struct Socket {
  ~Socket() {
    if (file >= 0)
      close(file);
  }
  int release() { return std::exchange(file, -1); }
  int file = -1;
};
} // namespace

/// Everything of the command line that can be wrong before the model is loaded.
static bool readOptions(server::ServiceOptions &service, Socket &socket,
                        uint16_t &port) {
  const ServeOptions &o = serveOptions();
  std::string error;
  if (o.host.given())
    service.host = o.host.value;
  service.parallel = o.parallel;
  service.queue = o.queue;
  service.context = o.context;
  service.maxTokens = o.maxTokens;
  service.timeout = o.timeout;
  service.cacheBytes = o.cacheBytes;
  service.sessionBytes = o.sessionBytes;
  if (!o.quiet)
    service.note = printNote;
  if (o.sessions.given()) {
    std::error_code code;
    std::filesystem::create_directories(o.sessions.value, code);
    if (!std::filesystem::is_directory(o.sessions.value, code)) {
      fail(
          "--sessions: expected a folder, or a name that one can have, found " +
          o.sessions.value);
      return false;
    }
    service.sessions = o.sessions.value;
  } else if (o.sessionBytes.given()) {
    fail("--session-bytes: expected with --sessions");
    return false;
  }
  if (o.apiKey.given()) {
    std::optional<server::ApiKeys> keys =
        server::ApiKeys::read(o.apiKey.value, error);
    if (!keys) {
      fail("--api-key: " + error);
      return false;
    }
    service.keys = std::move(*keys);
  }
  port = static_cast<uint16_t>(o.port);
  socket.file = server::listenOn(service.host, port, error);
  if (socket.file < 0) {
    fail(error);
    return false;
  }
  if (!o.quiet && service.keys.none() && !server::isLoopback(service.host))
    printNote("--host " + service.host +
              ": everybody who reaches this machine can use the server; "
              "--api-key asks for keys");
  return true;
}

/// Null after an error, which is printed; `code` is then the exit code.
static std::unique_ptr<server::Service>
makeService(Models &models, server::ServiceOptions options, int &code) {
  const ServeOptions &o = serveOptions();
  const std::string &model = o.command.model;
  server::ServiceParts parts;
  std::string error;
  code = 1;
  std::optional<rt::GenerationDefaults> defaults =
      rt::readGenerationDefaults(models.directory(model), error);
  if (!defaults) {
    fail(error);
    return nullptr;
  }
  parts.defaults = std::move(*defaults);
  if (o.embeddings && !models.collectHidden(model, error)) {
    fail(error);
    return nullptr;
  }
  parts.tokenizer = models.loadTokenizer(model, error);
  if (parts.tokenizer)
    parts.form = models.loadChatTemplate(model, o.templateName, error);
  if (!error.empty()) {
    fail(error);
    return nullptr;
  }
  if (!parts.form && !o.quiet)
    printNote(model + ": has no chat template; messages are written as "
                      "'User: ...' and 'Assistant: ...'");
  catchInterrupt();
  if (!o.quiet)
    printError("loading " + model + "\n");
  std::shared_ptr<Loaded> loaded =
      models.load(model, parts.tokenizer.get(), !o.quiet, error);
  if (interrupted()) {
    code = kInterruptedExitCode;
    return nullptr;
  }
  if (!loaded) {
    fail(error);
    return nullptr;
  }
  parts.model = loaded->model;
  parts.explorer = models.explorer(model, *loaded);
  if (!parts.explorer)
    parts.explorer = std::make_shared<server::ReadyExplorer>(loaded->model);
  std::unique_ptr<server::Service> service =
      server::Service::create(std::move(parts), std::move(options), error);
  if (!service)
    fail(error);
  return service;
}

/// As part of a URL.
static std::string writtenHost(const std::string &host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

static int run(Models &models) {
  const ServeOptions &o = serveOptions();
  if (o.command.lacksModel())
    return 1;
  // The model is loaded by this thread and answers on another: with a team of
  // each none of them would spin, and a small model take twice as long.
  rt::shareTeams();
  server::ServiceOptions options;
  Socket socket;
  uint16_t port = 0;
  if (!models.checkOptions(o.command.model) ||
      !readOptions(options, socket, port))
    return 1;
  std::string host = options.host;
  int code = 1;
  std::unique_ptr<server::Service> service =
      makeService(models, std::move(options), code);
  if (!service)
    return code;
  server::HttpServer::Options http;
  http.limits.body = static_cast<size_t>(o.maxBody);
  http.connections = server::prepareFiles(http.connections);
  catchEnd();
  printError("listening on http://" + writtenHost(host) + ":" +
             std::to_string(port) + "\n");
  if (server::serve(*service, socket.release(), http, awaitEnd))
    return 0;
  // Somebody still waits for a client.
  _exit(0);
}

Command &server::serveCommand() {
  serveOptions().command.run = run;
  return serveOptions().command;
}
