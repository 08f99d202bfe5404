//===- Evaluation.cpp - How well a model predicts -------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/Evaluation.h"
#include "importer/hub/Json.h"
#include "tools/libmarimba/Stopwatch.h"

#include "marimba/Sampler.h"
#include "marimba/Session.h"
#include "marimba/Tokenizer.h"
#include "llvm/Support/JSON.h"
#include <algorithm>
#include <cmath>

using namespace marimba;
using namespace llvm;

double Perplexity::perToken() const { return std::exp(loss()); }

double Perplexity::bitsPerByte() const {
  return nats / std::log(2.0) / static_cast<double>(bytes);
}

/// -ln of the probability that `logits` give to `token`.
static double negativeLogProbability(ArrayRef<float> logits, int32_t token) {
  double highest = *llvm::max_element(logits);
  double sum = 0;
  for (float logit : logits)
    sum += std::exp(logit - highest);
  return highest + std::log(sum) - logits[token];
}

bool marimba::tokensOf(const LoadedModel &model, const rt::Tokenizer &tokenizer,
                       StringRef text, int64_t window,
                       std::vector<int32_t> &ids, std::string &error) {
  ids = tokenizer.encode(text, true, &error);
  if (!error.empty() || !model.checkIds(ids, error))
    return false;
  if (ids.size() >= size_t(window))
    return true;
  error = ("has " + Twine(ids.size()) + " tokens, fewer than one window of " +
           Twine(window))
              .str();
  return false;
}

bool marimba::measurePerplexity(LoadedModel &model,
                                const rt::Tokenizer &tokenizer, StringRef text,
                                int64_t window, StepFn step, Perplexity &result,
                                std::string &error) {
  Stopwatch watch;
  std::vector<int32_t> ids;
  if (!tokensOf(model, tokenizer, text, window, ids, error))
    return false;
  size_t windows = ids.size() / window;
  std::unique_ptr<rt::Session> session = model.makeSession(error);
  if (!session)
    return false;

  if (!session->reserve(window, error))
    return false;
  size_t vocabulary = model.info().vocabSize;
  auto chunk = static_cast<size_t>(model.chunk());
  std::vector<float> logits;
  for (size_t index = 0; index < windows; ++index) {
    step(index, windows);
    ArrayRef<int32_t> tokens = ArrayRef(ids).slice(index * window, window);
    session->reset(0);
    // Logits of one chunk at a time: those of a long window are gigabytes.
    for (size_t begin = 0; begin < tokens.size(); begin += chunk) {
      ArrayRef<int32_t> piece = tokens.drop_front(begin).take_front(chunk);
      if (!session->append({piece.data(), piece.size()}, rt::LogitsWanted::All,
                           logits, error))
        return false;
      for (size_t i = 0; i < piece.size() && begin + i + 1 < tokens.size();
           ++i) {
        int32_t token = tokens[begin + i + 1];
        result.nats += negativeLogProbability(
            ArrayRef(logits).slice(i * vocabulary, vocabulary), token);
        if (!tokenizer.isSpecial(token))
          result.bytes += tokenizer.tokenBytes(token).size();
      }
    }
  }
  result.windows = windows;
  result.tokens = windows * (window - 1);
  result.seconds = watch.seconds();
  return true;
}

bool marimba::parseRecallCases(StringRef jsonl, StringRef file, int64_t limit,
                               std::vector<RecallCase> &cases,
                               std::string &error) {
  SmallVector<StringRef> lines;
  jsonl.split(lines, '\n');
  for (auto [index, line] : enumerate(lines)) {
    if (line.trim().empty())
      continue;
    std::string place = (file + ":" + Twine(index + 1) + ": ").str();
    auto parsed = mlir::marimba::parseJson(
        line, StringRef(place).drop_back(2), {},
        [&](const Twine &text) { error = text.str(); });
    if (mlir::failed(parsed))
      return false;
    const json::Object *object = parsed->getAsObject();
    std::optional<StringRef> text, answer;
    if (object) {
      text = object->getString("text");
      answer = object->getString("answer");
    }
    if (!text || !answer || answer->empty()) {
      error = place + "expected an object with the strings text and answer, "
                      "the answer not empty";
      return false;
    }
    int64_t context = 0;
    if (const json::Value *about = object->get("context_tokens_about")) {
      std::optional<int64_t> number = mlir::marimba::asInteger(*about);
      if (!number) {
        error = place + "context_tokens_about is " +
                mlir::marimba::printJson(*about) + ", expected an integer";
        return false;
      }
      context = *number;
    }
    if (limit == 0 || context <= limit)
      cases.push_back({text->str(), answer->str(), context});
  }
  if (cases.empty())
    error = (file + ": no lines of {text, answer}" +
             (limit ? " within --limit-context" : ""))
                .str();
  return !cases.empty();
}

/// `count` tokens after `prompt`, each the likeliest.
static bool continueGreedily(rt::Session &session, ArrayRef<int32_t> prompt,
                             size_t count, std::vector<int32_t> &made,
                             std::string &error) {
  rt::Sampler greedy({});
  std::vector<float> logits;
  session.reset(0);
  if (!session.append({prompt.data(), prompt.size()}, rt::LogitsWanted::Last,
                      logits, error))
    return false;
  while (made.size() < count) {
    made.push_back(greedy.sample(logits));
    if (made.size() < count &&
        !session.append({&made.back(), 1}, rt::LogitsWanted::Last, logits,
                        error))
      return false;
  }
  return true;
}

bool marimba::measureRecall(LoadedModel &model, const rt::Tokenizer &tokenizer,
                            ArrayRef<RecallCase> cases, StepFn step,
                            std::map<int64_t, RecallCount> &counts,
                            std::string &error) {
  std::unique_ptr<rt::Session> session = model.makeSession(error);
  if (!session)
    return false;
  for (auto [index, item] : enumerate(cases)) {
    step(index, cases.size());
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
