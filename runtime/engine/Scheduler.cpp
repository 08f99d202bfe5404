//===- Scheduler.cpp - Many prompts together ------------------------------===//

#include "marimba/Scheduler.h"

#include "LogProbabilities.h"
#include "SchedulerRow.h"

#include "marimba/Room.h"
#include "marimba/Session.h"

#include <algorithm>

namespace marimba::rt {

Scheduler::Scheduler(const ReadyModel &model, const Tokenizer *tokenizer,
                     const Options &options)
    : model(model), tokenizer(tokenizer), options(options) {}
Scheduler::~Scheduler() = default;

std::unique_ptr<Scheduler> Scheduler::create(const ReadyModel &model,
                                             const Tokenizer *tokenizer,
                                             const Options &options,
                                             std::string &error) {
  std::unique_ptr<Scheduler> made(new Scheduler(model, tokenizer, options));
  // One more, to move rows past each other.
  int32_t spare = options.slots > 1 ? 1 : 0;
  made->session = model.makeSession(error, options.slots + spare);
  if (!made->session)
    return nullptr;
  made->rows.resize(static_cast<size_t>(made->session->slots()));
  made->kept = PrefixTree::create(model, options.cache, error);
  return made->kept ? std::move(made) : nullptr;
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
  else if (!model.checkIds(request.afterAnswer, error))
    error = "afterAnswer: " + error;
  else if (!std::ranges::is_sorted(request.boundaries))
    error = "boundaries are not in ascending order";
  else if (!request.stops.empty() && !tokenizer)
    error = model.name() + " has no tokenizer, expected no stop texts";
  // Memory is short for this one; the others go on.
  else if (model.checkIds(request.ids, error) &&
           checkRoom(model, static_cast<int64_t>(request.ids.size()), 1, error))
    error = checkSamplerOptions(request.sampler);
  if (!error.empty())
    return std::nullopt;
  std::scoped_lock lock(mutex);
  // Those for which a slot is free do not wait.
  auto slots = static_cast<size_t>(options.slots);
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

bool Scheduler::hasSpareWork() const {
  std::scoped_lock lock(mutex);
  return spareWork > 0;
}

size_t Scheduler::waiting() const {
  std::scoped_lock lock(mutex);
  return queue.size();
}

bool Scheduler::step(RequestListener &listener, std::string &error) {
  failedRequest.reset();
  try {
    if (dropCancelled(error) && advance(listener, error) &&
        clear(listener, error))
      return true;
  } catch (...) {
    dropAll();
    throw;
  }
  dropAll();
  return false;
}

bool Scheduler::advance(RequestListener &listener, std::string &error) {
  kept->tidy();
  if (!handleSpareWork(error))
    return false;
  bool decoding = firstDecoding < endDecoding, any = false;
  // Those that answer must not wait for all that is to be read.
  if (!reading.empty() && !(readLast && decoding) &&
      !read(listener, any, error))
    return false;
  readLast = any;
  return any || !decoding || decode(listener, error);
}

void Scheduler::dropAll() {
  for (std::unique_ptr<Row> &row : rows)
    row.reset();
  reading.clear();
  spare.clear();
  firstDecoding = endDecoding = 0;
  {
    std::scoped_lock lock(mutex);
    queue.clear();
    cancelled.clear();
    rowCount = spareWork = 0;
  }
  for (int32_t slot = 0; slot < session->slots(); ++slot)
    session->reset(slot);
}

bool Scheduler::dropCancelled(std::string &error) {
  std::set<uint64_t> dropped;
  {
    std::scoped_lock lock(mutex);
    dropped.swap(cancelled);
  }
  for (size_t i = 0; i < rows.size() && !dropped.empty();)
    if (!rows[i] || rows[i]->spare || !dropped.contains(rows[i]->number))
      ++i;
    else if (!removeRow(*rows[i], error))
      return false;
  return true;
}

void Scheduler::admit() {
  while (true) {
    std::optional<Waiting> next;
    int64_t tokens = 0; // that are not in memory yet
    for (Row *row : reading)
      tokens += row->unread();
    {
      std::scoped_lock lock(mutex);
      if (queue.empty() || rowCount >= static_cast<size_t>(options.slots))
        return;
      tokens += static_cast<int64_t>(queue.front().request.ids.size());
      // It waits for memory that others will free.
      std::string problem;
      if (rowCount > 0 && !checkRoom(model, tokens, 1, problem))
        return;
      next = std::move(queue.front());
      queue.pop_front();
      ++rowCount;
    }
    place(std::move(*next), /*spare=*/false);
  }
}

void Scheduler::place(Waiting next, bool isSpare) {
  auto row = std::make_unique<Row>(next.number, std::move(next.request));
  const Request &request = row->request;
  row->spare = isSpare;
  row->usage.promptTokens = request.ids.size();
  if (!request.onlyRead) {
    row->sampler.see(request.ids);
    // What is in front of the answer decides how that is decoded.
    if (tokenizer)
      row->answer.emplace(*tokenizer, request.stops, request.ids,
                          request.spoken);
  }
  row->ends = kept->ends(request.ids, request.boundaries);
  row->slot = freeSlot();
  session->reset(row->slot);
  // At once, or it grows again and again; who runs out of memory hears of it.
  std::string ignored;
  session->reserve(static_cast<int64_t>(request.ids.size()), ignored);
  reading.push_back(row.get());
  rows[static_cast<size_t>(row->slot)] = std::move(row);
}

void Scheduler::readWhenIdle(std::vector<int32_t> ids,
                             std::vector<int64_t> boundaries) {
  constexpr size_t most = 8;
  std::string ignored;
  if (!kept->enabled() || ids.empty() || !model.checkIds(ids, ignored) ||
      !std::ranges::is_sorted(boundaries))
    return;
  Request work;
  work.ids = std::move(ids);
  work.boundaries = std::move(boundaries);
  work.onlyRead = true;
  spare.push_front(std::move(work));
  if (spare.size() > most)
    spare.pop_back();
  countSpareWork();
}

void Scheduler::countSpareWork() {
  std::scoped_lock lock(mutex);
  spareWork = spare.size() + std::ranges::any_of(rows, [](const auto &row) {
                return row && row->spare;
              });
}

void Scheduler::addSpareWork(const Row &row) {
  // A stop text is no part of the answer, but of its tokens.
  if (row.request.afterAnswer.empty() || !kept->enabled() ||
      row.request.onlyRead || row.end == AnswerEnd::Stop)
    return;
  std::span<const int32_t> held = session->tokens(row.slot);
  std::vector<int32_t> ids(held.begin(), held.end());
  if (row.end != AnswerEnd::Model)
    ids.push_back(row.last);
  ids.insert(ids.end(), row.request.afterAnswer.begin(),
             row.request.afterAnswer.end());
  std::vector<int64_t> boundaries = row.request.boundaries;
  boundaries.push_back(static_cast<int64_t>(ids.size()));
  readWhenIdle(std::move(ids), std::move(boundaries));
}

bool Scheduler::handleSpareWork(std::string &error) {
  auto running = std::ranges::find_if(
      rows, [](const auto &row) { return row && row->spare; });
  bool busy = waiting() > 0 || std::ranges::any_of(rows, [](const auto &row) {
                return row && !row->spare;
              });
  if (busy && running != rows.end()) {
    // It goes on from the last place, some time.
    spare.push_front(std::move((*running)->request));
    if (!removeRow(**running, error))
      return false;
  }
  if (busy)
    admit();
  else if (running == rows.end() && !spare.empty()) {
    Request next = std::move(spare.front());
    spare.pop_front();
    place({0, std::move(next)}, /*spare=*/true);
  }
  return true;
}

/// One token more for every row that answers.
bool Scheduler::decode(RequestListener &listener, std::string &error) {
  std::vector<std::vector<int32_t>> ids;
  for (int32_t slot = firstDecoding; slot < endDecoding; ++slot)
    ids.push_back({rows[static_cast<size_t>(slot)]->last});
  std::vector<std::string> problems;
  if (!session->forward(firstDecoding, ids, LogitsWanted::Last, logits, error,
                        nullptr, &problems))
    return false;
  size_t vocabulary = logits.size() / ids.size();
  for (size_t i = 0; i < ids.size(); ++i) {
    Row &row = *rows[static_cast<size_t>(firstDecoding) + i];
    if (problems[i].empty())
      choose(row, std::span(logits).subspan(i * vocabulary, vocabulary),
             listener);
    else if (!fail(row, problems[i], listener, error))
      return false;
  }
  return true;
}

bool Scheduler::fail(Row &row, const std::string &problem,
                     RequestListener &listener, std::string &error) {
  row.failed = true;
  if (row.spare)
    return true;
  if (listener.failed(row.number, problem))
    return true;
  failedRequest = row.number;
  error = problem;
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

/// Reports the rows that are done, and frees their slots.
bool Scheduler::clear(RequestListener &listener, std::string &error) {
  for (size_t i = 0; i < rows.size();) {
    Row *row = rows[i].get();
    if (!row || (!row->end && !row->failed)) {
      ++i;
      continue;
    }
    std::string text;
    if (row->answer && !row->failed)
      text = row->answer->finish();
    if (!row->failed && !row->spare) {
      addSpareWork(*row);
      if (!listener.finished(row->number, *row->end, text, row->usage, error))
        return false;
    }
    if (!removeRow(*row, error))
      return false;
  }
  countSpareWork();
  return true;
}

} // namespace marimba::rt
