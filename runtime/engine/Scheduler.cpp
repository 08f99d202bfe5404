//===- Scheduler.cpp - Many prompts together ------------------------------===//

#include "marimba/Scheduler.h"

#include "LogProbabilities.h"

#include "marimba/Room.h"
#include "marimba/Session.h"

#include <algorithm>

namespace marimba::rt {

/// What runs in one slot.
struct Scheduler::Row {
  Row(uint64_t number, Request &&asked)
      : number(number), request(std::move(asked)), sampler(request.sampler) {}

  uint64_t number;
  Request request; // without its ids
  Sampler sampler;
  std::optional<AnswerText> answer;
  RequestUsage usage;
  int32_t last = 0;    // the newest token, which the state does not hold yet
  bool waited = false; // while the prompts of others were read
  std::optional<AnswerEnd> end;
};

Scheduler::Scheduler(const ReadyModel &model, const Tokenizer *tokenizer,
                     const Options &options)
    : model(model), tokenizer(tokenizer), options(options) {}
Scheduler::~Scheduler() = default;

std::unique_ptr<Scheduler> Scheduler::create(const ReadyModel &model,
                                             const Tokenizer *tokenizer,
                                             const Options &options,
                                             std::string &error) {
  std::unique_ptr<Scheduler> made(new Scheduler(model, tokenizer, options));
  made->session = model.makeSession(error, options.slots);
  return made->session ? std::move(made) : nullptr;
}

std::optional<uint64_t> Scheduler::submit(Request request, std::string &error,
                                          SubmitError *why) {
  error.clear();
  if (why)
    *why = SubmitError::Bad;
  if (request.ids.empty())
    error = "expected at least one token";
  else if (request.maxTokens < 1)
    error = "max_tokens is " + std::to_string(request.maxTokens) +
            ", expected 1 or more";
  else if (request.likeliest && *request.likeliest < 0)
    error = "likeliest is " + std::to_string(*request.likeliest) +
            ", expected 0 or more";
  else if (!std::ranges::is_sorted(request.boundaries))
    error = "boundaries are not in ascending order";
  else if (!request.stops.empty() && !tokenizer)
    error = model.name() + " has no tokenizer, expected no stop texts";
  // Memory is short for this one; the others go on.
  else if (model.checkIds(request.ids, error) &&
           checkRoom(model, static_cast<int64_t>(request.ids.size()),
                     session->slots(), error))
    error = checkSamplerOptions(request.sampler);
  if (!error.empty())
    return std::nullopt;
  std::scoped_lock lock(mutex);
  // Those for which a slot is free do not wait.
  auto slots = static_cast<size_t>(session->slots());
  size_t most = options.waiting + slots - std::min(slots, rowCount);
  if (options.waiting > 0 && queue.size() >= most) {
    if (why)
      *why = SubmitError::Full;
    error = std::to_string(queue.size()) +
            " requests wait already, and no more may";
    return std::nullopt;
  }
  queue.push_back({nextNumber, std::move(request)});
  return nextNumber++;
}

void Scheduler::cancel(uint64_t request) {
  std::scoped_lock lock(mutex);
  auto found = std::ranges::find(queue, request, &Waiting::number);
  if (found != queue.end())
    queue.erase(found);
  else
    cancelled.insert(request);
}

bool Scheduler::idle() const {
  std::scoped_lock lock(mutex);
  return rowCount == 0 && queue.empty();
}

size_t Scheduler::running() const {
  std::scoped_lock lock(mutex);
  return rowCount;
}

size_t Scheduler::waiting() const {
  std::scoped_lock lock(mutex);
  return queue.size();
}

bool Scheduler::step(RequestListener &listener, std::string &error) {
  failedRequest.reset();
  auto advance = [&] {
    // Those that run must not wait for all that come.
    bool late =
        std::ranges::any_of(rows, [](auto &row) { return row->waited; });
    bool full = rows.size() == static_cast<size_t>(session->slots());
    if (!late && !full && waiting() > 0)
      return begin(listener, error);
    return rows.empty() || decode(listener, error);
  };
  auto dropAll = [&] {
    rows.clear();
    {
      std::scoped_lock lock(mutex);
      queue.clear();
      cancelled.clear();
      rowCount = 0;
    }
    for (int32_t slot = 0; slot < session->slots(); ++slot)
      session->reset(slot);
  };
  try {
    if (dropCancelled(error) && advance() && clear(listener, error))
      return true;
  } catch (...) {
    dropAll();
    throw;
  }
  dropAll();
  return false;
}

bool Scheduler::dropCancelled(std::string &error) {
  std::set<uint64_t> dropped;
  {
    std::scoped_lock lock(mutex);
    dropped.swap(cancelled);
  }
  for (size_t i = 0; i < rows.size() && !dropped.empty();)
    if (!dropped.contains(rows[i]->number))
      ++i;
    else if (!removeRow(i, error))
      return false;
  return true;
}

std::vector<Scheduler::Waiting> Scheduler::takeNext() {
  // Padding and scratch memory are those of a few chunks at most.
  constexpr int64_t mostChunks = 4;
  std::scoped_lock lock(mutex);
  std::vector<Waiting> taken;
  int64_t longest = 0;
  auto free = static_cast<size_t>(session->slots()) - rows.size();
  while (taken.size() < free && !queue.empty()) {
    auto length = static_cast<int64_t>(queue.front().request.ids.size());
    longest = std::max(longest, length);
    if (!taken.empty() && static_cast<int64_t>(taken.size() + 1) *
                                  std::min(longest, model.chunk()) >
                              mostChunks * model.chunk())
      break;
    taken.push_back(std::move(queue.front()));
    queue.pop_front();
  }
  rowCount += taken.size();
  return taken;
}

/// Reads the next prompts into free slots, together.
bool Scheduler::begin(RequestListener &listener, std::string &error) {
  size_t first = rows.size();
  std::vector<std::vector<int32_t>> ids;
  for (Waiting &next : takeNext()) {
    auto row = std::make_unique<Row>(next.number, std::move(next.request));
    row->sampler.see(row->request.ids);
    row->usage.promptTokens = row->request.ids.size();
    // What is in front of the answer decides how that is decoded.
    if (tokenizer)
      row->answer.emplace(*tokenizer, row->request.stops, row->request.ids,
                          row->request.spoken);
    ids.push_back(std::move(row->request.ids));
    session->reset(static_cast<int32_t>(rows.size()));
    rows.push_back(std::move(row));
  }
  // It was taken back in between.
  if (ids.empty())
    return true;
  for (size_t i = 0; i < first; ++i)
    rows[i]->waited = true;
  if (!forward(first, ids, error))
    return false;
  size_t vocabulary = logits.size() / ids.size();
  for (size_t i = 0; i < ids.size(); ++i)
    choose(*rows[first + i],
           std::span(logits).subspan(i * vocabulary, vocabulary), listener);
  return true;
}

/// One token more for every row.
bool Scheduler::decode(RequestListener &listener, std::string &error) {
  std::vector<std::vector<int32_t>> ids;
  for (const auto &row : rows) {
    ids.push_back({row->last});
    row->waited = false;
  }
  if (!forward(0, ids, error))
    return false;
  size_t vocabulary = logits.size() / ids.size();
  for (size_t i = 0; i < rows.size(); ++i)
    choose(*rows[i], std::span(logits).subspan(i * vocabulary, vocabulary),
           listener);
  return true;
}

bool Scheduler::forward(size_t first,
                        const std::vector<std::vector<int32_t>> &ids,
                        std::string &error) {
  if (session->forward(static_cast<int32_t>(first), ids, LogitsWanted::Last,
                       logits, error))
    return true;
  if (session->notFiniteRow() >= 0)
    failedRequest =
        rows[first + static_cast<size_t>(session->notFiniteRow())]->number;
  return false;
}

void Scheduler::choose(Row &row, std::span<float> logits,
                       RequestListener &listener) {
  NewToken token;
  std::optional<LogProbabilities> chances;
  if (row.request.likeliest)
    chances.emplace(logits, *row.request.likeliest);
  if (row.request.constraint)
    row.request.constraint->mask(logits);
  token.id = row.last = row.sampler.sample(logits);
  if (row.request.constraint)
    row.request.constraint->accept(row.last);
  if (chances) {
    token.logProbability = chances->of(token.id);
    token.likeliest = chances->likeliest();
  }
  std::string text;
  if (row.answer)
    text = row.answer->push(row.last);
  token.text = text;
  const std::vector<int32_t> &ends = row.request.endIds;
  ++row.usage.newTokens;
  if (row.answer && row.answer->stopped())
    row.end = AnswerEnd::Stop;
  else if (std::ranges::find(ends, row.last) != ends.end())
    row.end = AnswerEnd::Model;
  else if (static_cast<int64_t>(row.usage.newTokens) >= row.request.maxTokens)
    row.end = AnswerEnd::Length;
  listener.token(row.number, token);
}

/// Reports the rows that are done and closes the gaps that they leave.
bool Scheduler::clear(RequestListener &listener, std::string &error) {
  for (size_t i = 0; i < rows.size();) {
    Row &row = *rows[i];
    if (!row.end) {
      ++i;
      continue;
    }
    std::string text;
    if (row.answer)
      text = row.answer->finish();
    if (!listener.finished(row.number, *row.end, text, row.usage, error) ||
        !removeRow(i, error))
      return false;
  }
  return true;
}

bool Scheduler::removeRow(size_t index, std::string &error) {
  auto last = static_cast<int32_t>(rows.size() - 1);
  if (!session->copySlot(last, static_cast<int32_t>(index), error))
    return false;
  session->reset(last);
  std::swap(rows[index], rows.back());
  rows.pop_back();
  std::scoped_lock lock(mutex);
  rowCount = rows.size();
  return true;
}

} // namespace marimba::rt
