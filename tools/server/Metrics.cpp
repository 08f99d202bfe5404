//===- Metrics.cpp - What happened so far ---------------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/Metrics.h"

#include <algorithm>
#include <charconv>

using namespace marimba;
using namespace marimba::server;

static std::string shortest(double value) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof(digits), value).ptr};
}

void Histogram::add(double seconds) {
  auto place = std::ranges::lower_bound(kBounds, seconds) - kBounds.begin();
  ++counts[static_cast<size_t>(place)];
  sum += seconds;
}

void Histogram::write(std::string_view name, std::string &text) const {
  uint64_t total = 0;
  std::string start(name);
  for (size_t i = 0; i < counts.size(); ++i) {
    total += counts[i];
    text += start + "_bucket{le=\"" +
            (i < kBounds.size() ? shortest(kBounds[i]) : "+Inf") + "\"} " +
            std::to_string(total) + "\n";
  }
  text += start + "_sum " + shortest(sum) + "\n";
  text += start + "_count " + std::to_string(total) + "\n";
}

void Metrics::countCall(std::string_view endpoint, int status) {
  std::scoped_lock lock(mutex);
  ++calls[{std::string(endpoint), status}];
}

void Metrics::addFirstToken(double seconds) {
  std::scoped_lock lock(mutex);
  firstToken.add(seconds);
}

void Metrics::addAnswer(double seconds) {
  std::scoped_lock lock(mutex);
  answer.add(seconds);
}

static void begin(std::string &text, std::string_view name,
                  std::string_view help, std::string_view type) {
  text.append("# HELP ").append(name).append(" ").append(help);
  text.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
}

template <typename T>
static void add(std::string &text, std::string_view name, std::string_view help,
                T value) {
  bool counts = name.ends_with("_total");
  begin(text, name, help, counts ? "counter" : "gauge");
  text.append(name).append(" ");
  if constexpr (std::is_floating_point_v<T>)
    text += shortest(value);
  else
    text += std::to_string(value);
  text += "\n";
}

std::string Metrics::text(const rt::ServingCounters &loop) const {
  std::string text;
  begin(text, "marimba_http_requests_total", "Replies by endpoint and status.",
        "counter");
  std::scoped_lock lock(mutex);
  for (const auto &[what, count] : calls)
    text += "marimba_http_requests_total{endpoint=\"" + what.first +
            "\",status=\"" + std::to_string(what.second) + "\"} " +
            std::to_string(count) + "\n";
  add(text, "marimba_connections", "Connections now.", connections());
  add(text, "marimba_requests_total", "Answers that were begun.",
      loop.requests);
  add(text, "marimba_requests_refused_total",
      "Requests refused because the queue was full.", loop.refused);
  add(text, "marimba_requests_finished_total", "Answers that came to an end.",
      loop.finished);
  add(text, "marimba_requests_failed_total", "Answers that failed.",
      loop.failed);
  add(text, "marimba_requests_cancelled_total",
      "Answers whose client went away or whose time was over.", loop.cancelled);
  add(text, "marimba_requests_running", "Requests in slots now.", loop.running);
  add(text, "marimba_requests_waiting", "Requests in the queue now.",
      loop.waiting);
  add(text, "marimba_prompt_tokens_total", "Tokens of prompts that were read.",
      loop.readTokens);
  add(text, "marimba_prompt_tokens_reused_total",
      "Tokens of prompts that were not read again.", loop.reusedTokens);
  add(text, "marimba_generated_tokens_total", "Tokens of answers.",
      loop.newTokens);
  add(text, "marimba_steps_total", "Calls of the model.", loop.steps);
  add(text, "marimba_longest_step_seconds", "The longest call of the model.",
      loop.longestStep);
  add(text, "marimba_cache_bytes", "Memory of what is kept for reuse.",
      loop.cacheBytes);
  add(text, "marimba_cache_places", "Places that can be gone on from.",
      loop.cacheNodes);
  add(text, "marimba_cache_evictions_total", "Places that left memory.",
      loop.evictions);
  add(text, "marimba_spilled_bytes_total",
      "Bytes written to the folder of sessions.", loop.spilledBytes);
  add(text, "marimba_stored_bytes", "Bytes in the folder of sessions.",
      loop.storedBytes);
  begin(text, "marimba_first_token_seconds",
        "From a request to the first token of its answer.", "histogram");
  firstToken.write("marimba_first_token_seconds", text);
  begin(text, "marimba_answer_seconds",
        "From a request to the end of its answer.", "histogram");
  answer.write("marimba_answer_seconds", text);
  return text;
}
