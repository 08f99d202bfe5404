//===- Comparison.cpp - Models against each other -------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/measure/Comparison.h"
#include "marimba/Stopwatch.h"

#include "marimba/Sampler.h"
#include "marimba/Session.h"
#include "marimba/Tokenizer.h"
#include "llvm/Support/Parallel.h"
#include <algorithm>
#include <cmath>

using namespace marimba;
using namespace llvm;

/// Tokens that each model is asked to add, to time them.
static constexpr int64_t kDecoded = 64;

namespace {

/// What the logits of one token say.
struct Opinion {
  int32_t likeliest = 0;
  double logSum = 0; // log of the sum of exp(logit)
};

/// The models, a window at a time.
class Comparer {
public:
  Comparer(ArrayRef<LoadedModel *> models, const rt::Tokenizer &tokenizer,
           std::vector<ComparedModel> &results, std::string &error)
      : models(models), tokenizer(tokenizer), results(results), error(error) {}

  bool open(int64_t window);
  bool runWindow(ArrayRef<int32_t> tokens);
  bool decode(ArrayRef<int32_t> prompt);

private:
  bool append(size_t model, ArrayRef<int32_t> piece);
  void count(size_t model, ArrayRef<int32_t> next);

  ArrayRef<LoadedModel *> models;
  const rt::Tokenizer &tokenizer;
  std::vector<ComparedModel> &results;
  std::string &error;
  std::vector<std::unique_ptr<rt::Session>> sessions;
  size_t vocabulary = 0;
  std::vector<float> base, logits; // of a piece: the first model's, and others'
  std::vector<Opinion> baseOpinions, opinions;
};

} // namespace

static Opinion opinionOf(ArrayRef<float> logits) {
  const float *highest = llvm::max_element(logits);
  double sum = 0;
  for (float logit : logits)
    sum += std::exp(double(logit) - *highest);
  return {int32_t(highest - logits.begin()), *highest + std::log(sum)};
}

bool Comparer::open(int64_t window) {
  vocabulary = models.front()->info().vocabSize;
  for (LoadedModel *model : models) {
    if (size_t(model->info().vocabSize) != vocabulary) {
      error = model->info().name + " has a vocabulary of " +
              std::to_string(model->info().vocabSize) + ", expected the " +
              std::to_string(vocabulary) + " of " + models.front()->info().name;
      return false;
    }
    sessions.push_back(model->makeSession(error));
    if (!sessions.back() || !sessions.back()->reserve(window, error))
      return false;
  }
  results.assign(models.size(), {});
  return true;
}

bool Comparer::append(size_t model, ArrayRef<int32_t> piece) {
  rt::Stopwatch watch;
  if (!sessions[model]->append({piece.data(), piece.size()},
                               rt::LogitsWanted::All, model ? logits : base,
                               error)) {
    results[model].failed = true;
    return false;
  }
  results[model].text.seconds += watch.seconds();
  return true;
}

/// Counts what a model said of the tokens before `next`.
void Comparer::count(size_t model, ArrayRef<int32_t> next) {
  std::vector<Opinion> &own = model ? opinions : baseOpinions;
  const std::vector<float> &from = model ? logits : base;
  auto row = [&](const std::vector<float> &values, size_t i) {
    return ArrayRef(values).slice(i * vocabulary, vocabulary);
  };
  own.resize(next.size());
  std::vector<double> divergence(next.size());
  parallelFor(0, next.size(), [&](size_t i) {
    own[i] = opinionOf(row(from, i));
    if (model == 0)
      return;
    const Opinion &first = baseOpinions[i];
    double sum = 0;
    for (auto [p, q] : zip_equal(row(base, i), row(from, i))) {
      double logP = p - first.logSum, logQ = q - own[i].logSum;
      // What never comes counts nothing, whatever the other says.
      if (double weight = std::exp(logP); weight > 0)
        sum += weight * (logP - logQ);
    }
    divergence[i] = sum;
  });
  // In this order whatever the threads did.
  ComparedModel &result = results[model];
  for (auto [i, token] : enumerate(next)) {
    result.text.nats += own[i].logSum - row(from, i)[token];
    result.divergence += divergence[i];
    result.agreeing += own[i].likeliest == baseOpinions[i].likeliest;
    if (!tokenizer.isSpecial(token))
      result.text.bytes += tokenizer.tokenBytes(token).size();
  }
  result.text.tokens += next.size();
}

bool Comparer::runWindow(ArrayRef<int32_t> tokens) {
  for (auto &session : sessions)
    session->reset(0);
  // Logits of one chunk at a time: those of a long window are gigabytes.
  auto chunk = size_t(models.front()->chunk());
  for (size_t begin = 0; begin < tokens.size(); begin += chunk) {
    ArrayRef<int32_t> piece = tokens.drop_front(begin).take_front(chunk);
    ArrayRef<int32_t> next = tokens.drop_front(begin + 1).take_front(chunk);
    for (size_t model = 0; model < models.size(); ++model) {
      if (!append(model, piece))
        return false;
      count(model, next);
    }
  }
  for (ComparedModel &result : results)
    ++result.text.windows;
  return true;
}

/// What each model adds to a prompt, one token at a time.
bool Comparer::decode(ArrayRef<int32_t> prompt) {
  rt::Sampler greedy({});
  for (auto [session, result] : zip_equal(sessions, results)) {
    session->reset(0);
    if (!session->append({prompt.data(), prompt.size()}, rt::LogitsWanted::Last,
                         logits, error))
      return false;
    rt::Stopwatch watch;
    for (; result.decoded < kDecoded; ++result.decoded) {
      int32_t token = greedy.sample(logits);
      if (!session->append({&token, 1}, rt::LogitsWanted::Last, logits, error))
        return false;
    }
    result.decodeSeconds = watch.seconds();
  }
  return true;
}

bool marimba::compareModels(ArrayRef<LoadedModel *> models,
                            const rt::Tokenizer &tokenizer, StringRef text,
                            int64_t window, const rt::StepFn &step,
                            std::vector<ComparedModel> &results,
                            std::string &error) {
  std::vector<int32_t> ids;
  if (!rt::tokensOf(*models.front(), tokenizer, text, window, ids, error))
    return false;
  Comparer comparer(models, tokenizer, results, error);
  if (!comparer.open(window))
    return false;
  size_t windows = ids.size() / window;
  for (size_t index = 0; index < windows; ++index) {
    step(index, windows);
    if (!comparer.runWindow(ArrayRef(ids).slice(index * window, window)))
      return false;
  }
  return comparer.decode(ArrayRef(ids).take_front(window));
}
