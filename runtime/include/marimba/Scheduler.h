//===- Scheduler.h - Many prompts together ----------------------*- C++ -*-===//
//
// Requests come and go while others are answered (docs/batches.md).
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_SCHEDULER_H
#define MARIMBA_RUNTIME_SCHEDULER_H

#include "marimba/AnswerText.h"
#include "marimba/PrefixTree.h"
#include "marimba/ReadyModel.h"
#include "marimba/Sampler.h"
#include "marimba/TokenConstraint.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace marimba::rt {

/// A prompt, and how it is to be continued.
struct Request {
  std::vector<int32_t> ids; // one at least
  /// Positions in `ids`, ascending, where a piece ends besides multiples of the
  /// chunk: ends of messages. They decide the last bits (docs/same-bits.md).
  std::vector<int64_t> boundaries;
  SamplerOptions sampler;
  int64_t maxTokens = 256; // at least 1
  /// The text ends with any of these.
  std::vector<int32_t> endIds;
  /// Texts that end the answer and are no part of it; need a tokenizer.
  std::vector<std::string> stops;
  /// What the answer must look like; null for anything.
  std::shared_ptr<TokenConstraint> constraint;
  /// Where it is there, tokens come with their probability, and so many of the
  /// likeliest in their place.
  std::optional<int32_t> likeliest;
  /// Special tokens whose text belongs to the answer: marks of thoughts and
  /// calls.
  std::vector<int32_t> spoken;
  /// Reads the prompt, so that it is kept for reuse, and answers nothing.
  bool onlyRead = false;
  /// What stands behind the answer when the conversation goes on. Where it is
  /// there and something is kept, the answer is read as text while there is
  /// nothing else to do, so that the next turn need not.
  std::vector<int32_t> afterAnswer;
};

/// A token, and the natural logarithm of its probability as the model gave it:
/// before the sampler's options and constraints.
struct TokenChance {
  int32_t id = 0;
  float logProbability = 0;
};

/// A token of an answer.
struct NewToken {
  int32_t id = 0;
  /// What of the answer can be shown by now and was not before, whole
  /// characters; nothing without a tokenizer.
  std::string_view text;
  /// As in TokenChance, and the likeliest first; of requests that ask for them.
  float logProbability = 0;
  std::span<const TokenChance> likeliest;
};

/// Tokens of a request that is finished.
struct RequestUsage {
  size_t promptTokens = 0;
  size_t reusedTokens = 0; // of the prompt's: not read again
  size_t newTokens = 0;    // the end's included
};

/// Hears what comes, from step(). It may submit and cancel.
class RequestListener {
public:
  virtual ~RequestListener() = default;
  /// `done` of the `total` tokens of its prompt are read or reused by now.
  virtual void reading(uint64_t request, size_t done, size_t total) {
    (void)request, (void)done, (void)total;
  }
  virtual void token(uint64_t request, const NewToken &token) = 0;
  /// No more tokens of it follow; `text` was held back until now. Not for one
  /// that was cancelled. False ends everything with `error`.
  virtual bool finished(uint64_t request, AnswerEnd end, std::string_view text,
                        const RequestUsage &usage, std::string &error) = 0;
  /// Its logits were not finite, as `problem` says: no more of it follows. The
  /// others go on; where this says false, `problem` ends everything.
  virtual bool failed(uint64_t request, const std::string &problem) {
    (void)request, (void)problem;
    return false;
  }
};

/// Why a request was not accepted: it is not allowed, the queue is full (it may
/// come again later), or nothing is accepted any more.
enum class SubmitError { Bad, Full, Stopped };

/// Continues the prompts of requests, as many at once as there are slots, in
/// the order in which they came; one that is finished frees its slot for the
/// next. Prompts are read piece by piece, and between two pieces all answers
/// get a token. Each gets the logits, and so the tokens, that it would get
/// alone (docs/same-bits.md), also where it goes on from a beginning that
/// another has read.
class Scheduler {
public:
  struct Options {
    int32_t slots = 8;  // sequences at once
    size_t waiting = 0; // requests that may wait for a slot; 0: any number
    PrefixTree::Options cache = {}; // nothing is kept unless bytes are given
  };

  /// `tokenizer` may be null: then there are no texts. Model and tokenizer must
  /// outlive this. Null and `error` where memory is short.
  static std::unique_ptr<Scheduler> create(const ReadyModel &model,
                                           const Tokenizer *tokenizer,
                                           const Options &options,
                                           std::string &error);
  ~Scheduler();

  /// Has it answered after those that came before. Its number: 0, 1, 2, ... in
  /// the order of submission. Nothing, `error` and `why`, where the request is
  /// not accepted. From any thread, also while another one is in step().
  std::optional<uint64_t> submit(Request request, std::string &error,
                                 SubmitError *why = nullptr);
  /// Drops a request, with the next step(); one that is not there is no error.
  /// From any thread, too.
  void cancel(uint64_t request);

  /// Reads a piece of one prompt or of several short ones, or continues all
  /// answers by one token: one call of the model at most. False and `error` on
  /// failure, or where the listener said so; nothing runs or waits then. One
  /// thread at a time.
  bool step(RequestListener &listener, std::string &error);

  /// Whether nothing runs and nothing waits.
  bool idle() const;
  /// Requests in slots, and requests that wait for one.
  size_t running() const;
  size_t waiting() const;
  /// Whether step() has something to do while idle(): it reads answers, for
  /// the next turns.
  bool hasSpareWork() const;
  /// Has a prompt read, so that it is kept, while there is nothing else to do;
  /// nobody hears of it. Nothing where nothing is kept, or what is not allowed.
  /// For the thread of step().
  void readWhenIdle(std::vector<int32_t> ids, std::vector<int64_t> boundaries);
  /// What is kept for reuse; for the thread of step().
  PrefixTree &tree() { return *kept; }
  /// The request whose logits were not finite, where that ended a step().
  std::optional<uint64_t> failed() const { return failedRequest; }

private:
  struct Row;
  struct Waiting {
    uint64_t number;
    Request request;
  };
  Scheduler(const ReadyModel &model, const Tokenizer *tokenizer,
            const Options &options);
  bool advance(RequestListener &listener, std::string &error);
  void dropAll();
  bool dropCancelled(std::string &error);
  /// Gives waiting requests free slots.
  void admit();
  void place(Waiting next, bool spare);
  /// Admits requests, or begins with spare work where there is nothing else.
  bool handleSpareWork(std::string &error);
  /// Reads the answer of a row later.
  void addSpareWork(const Row &row);
  void countSpareWork();
  bool decode(RequestListener &listener, std::string &error);
  bool clear(RequestListener &listener, std::string &error);
  bool fail(Row &row, const std::string &problem, RequestListener &listener,
            std::string &error);
  void choose(Row &row, std::span<float> logits, RequestListener &listener);

  // SchedulerReading.cpp
  /// Reads the next piece; `any`: whether there was something to do.
  bool read(RequestListener &listener, bool &any, std::string &error);
  /// Whether a row had better wait for what another one reads now.
  bool waitsForOther(Row &row);
  /// Takes what is kept of the beginnings of rows, a bounded number of bytes.
  bool restore(RequestListener &listener);
  void restore(Row &row, RequestListener &listener, int64_t &copied);
  /// Rows in slots that follow each other, whose pieces are read together.
  std::vector<Row *> chooseGroup();
  bool readGroup(std::span<Row *const> group, RequestListener &listener,
                 std::string &error);

  // SchedulerSlots.cpp
  int32_t freeSlot() const;
  bool isDecoding(const Row &row) const;
  bool move(int32_t from, int32_t to, std::string &error);
  /// Puts a row whose prompt is read beside those that decode.
  bool join(Row &row, std::string &error);
  bool removeRow(Row &row, std::string &error);

  const ReadyModel &model;
  const Tokenizer *tokenizer;
  Options options;
  std::unique_ptr<PrefixTree> kept;
  std::unique_ptr<Session> session;
  /// By slot. Those that decode are in [firstDecoding, endDecoding), without
  /// gaps: a step is one call.
  std::vector<std::unique_ptr<Row>> rows;
  int32_t firstDecoding = 0, endDecoding = 0;
  std::vector<Row *> reading; // in the order in which they came
  bool readLast = false;      // the last step was a piece
  bool oldestFirst = false;   // whose piece is next
  std::deque<Request> spare;  // the newest first
  std::vector<float> logits;
  std::optional<uint64_t> failedRequest;

  mutable std::mutex mutex; // of what follows
  std::deque<Waiting> queue;
  std::set<uint64_t> cancelled;
  uint64_t nextNumber = 0;
  size_t rowCount = 0;  // requests in slots
  size_t spareWork = 0; // of spare, and in a slot
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_SCHEDULER_H
