//===- Service.h - The model that a server answers with ---------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_SERVICE_H
#define MARIMBA_TOOLS_SERVER_SERVICE_H

#include "tools/server/ApiKeys.h"
#include "tools/server/Embedder.h"
#include "tools/server/Listener.h"
#include "tools/server/Metrics.h"

#include "marimba/ChatPrompt.h"
#include "marimba/GenerationDefaults.h"
#include "marimba/Grammar.h"
#include "marimba/ServingLoop.h"
#include "marimba/Tokenizer.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace marimba::server {

class Explorer;

struct ServiceOptions {
  std::string host = "127.0.0.1"; // that is listened on
  int32_t parallel = 8;           // requests that are answered at once
  int32_t queue = 64;             // requests that may wait
  int64_t context = 32768;        // tokens of a prompt and its answer
  int64_t maxTokens = 4096;       // of an answer, where a request does not say
  int64_t timeout = 600;          // seconds for an answer, its wait included
  int64_t cacheBytes = int64_t(1) << 30; // of what is kept for reuse
  std::string sessions; // a folder for what is kept; empty: none
  int64_t sessionBytes = int64_t(16) << 30;      // in that, named ones aside
  std::function<void(const std::string &)> note; // hears of unusable files
  ApiKeys keys;
};

/// What a service is made of; all of it is there, but perhaps `form` and
/// `explorer`.
struct ServiceParts {
  std::shared_ptr<const rt::ReadyModel> model;
  std::unique_ptr<rt::Tokenizer> tokenizer;
  std::unique_ptr<rt::ChatTemplate> form;
  rt::GenerationDefaults defaults;
  std::shared_ptr<Explorer> explorer;
};

/// A model with everything that endpoints need. For any number of threads.
class Service {
public:
  /// Null and `error` where memory is short.
  static std::unique_ptr<Service>
  create(ServiceParts parts, ServiceOptions options, std::string &error);

  const rt::ReadyModel &model() const { return *parts.model; }
  const rt::Tokenizer &tokenizer() const { return *parts.tokenizer; }
  const rt::GenerationDefaults &defaults() const { return parts.defaults; }
  const rt::ChatForm &form() const { return chatForm; }
  Explorer *explorer() const { return parts.explorer.get(); }
  /// What constraints are made of, when it is wanted first; null and `error`
  /// where the model cannot be held to anything.
  std::shared_ptr<rt::GrammarTokens> grammarTokens(std::string &error);
  rt::ServingLoop &loop() const { return *serving; }
  Embedder &embedder() { return vectors; }
  Metrics &metrics() { return counts; }

  /// "chatcmpl-" and random letters and digits.
  static std::string newId(std::string_view kind);
  static uint64_t randomSeed();
  /// Seconds since 1970.
  static int64_t now();

  const ServiceOptions options;
  /// Whether only this machine reaches it; names are looked up once.
  const bool onLoopback = isLoopback(options.host);
  /// When it was made.
  const int64_t created = now();

private:
  Service(ServiceParts parts, ServiceOptions options);

  ServiceParts parts;
  rt::ChatForm chatForm;
  Embedder vectors;
  Metrics counts;
  std::unique_ptr<rt::ServingLoop> serving;
  std::mutex mutex; // of what follows
  std::shared_ptr<rt::GrammarTokens> constraints;
};

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_SERVICE_H
