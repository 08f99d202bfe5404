//===- Embedder.h - Texts as vectors ----------------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_EMBEDDER_H
#define MARIMBA_TOOLS_SERVER_EMBEDDER_H

#include "marimba/ReadyModel.h"
#include "marimba/Session.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace marimba::server {

/// What becomes of the hidden states of a text's tokens.
enum class Pooling { Mean, Last };

/// Makes vectors of texts, from the hidden states behind the last layer, before
/// the final norm. For any number of threads, which wait for each other.
class Embedder {
public:
  explicit Embedder(const rt::ReadyModel &model) : model(model) {}

  /// One of the requests that want vectors, until it dies.
  class Place {
  public:
    /// Whether there are `most` requests at most with this one.
    Place(Embedder &embedder, size_t most)
        : isRoom(++embedder.asking <= most), embedder(embedder) {}
    ~Place() { --embedder.asking; }
    Place(const Place &) = delete;
    Place &operator=(const Place &) = delete;

    const bool isRoom;

  private:
    Embedder &embedder;
  };

  /// Numbers of a vector; 0 where the model was compiled without its hidden
  /// states.
  int64_t width() const;
  /// The vector of `ids`, of length 1. `goOn` is asked between pieces, and
  /// while others are at work; where it says no, nothing is made and `error` is
  /// empty. Nothing, and `error`, on failure.
  std::vector<float> embed(std::span<const int32_t> ids, Pooling pooling,
                           const std::function<bool()> &goOn,
                           std::string &error);

private:
  const rt::ReadyModel &model;
  std::atomic<size_t> asking = 0; // places
  std::timed_mutex mutex;         // of the session
  std::unique_ptr<rt::Session> session;
};

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_EMBEDDER_H
