//===- Compare.cpp - A table of models ------------------------------------===//
//
// Part of Marimba. `marimba eval --compare`.
//
//===----------------------------------------------------------------------===//

#include "tools/marimba/Compare.h"

#include "tools/commands/Progress.h"
#include "tools/libmarimba/ModelFiles.h"
#include "tools/marimba/CompileFlags.h"
#include "tools/marimba/DirectoryModels.h"
#include "tools/measure/Comparison.h"

#include "marimba/Tokenizer.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace marimba;
using namespace llvm;

/// Bytes in memory of what the checkpoint stores, by its number of weights.
static double bytesPerWeight(const LoadedModel &model) {
  return double(model.info().weightBytes) / double(model.info().parameters);
}

static void printTable(ArrayRef<std::unique_ptr<LoadedModel>> models,
                       ArrayRef<ComparedModel> results) {
  size_t width = StringRef("model").size();
  for (const auto &model : models)
    width = std::max(width, model->info().name.size());
  raw_ostream &os = outs();
  os << left_justify("model", width)
     << "  perplexity   change     same    KL divergence  bytes/weight"
        "  tokens/s  decoded/s\n";
  double first = results.front().text.perToken();
  for (auto [model, result] : zip_equal(models, results)) {
    double own = result.text.perToken();
    os << left_justify(model->info().name, width)
       << format("  %10.4f %+7.3f %%  %5.2f %%  %10.6f nats  %12.3f  %8.1f"
                 "  %9.1f\n",
                 own, 100 * (own / first - 1), 100 * result.agreement(),
                 result.meanDivergence(), bytesPerWeight(*model),
                 result.tokensPerSecond(), result.decodedPerSecond());
  }
}

static json::Value asJson(const std::string &path, const LoadedModel &model,
                          const ComparedModel &result) {
  return json::Object{
      {"model", path},
      {"perplexity", result.text.perToken()},
      {"loss", result.text.loss()},
      {"bits_per_byte", result.text.bitsPerByte()},
      {"top1_agreement", result.agreement()},
      {"kl_divergence", result.meanDivergence()},
      {"bytes_per_weight", bytesPerWeight(model)},
      {"weight_bytes", model.info().weightBytes},
      {"tokens_per_second", result.tokensPerSecond()},
      {"decoded_per_second", result.decodedPerSecond()},
  };
}

/// Whether the models' tokenizers, where they have some, take the text alike.
static bool sameTokens(const driver::Comparison &asked,
                       const rt::Tokenizer &tokenizer, std::string &error) {
  std::vector<int32_t> expected = tokenizer.encode(asked.text, true, &error);
  if (!error.empty())
    return false;
  for (const std::string &model : asked.models.drop_front()) {
    if (!hasTokenizer(model))
      continue;
    std::unique_ptr<rt::Tokenizer> own =
        loadTokenizer(model, error, driver::printNote);
    if (!own)
      return false;
    if (own->encode(asked.text, true, &error) == expected)
      continue;
    if (!error.empty())
      return false;
    error = model + ": its tokenizer cuts " + asked.file.str() +
            " into other tokens than that of " + asked.models.front() +
            ", expected the same";
    return false;
  }
  return true;
}

/// Says which model ended the comparison, in JSON as well where that is asked
/// for: nothing is measured of any then.
static int failComparison(const driver::Comparison &asked,
                          ArrayRef<ComparedModel> results,
                          const std::string &message) {
  if (!asked.json)
    return driver::fail(message);
  json::Array rows;
  for (auto [index, path] : enumerate(asked.models)) {
    bool failed = index < results.size() && results[index].failed;
    rows.push_back(json::Object{
        {"model", json::fixUTF8(path)},
        {"perplexity", nullptr},
        {"top1_agreement", nullptr},
        {"kl_divergence", nullptr},
        {"error", failed ? json::Value(json::fixUTF8(message)) : nullptr}});
  }
  driver::printJson(json::Object{{"error", json::fixUTF8(message)},
                                 {"models", std::move(rows)}});
  return driver::fail(message);
}

int driver::compare(const Comparison &asked, const LoadOptions &load) {
  std::string error;
  std::unique_ptr<rt::Tokenizer> tokenizer =
      loadTokenizer(asked.models.front(), error, driver::printNote);
  if (!tokenizer || !sameTokens(asked, *tokenizer, error))
    return fail(error);
  std::vector<std::unique_ptr<LoadedModel>> models;
  std::vector<LoadedModel *> pointers;
  for (const std::string &path : asked.models) {
    models.push_back(loadModel(path, load, error));
    if (!models.back())
      return fail(error);
    pointers.push_back(models.back().get());
  }

  commands::Progress bar;
  std::vector<ComparedModel> results;
  if (!compareModels(
          pointers, *tokenizer, asked.text, asked.window,
          [&](size_t done, size_t total) {
            bar.update(double(done) / double(total),
                       formatv("{0} of {1} windows", done, total).str());
          },
          results, error)) {
    bar.clear();
    return failComparison(asked, results, (asked.file + ": " + error).str());
  }
  bar.clear();
  if (!asked.json) {
    outs() << formatv("{0} tokens predicted in {1} windows of {2}\n",
                      results.front().text.tokens, results.front().text.windows,
                      asked.window);
    printTable(models, results);
    return 0;
  }
  json::Array rows;
  for (auto [path, model, result] : zip_equal(asked.models, models, results))
    rows.push_back(asJson(path, *model, result));
  printJson(json::Object{{"tokens", results.front().text.tokens},
                         {"windows", results.front().text.windows},
                         {"window", asked.window},
                         {"models", std::move(rows)}});
  return 0;
}
