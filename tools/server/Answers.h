//===- Answers.h - Answers of one call, as they come ------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_ANSWERS_H
#define MARIMBA_TOOLS_SERVER_ANSWERS_H

#include "tools/server/Http.h"
#include "tools/server/Service.h"

#include "marimba/Stopwatch.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace marimba::server {

class AnswerChannel;

/// Something that came of an answer.
struct AnswerPiece {
  enum class Kind { Reading, Token, Finished, Failed };
  Kind kind;
  size_t choice; // which of the answers
  /// What can be shown now; of a failure, why.
  std::string text = {};
  // Of a token.
  int32_t id = 0;
  float logProbability = 0;
  std::vector<rt::TokenChance> likeliest = {};
  // Of the end.
  rt::AnswerEnd end = rt::AnswerEnd::Model;
  rt::RequestUsage usage = {};
  // Of reading: tokens of the prompt.
  size_t done = 0, total = 0;
};

/// Requests under way. What is not finished is cancelled with this.
class Answers {
public:
  /// Null and `error` where one is not accepted. `streams`: somebody is shown
  /// what comes; else the end alone counts.
  static std::unique_ptr<Answers> submit(Service &service,
                                         std::vector<rt::Request> requests,
                                         bool streams, ApiError &error);
  ~Answers();

  /// Waits for what comes next, so many milliseconds at most; `pieces` may be
  /// empty then. The first token and an end come at once, what is between them
  /// 10 ms later at most (of answers that are not streams 100), together.
  /// False, and `error`, where nothing more comes: the time for the answer is
  /// over, the model failed, the client does not read fast enough; with an
  /// empty message where the client went away.
  bool next(Client &client, int milliseconds, std::vector<AnswerPiece> &pieces,
            ApiError &error);
  /// Whether all are finished.
  bool done() const { return open == 0; }

  /// next() until all are finished; `take` hears of each piece.
  template <typename TakeT>
  bool collect(Client &client, const TakeT &take, ApiError &error) {
    std::vector<AnswerPiece> pieces;
    while (!done()) {
      if (!next(client, kMostWait, pieces, error))
        return false;
      for (AnswerPiece &piece : pieces)
        take(piece);
    }
    return true;
  }

  static constexpr int kMostWait = 5000;

private:
  Answers(Service &service, bool streams)
      : service(service), gathering(streams ? 0.01 : 0.1) {}

  Service &service;
  std::shared_ptr<AnswerChannel> channel;
  rt::Stopwatch watch;
  const double gathering; // seconds
  double nextLook = 0;    // by the watch
  std::vector<uint64_t> numbers;
  size_t open = 0;
  bool heardToken = false;
};

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_ANSWERS_H
