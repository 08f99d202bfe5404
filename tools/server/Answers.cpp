//===- Answers.cpp - Answers of one call, as they come --------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/Answers.h"

#include <mutex>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>

using namespace marimba;
using namespace marimba::server;

/// What the loop's thread hands to that of a connection. Bounded: who does not
/// read loses the answer, and nobody waits for it. To wake a thread for each
/// token would cost small models more than the token: only the first one of all
/// and what ends an answer do so at once, others where they are awaited.
class server::AnswerChannel {
public:
  explicit AnswerChannel(rt::ServingLoop &loop)
      : event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), loop(loop) {}
  ~AnswerChannel() { close(event); }

  void push(AnswerPiece piece) {
    std::vector<uint64_t> dropped;
    bool wakes = false;
    {
      std::scoped_lock lock(mutex);
      if (full)
        return;
      // Of reading only the last news counts.
      if (!pieces.empty() && piece.kind == AnswerPiece::Kind::Reading &&
          pieces.back().kind == piece.kind &&
          pieces.back().choice == piece.choice)
        pieces.pop_back();
      bool isFirst = piece.kind == AnswerPiece::Kind::Token && !heardToken;
      heardToken = heardToken || isFirst;
      bool ends = piece.kind == AnswerPiece::Kind::Finished ||
                  piece.kind == AnswerPiece::Kind::Failed;
      pieces.push_back(std::move(piece));
      full = pieces.size() > kMostPieces;
      wakes = std::exchange(awaited, false) || isFirst || ends || full;
      if (full)
        dropped.swap(numbers);
    }
    for (uint64_t number : dropped)
      loop.cancel(number);
    if (wakes)
      eventfd_write(event, 1);
  }

  /// Has the next piece wake who waits for the event; false where some are
  /// there already.
  bool await() {
    std::scoped_lock lock(mutex);
    awaited = pieces.empty() && !full;
    return awaited;
  }

  /// What has come; false where some was lost.
  bool take(std::vector<AnswerPiece> &taken) {
    eventfd_t count = 0;
    eventfd_read(event, &count);
    taken.clear();
    std::scoped_lock lock(mutex);
    taken.swap(pieces);
    return !full;
  }

  /// A request whose pieces come here.
  void add(uint64_t number) {
    std::scoped_lock lock(mutex);
    numbers.push_back(number);
  }

  const int event;

private:
  static constexpr size_t kMostPieces = 16384;

  rt::ServingLoop &loop;
  std::mutex mutex; // of what follows
  std::vector<AnswerPiece> pieces;
  std::vector<uint64_t> numbers;
  bool full = false, awaited = false, heardToken = false;
};

namespace {
/// Hears of one answer.
class ChoiceListener : public rt::AnswerListener {
public:
  ChoiceListener(std::shared_ptr<AnswerChannel> channel, size_t choice)
      : channel(std::move(channel)), choice(choice) {}

  void reading(size_t done, size_t total) override {
    channel->push({.kind = AnswerPiece::Kind::Reading,
                   .choice = choice,
                   .done = done,
                   .total = total});
  }
  void token(const rt::NewToken &token) override {
    channel->push(
        {.kind = AnswerPiece::Kind::Token,
         .choice = choice,
         .text = std::string(token.text),
         .id = token.id,
         .logProbability = token.logProbability,
         .likeliest = {token.likeliest.begin(), token.likeliest.end()}});
  }
  void finished(rt::AnswerEnd end, std::string_view text,
                const rt::RequestUsage &usage) override {
    channel->push({.kind = AnswerPiece::Kind::Finished,
                   .choice = choice,
                   .text = std::string(text),
                   .end = end,
                   .usage = usage});
  }
  void failed(const std::string &error) override {
    channel->push(
        {.kind = AnswerPiece::Kind::Failed, .choice = choice, .text = error});
  }

private:
  std::shared_ptr<AnswerChannel> channel;
  size_t choice;
};
} // namespace

static ApiError describe(rt::SubmitError why, const std::string &message) {
  switch (why) {
  case rt::SubmitError::Full:
    return {.status = 429, .message = message, .code = "queue_full"};
  case rt::SubmitError::Stopped:
    return {.status = 503, .message = message, .code = "stopping"};
  case rt::SubmitError::Bad:
    break;
  }
  return {.message = message};
}

std::unique_ptr<Answers> Answers::submit(Service &service,
                                         std::vector<rt::Request> requests,
                                         bool streams, ApiError &error) {
  size_t most = static_cast<size_t>(service.options.queue) +
                static_cast<size_t>(service.options.parallel);
  if (requests.size() > most) {
    error = {.message = "expected at most " + std::to_string(most) +
                        " answers to one request (--queue and --parallel), "
                        "found " +
                        std::to_string(requests.size()),
             .code = "too_many_answers"};
    return nullptr;
  }
  std::unique_ptr<Answers> made(new Answers(service, streams));
  made->channel = std::make_shared<AnswerChannel>(service.loop());
  if (made->channel->event < 0) {
    error = {.status = 503, .message = "no file is left", .code = "overloaded"};
    return nullptr;
  }
  for (rt::Request &request : requests) {
    rt::SubmitError why = rt::SubmitError::Bad;
    std::string message;
    std::optional<uint64_t> number = service.loop().submit(
        std::move(request),
        std::make_shared<ChoiceListener>(made->channel, made->open), why,
        message);
    if (!number) {
      error = describe(why, message);
      return nullptr;
    }
    made->numbers.push_back(*number);
    made->channel->add(*number);
    ++made->open;
  }
  return made;
}

Answers::~Answers() {
  if (!done())
    for (uint64_t number : numbers)
      service.loop().cancel(number);
}

bool Answers::next(Client &client, int milliseconds,
                   std::vector<AnswerPiece> &pieces, ApiError &error) {
  error = {.status = 500, .message = ""};
  pieces.clear();
  double left = static_cast<double>(service.options.timeout) - watch.seconds();
  if (left <= 0) {
    error = {.status = 504,
             .message = "the answer took longer than " +
                        std::to_string(service.options.timeout) + " seconds",
             .code = "timeout"};
    return false;
  }
  double until = watch.seconds() + std::min(left, milliseconds / 1e3);
  auto wait = [&](double time) {
    double rest = std::max(time - watch.seconds(), 0.0);
    return client.wait(channel->event, static_cast<int>(rest * 1e3) + 1);
  };
  // What comes in a short time is taken together.
  if (watch.seconds() < nextLook && !wait(std::min(nextLook, until)))
    return false;
  do {
    if (channel->await() && !wait(until))
      return false;
    if (!channel->take(pieces)) {
      error.message = "the answer was not read fast enough";
      return false;
    }
  } while (pieces.empty() && watch.seconds() < until);
  nextLook = watch.seconds() + gathering;
  for (const AnswerPiece &piece : pieces) {
    if (piece.kind == AnswerPiece::Kind::Failed) {
      error.message = piece.text;
      return false;
    }
    if (piece.kind == AnswerPiece::Kind::Token && !heardToken) {
      heardToken = true;
      service.metrics().addFirstToken(watch.seconds());
    }
    if (piece.kind == AnswerPiece::Kind::Finished && --open == 0)
      service.metrics().addAnswer(watch.seconds());
  }
  return true;
}
