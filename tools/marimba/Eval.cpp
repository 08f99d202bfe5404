//===- Eval.cpp - marimba eval --------------------------------------------===//
//
// Part of Marimba. Perplexity of a text and recall of words.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/Evaluation.h"
#include "tools/libmarimba/ModelFiles.h"
#include "tools/marimba/Compare.h"
#include "tools/marimba/CompileFlags.h"
#include "tools/marimba/Progress.h"

#include "marimba/Tokenizer.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace marimba;
using namespace llvm;

namespace {
struct Options {
  cl::SubCommand sub{"eval", "Perplexity of a text, or recall of words"};
  driver::ModelArgument model{sub};
  driver::Value<std::string> text{
      sub, "text", "Loss, perplexity per token and bits per byte of this file",
      "file"};
  driver::Number<int64_t> window{sub,
                                 "window",
                                 "Tokens per window (default: 512)",
                                 "n",
                                 {2, driver::kMostTokens},
                                 512};
  driver::Value<std::string> recall{
      sub, "recall", "How many lines {text, answer} of this file go on right",
      "file"};
  driver::Number<int64_t> limitContext{
      sub,
      "limit-context",
      "Leaves out lines whose context_tokens_about is above this",
      "n",
      {1, driver::kMostTokens}};
  cl::list<std::string> compare{
      "compare",
      cl::desc("Also this model: a table of all, each against MODEL; may be "
               "repeated"),
      cl::value_desc("folder"), cl::sub(sub), cl::cat(driver::category())};
  driver::Flag json{sub, "json", "Answers in JSON"};
  driver::SessionFlags load{sub};
};
} // namespace

static Options &options() {
  static Options instance;
  return instance;
}

/// Draws how many of the steps are done.
static void drawSteps(driver::Progress &bar, size_t done, size_t total,
                      StringRef what) {
  bar.update(double(done) / double(total),
             formatv("{0} of {1} {2}", done, total, what).str());
}

static int evaluateText(LoadedModel &model, const rt::Tokenizer &tokenizer,
                        StringRef text) {
  driver::Progress bar;
  Perplexity result;
  std::string error;
  if (!measurePerplexity(
          model, tokenizer, text, options().window,
          [&](size_t done, size_t total) {
            drawSteps(bar, done, total, "windows");
          },
          result, error)) {
    bar.clear();
    std::string message = options().text + ": " + error;
    // A program that reads the answer finds out, too.
    if (options().json)
      driver::printJson(json::Object{{"error", json::fixUTF8(message)},
                                     {"loss", nullptr},
                                     {"perplexity", nullptr},
                                     {"bits_per_byte", nullptr}});
    return driver::fail(message);
  }
  bar.clear();
  if (options().json) {
    driver::printJson(json::Object{
        {"tokens", result.tokens},
        {"bytes", result.bytes},
        {"windows", result.windows},
        {"window", int64_t(options().window)},
        {"loss", result.loss()},
        {"perplexity", result.perToken()},
        {"bits_per_byte", result.bitsPerByte()},
        {"seconds", result.seconds},
    });
    return 0;
  }
  outs() << formatv("{0} tokens predicted in {1} windows of {2}\n",
                    result.tokens, result.windows, int64_t(options().window))
         << formatv("loss                 {0:f4} nats per token\n",
                    result.loss())
         << formatv("perplexity per token {0:f3}\n", result.perToken())
         << formatv("bits per byte        {0:f4}\n", result.bitsPerByte());
  return 0;
}

static int evaluateSeveral(ArrayRef<std::string> models,
                           const LoadOptions &load, StringRef text) {
  driver::Comparison asked = {models, options().text, text, options().window,
                              options().json};
  return driver::compare(asked, load);
}

static int evaluateRecall(LoadedModel &model, const rt::Tokenizer &tokenizer,
                          ArrayRef<RecallCase> cases) {
  driver::Progress bar;
  std::map<int64_t, RecallCount> counts;
  std::string error;
  if (!measureRecall(
          model, tokenizer, cases,
          [&](size_t done, size_t total) {
            drawSteps(bar, done, total, "texts");
          },
          counts, error))
    return driver::fail(options().recall + ": " + error);
  bar.clear();
  RecallCount total;
  json::Array groups;
  for (const auto &[context, count] : counts) {
    total.right += count.right;
    total.cases += count.cases;
    groups.push_back(json::Object{{"context_tokens_about", context},
                                  {"right", count.right},
                                  {"cases", count.cases}});
    if (!options().json)
      outs() << formatv("context {0,6}: {1} of {2} right\n", context,
                        count.right, count.cases);
  }
  if (options().json)
    driver::printJson(json::Object{{"right", total.right},
                                   {"cases", total.cases},
                                   {"groups", std::move(groups)}});
  else
    outs() << formatv("total         : {0} of {1} right\n", total.right,
                      total.cases);
  return 0;
}

static int run() {
  const Options &o = options();
  if (o.model.missing())
    return 1;
  bool recall = o.recall.given();
  if (recall == o.text.given())
    return driver::fail("eval: expected one of --text and --recall");
  if (recall && !o.compare.empty())
    return driver::fail("--compare: expected --text with it");
  std::optional<LoadOptions> load = o.load.loadOptions();
  if (!load)
    return 1;

  // What is quick to find wrong comes before the model is compiled.
  StringRef file = recall ? o.recall : o.text;
  std::optional<std::string> contents = driver::readFile(file);
  if (!contents)
    return 1;
  std::string error;
  std::vector<RecallCase> cases;
  if (recall &&
      !parseRecallCases(*contents, file, o.limitContext, cases, error))
    return driver::fail(error);

  if (!o.compare.empty()) {
    std::vector<std::string> models{o.model};
    models.insert(models.end(), o.compare.begin(), o.compare.end());
    return evaluateSeveral(models, *load, *contents);
  }
  std::unique_ptr<LoadedModel> model = driver::loadModel(o.model, *load, error);
  if (!model)
    return driver::fail(error);
  std::unique_ptr<rt::Tokenizer> tokenizer =
      loadTokenizer(o.model, error, driver::printNote);
  if (!tokenizer)
    return driver::fail(error);
  return recall ? evaluateRecall(*model, *tokenizer, cases)
                : evaluateText(*model, *tokenizer, *contents);
}

driver::Command driver::makeEvalCommand() { return {&options().sub, run}; }
