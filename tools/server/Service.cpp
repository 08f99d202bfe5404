//===- Service.cpp - The model that a server answers with -----------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/Service.h"
#include "tools/server/Explorer.h"

#include <chrono>
#include <random>

using namespace marimba;
using namespace marimba::server;

Service::Service(ServiceParts parts, ServiceOptions options)
    : options(std::move(options)), parts(std::move(parts)),
      chatForm(*this->parts.tokenizer, this->parts.form.get()),
      vectors(*this->parts.model) {}

std::unique_ptr<Service> Service::create(ServiceParts parts,
                                         ServiceOptions options,
                                         std::string &error) {
  std::unique_ptr<Service> made(
      new Service(std::move(parts), std::move(options)));
  rt::Scheduler::Options how;
  how.slots = made->options.parallel;
  how.waiting = static_cast<size_t>(made->options.queue);
  how.cache.bytes = made->options.cacheBytes;
  how.cache.folder = made->options.sessions;
  how.cache.folderBytes = made->options.sessionBytes;
  how.cache.note = made->options.note;
  made->serving =
      rt::ServingLoop::create(made->model(), &made->tokenizer(), how, error);
  return made->serving ? std::move(made) : nullptr;
}

std::shared_ptr<rt::GrammarTokens> Service::grammarTokens(std::string &error) {
  std::scoped_lock lock(mutex);
  if (!constraints)
    constraints =
        rt::GrammarTokens::create(tokenizer(), model().endIds(), error);
  return constraints;
}

uint64_t Service::randomSeed() {
  static thread_local std::mt19937_64 numbers([] {
    std::random_device device;
    return (uint64_t(device()) << 32) ^ device();
  }());
  return numbers();
}

std::string Service::newId(std::string_view kind) {
  constexpr std::string_view letters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  std::string id(kind);
  for (unsigned i = 0; i < 24; ++i)
    id += letters[randomSeed() % letters.size()];
  return id;
}

int64_t Service::now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}
