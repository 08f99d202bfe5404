//===- Evaluation.cpp - How well a model predicts -------------------------===//

#include "marimba/Evaluation.h"

#include "JsonFile.h"
#include "Text.h"
#include "marimba/Sampler.h"
#include "marimba/Session.h"
#include "marimba/Stopwatch.h"
#include "marimba/Tokenizer.h"
#include "marimba/formats/JsonText.h"

#include <algorithm>
#include <cmath>

namespace marimba::rt {

double Perplexity::perToken() const { return std::exp(loss()); }

double Perplexity::bitsPerByte() const {
  return nats / std::log(2.0) / static_cast<double>(bytes);
}

/// -ln of the probability that `logits` give to `token`.
static double negativeLogProbability(std::span<const float> logits,
                                     int32_t token) {
  double highest = *std::ranges::max_element(logits);
  double sum = 0;
  for (float logit : logits)
    sum += std::exp(logit - highest);
  return highest + std::log(sum) - logits[static_cast<size_t>(token)];
}

bool tokensOf(const ReadyModel &model, const Tokenizer &tokenizer,
              std::string_view text, int64_t window, std::vector<int32_t> &ids,
              std::string &error) {
  ids = tokenizer.encode(text, true, &error);
  if (!error.empty() || !model.checkIds(ids, error))
    return false;
  if (ids.size() >= size_t(window))
    return true;
  error = "has " + std::to_string(ids.size()) +
          " tokens, fewer than one window of " + std::to_string(window);
  return false;
}

bool measurePerplexity(const ReadyModel &model, const Tokenizer &tokenizer,
                       std::string_view text, int64_t window,
                       const StepFn &step, Perplexity &result,
                       std::string &error) {
  Stopwatch watch;
  std::vector<int32_t> ids;
  if (!tokensOf(model, tokenizer, text, window, ids, error))
    return false;
  auto size = static_cast<size_t>(window);
  size_t windows = ids.size() / size;
  std::unique_ptr<Session> session = model.makeSession(error);
  if (!session)
    return false;

  if (!session->reserve(window, error))
    return false;
  auto vocabulary = static_cast<size_t>(model.vocabulary());
  auto chunk = static_cast<size_t>(model.chunk());
  std::vector<float> logits;
  for (size_t index = 0; index < windows; ++index) {
    step(index, windows);
    std::span<const int32_t> tokens =
        std::span(ids).subspan(index * size, size);
    session->reset(0);
    // Logits of one chunk at a time: those of a long window are gigabytes.
    for (size_t begin = 0; begin < tokens.size(); begin += chunk) {
      std::span<const int32_t> piece =
          tokens.subspan(begin, std::min(chunk, tokens.size() - begin));
      if (!session->append(piece, LogitsWanted::All, logits, error))
        return false;
      for (size_t i = 0; i < piece.size() && begin + i + 1 < tokens.size();
           ++i) {
        int32_t token = tokens[begin + i + 1];
        result.nats += negativeLogProbability(
            std::span(logits).subspan(i * vocabulary, vocabulary), token);
        if (!tokenizer.isSpecial(token))
          result.bytes +=
              static_cast<int64_t>(tokenizer.tokenBytes(token).size());
      }
    }
  }
  result.windows = static_cast<int64_t>(windows);
  result.tokens = result.windows * (window - 1);
  result.seconds = watch.seconds();
  return true;
}

bool parseRecallCases(std::string_view jsonl, const std::string &file,
                      int64_t limit, std::vector<RecallCase> &cases,
                      std::string &error) {
  for (size_t number = 1; !jsonl.empty(); ++number) {
    std::string_view line = text::takeUntil(jsonl, '\n');
    if (text::trim(line).empty())
      continue;
    std::string place = file + ":" + std::to_string(number);
    std::optional<nlohmann::json> parsed =
        parseJsonFile(line, place, /*mayBeEmpty=*/false, error);
    if (!parsed)
      return false;
    auto string = [&](const char *name) {
      auto found = parsed->is_object() ? parsed->find(name) : parsed->end();
      return found != parsed->end() && found->is_string()
                 ? std::optional(found->get<std::string>())
                 : std::nullopt;
    };
    std::optional<std::string> text = string("text"), answer = string("answer");
    if (!text || !answer || answer->empty()) {
      error = place + ": expected an object with the strings text and answer, "
                      "the answer not empty";
      return false;
    }
    int64_t context = 0;
    if (auto about = parsed->find("context_tokens_about");
        about != parsed->end()) {
      std::optional<int64_t> number = asInteger(*about);
      if (!number) {
        error = place + ": context_tokens_about is " + printJson(*about) +
                ", expected an integer";
        return false;
      }
      context = *number;
    }
    if (limit == 0 || context <= limit)
      cases.push_back({*text, *answer, context});
  }
  if (cases.empty())
    error = file + ": no lines of {text, answer}" +
            (limit ? " within --limit-context" : "");
  return !cases.empty();
}

/// `count` tokens after `prompt`, each the likeliest.
static bool continueGreedily(Session &session, std::span<const int32_t> prompt,
                             size_t count, std::vector<int32_t> &made,
                             std::string &error) {
  Sampler greedy({});
  std::vector<float> logits;
  session.reset(0);
  if (!session.append(prompt, LogitsWanted::Last, logits, error))
    return false;
  while (made.size() < count) {
    made.push_back(greedy.sample(logits));
    if (made.size() < count &&
        !session.append({&made.back(), 1}, LogitsWanted::Last, logits, error))
      return false;
  }
  return true;
}

bool measureRecall(const ReadyModel &model, const Tokenizer &tokenizer,
                   std::span<const RecallCase> cases, const StepFn &step,
                   std::map<int64_t, RecallCount> &counts, std::string &error) {
  std::unique_ptr<Session> session = model.makeSession(error);
  if (!session)
    return false;
  size_t index = 0;
  for (const RecallCase &item : cases) {
    step(index++, cases.size());
    std::vector<int32_t> prompt = tokenizer.encode(item.text, true, &error);
    if (!error.empty())
      return false;
    std::vector<int32_t> answer =
        tokenizer.encode(item.answer, /*addSpecialTokens=*/false, &error);
    if (!error.empty())
      return false;
    std::vector<int32_t> made;
    if (!model.checkIds(prompt, error) ||
        !continueGreedily(*session, prompt, answer.size(), made, error))
      return false;
    RecallCount &count = counts[item.contextTokens];
    ++count.cases;
    count.right += made == answer || tokenizer.decode(made) == item.answer;
  }
  return true;
}

} // namespace marimba::rt
