//===- Session.cpp - Slots and the sequences in them ----------------------===//

#include "marimba/Session.h"

#include "SessionImpl.h"
#include "StatePool.h"
#include "marimba/ThreadTeam.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace marimba::rt {

Session::Session() = default;
Session::~Session() = default;

std::unique_ptr<Session> Session::create(std::shared_ptr<const Model> model,
                                         const SessionOptions &options,
                                         std::string &error) {
  auto bad = [&](const char *name, int64_t value, const char *expected) {
    error = std::string("session option '") + name + "' is " +
            std::to_string(value) + ", expected " + expected;
    return nullptr;
  };
  if (options.slots < 1)
    return bad("slots", options.slots, "at least 1");
  if (options.threads < 0)
    return bad("threads", options.threads, "at least 1, or 0 for all cpus");
  if (options.chunk < 1)
    return bad("chunk", options.chunk, "at least 1");
  if (options.capacity < 0 ||
      options.capacity > std::numeric_limits<int32_t>::max())
    return bad("capacity", options.capacity, "0 to 2^31 - 1");
  std::unique_ptr<Session> session(new Session);
  session->settings = options;
  if (session->settings.threads == 0)
    session->settings.threads = allowedCpus();
  session->ctx = Context::create(session->settings.threads, model->library(),
                                 error, options.arenaBytes);
  if (!session->ctx)
    return nullptr;
  session->pool =
      StatePool::create(model->description().states(), options.slots,
                        std::max<int64_t>(options.capacity, 1), error);
  if (!session->pool)
    return nullptr;
  session->sequences.resize(static_cast<size_t>(options.slots));
  session->shared = std::move(model);
  return session;
}

int64_t Session::capacity() const { return pool->capacity(); }

int64_t Session::length(int32_t slot) const {
  return static_cast<int64_t>(tokens(slot).size());
}

std::span<const int32_t> Session::tokens(int32_t slot) const {
  if (slot < 0 || slot >= slots())
    return {};
  return sequences[static_cast<size_t>(slot)];
}

int64_t Session::untilPieceEnds(int32_t slot) const {
  return settings.chunk - length(slot) % settings.chunk;
}

void Session::reset(int32_t slot) {
  if (slot >= 0 && slot < slots())
    empty(slot, length(slot));
}

void Session::empty(int32_t slot, int64_t tokens) {
  pool->reset(slot, tokens);
  sequences[static_cast<size_t>(slot)].clear();
}

bool Session::reserve(int64_t tokens, std::string &error) {
  if (tokens <= pool->capacity())
    return true;
  std::vector<int64_t> held;
  for (const std::vector<int32_t> &sequence : sequences)
    held.push_back(static_cast<int64_t>(sequence.size()));
  return pool->reserve(tokens, held, error);
}

SessionMemory Session::memory() const {
  int64_t tokens = 0;
  for (int32_t slot = 0; slot < slots(); ++slot)
    tokens += length(slot);
  return {ctx->peak(), tokens * pool->bytesPerToken(), pool->fixedBytes()};
}

std::optional<MarimbaTensor> Session::state(std::string_view name) const {
  int64_t index = pool->find(name);
  if (index < 0)
    return std::nullopt;
  return pool->view(static_cast<size_t>(index), 0, slots());
}

bool Session::append(std::span<const int32_t> ids, LogitsWanted wanted,
                     std::vector<float> &logits, std::string &error,
                     int32_t slot) {
  std::vector<int32_t> row(ids.begin(), ids.end());
  return forward(slot, std::span(&row, 1), wanted, logits, error);
}

bool Session::forward(int32_t firstSlot,
                      std::span<const std::vector<int32_t>> rows,
                      LogitsWanted wanted, std::vector<float> &logits,
                      std::string &error, std::vector<float> *hidden,
                      std::vector<std::string> *problems) {
  Request request = {firstSlot, rows, wanted, logits, hidden, problems};
  bool started = false;
  badRow = -1;
  try {
    for (const std::vector<int32_t> &row : rows) {
      request.offsets.push_back(request.tokens);
      request.tokens += static_cast<int64_t>(row.size());
    }
    request.done.assign(rows.size(), 0);
    logits.clear();
    if (hidden)
      hidden->clear();
    if (problems)
      problems->assign(rows.size(), "");
    if (!check(request, error) || !makeRoom(request, error))
      return false;
    started = true;
    if (run(request, error) && checkLogits(request, error))
      return true;
  } catch (const std::exception &exception) {
    error = std::string("no memory for this call: ") + exception.what();
  }
  if (started)
    for (int32_t row = 0; row < request.batch(); ++row)
      empty(firstSlot + row,
            length(firstSlot + row) +
                static_cast<int64_t>(rows[static_cast<size_t>(row)].size()));
  logits.clear();
  if (hidden)
    hidden->clear();
  return false;
}

bool Session::check(const Request &request, std::string &error) const {
  int64_t count = static_cast<int64_t>(request.rows.size());
  if (count < 1 || request.firstSlot < 0 ||
      request.firstSlot + count > slots()) {
    error = "slots " + std::to_string(request.firstSlot) + " to " +
            std::to_string(request.firstSlot + count - 1) +
            " were asked for, the session has 0 to " +
            std::to_string(slots() - 1);
    return false;
  }
  int64_t vocabulary = shared->description().vocabulary;
  for (int64_t i = 0; i < count; ++i) {
    const std::vector<int32_t> &row = request.rows[static_cast<size_t>(i)];
    if (row.empty()) {
      error =
          "row " + std::to_string(i) + " has no tokens, expected at least one";
      return false;
    }
    for (int32_t id : row)
      if (id < 0 || id >= vocabulary) {
        error = "token id " + std::to_string(id) +
                " is out of range, the vocabulary has " +
                std::to_string(vocabulary);
        return false;
      }
    int64_t total = length(request.firstSlot + static_cast<int32_t>(i)) +
                    static_cast<int64_t>(row.size());
    if (total > std::numeric_limits<int32_t>::max()) {
      error = "a sequence of " + std::to_string(total) +
              " tokens, expected at most 2147483647";
      return false;
    }
  }
  if (request.hidden &&
      !shared->description().prefill.find(ArgKind::Output, "hidden")) {
    error =
        "module '" + shared->description().name + "' has no output 'hidden'";
    return false;
  }
  return true;
}

bool Session::makeRoom(Request &request, std::string &error) {
  int64_t needed = 0;
  for (int32_t row = 0; row < request.batch(); ++row)
    needed = std::max(needed,
                      length(request.firstSlot + row) +
                          static_cast<int64_t>(
                              request.rows[static_cast<size_t>(row)].size()));
  auto vocabulary = static_cast<size_t>(shared->description().vocabulary);
  if (request.wanted == LogitsWanted::Last)
    request.logits.resize(request.rows.size() * vocabulary);
  else if (request.wanted == LogitsWanted::All)
    request.logits.resize(static_cast<size_t>(request.tokens) * vocabulary);
  return reserve(needed, error);
}

} // namespace marimba::rt
