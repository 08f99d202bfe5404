//===- Eval.cpp - marimba eval --------------------------------------------===//
//
// Part of Marimba. Perplexity of a text and recall of words.
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/Text.h"
#include "runtime/tokenizer/Unicode.h"
#include "tools/commands/Commands.h"
#include "tools/commands/Json.h"
#include "tools/commands/Models.h"
#include "tools/commands/Output.h"
#include "tools/commands/Progress.h"

#include "marimba/Evaluation.h"

using namespace marimba;
using namespace marimba::commands;
using rt::text::fixed;

namespace {
struct Options {
  Command command{.name = "eval",
                  .description = "Perplexity of a text, or recall of words"};
  TextOption text{command, "text",
                  "Loss, perplexity per token and bits per byte of this file",
                  "file"};
  NumberOption<int64_t> window{
      command, "window",         "Tokens per window (default: 512)",
      "n",     {2, kMostTokens}, 512};
  TextOption recall{command, "recall",
                    "Counts the lines {text, answer} of this file that are "
                    "continued correctly",
                    "file"};
  NumberOption<int64_t> limitContext{
      command,
      "limit-context",
      "Leaves out lines whose context_tokens_about is above this",
      "n",
      {1, kMostTokens}};
  TextsOption compare{
      command, "compare",
      "Compares this model with MODEL, in one table; may be repeated",
      "folder"};
  Flag json{command, "json", "Answers in JSON"};
};
} // namespace

static Options &options() {
  static Options instance;
  return instance;
}

/// Draws how many of the steps are done.
static void drawSteps(Progress &bar, size_t done, size_t total,
                      const char *what) {
  bar.update(double(done) / double(total), std::to_string(done) + " of " +
                                               std::to_string(total) + " " +
                                               what);
}

static int evaluateText(const rt::ReadyModel &model,
                        const rt::Tokenizer &tokenizer, std::string_view text) {
  Progress bar;
  rt::Perplexity result;
  std::string error;
  if (!rt::measurePerplexity(
          model, tokenizer, text, options().window,
          [&](size_t done, size_t total) {
            drawSteps(bar, done, total, "windows");
          },
          result, error)) {
    bar.clear();
    std::string message = options().text.value + ": " + error, utf8;
    rt::text::appendLossyUtf8(message, utf8);
    // A program that reads the answer finds out, too.
    if (options().json)
      printJson(Json::object({{"error", utf8},
                              {"loss", nullptr},
                              {"perplexity", nullptr},
                              {"bits_per_byte", nullptr}}));
    return fail(message);
  }
  bar.clear();
  if (options().json) {
    printJson(Json::object({
        {"tokens", result.tokens},
        {"bytes", result.bytes},
        {"windows", result.windows},
        {"window", options().window.value},
        {"loss", result.loss()},
        {"perplexity", result.perToken()},
        {"bits_per_byte", result.bitsPerByte()},
        {"seconds", result.seconds},
    }));
    return 0;
  }
  print(std::to_string(result.tokens) + " tokens predicted in " +
        std::to_string(result.windows) + " windows of " +
        std::to_string(options().window) + "\nloss                 " +
        fixed(result.loss(), 4) + " nats per token\nperplexity per token " +
        fixed(result.perToken(), 3) + "\nbits per byte        " +
        fixed(result.bitsPerByte(), 4) + "\n");
  return 0;
}

/// "3 of 4 right"
static std::string shares(const rt::RecallCount &count) {
  return std::to_string(count.right) + " of " + std::to_string(count.cases) +
         " right";
}

/// Right-justified in six columns.
static std::string padded(int64_t number) {
  constexpr size_t width = 6;
  std::string text = std::to_string(number);
  text.insert(0, width - std::min(width, text.size()), ' ');
  return text;
}

static int evaluateRecall(const rt::ReadyModel &model,
                          const rt::Tokenizer &tokenizer,
                          std::span<const rt::RecallCase> cases) {
  Progress bar;
  std::map<int64_t, rt::RecallCount> counts;
  std::string error;
  if (!rt::measureRecall(
          model, tokenizer, cases,
          [&](size_t done, size_t total) {
            drawSteps(bar, done, total, "texts");
          },
          counts, error))
    return fail(options().recall.value + ": " + error);
  bar.clear();
  rt::RecallCount total;
  Json::Array groups;
  for (const auto &[context, count] : counts) {
    total.right += count.right;
    total.cases += count.cases;
    groups.push_back(Json::object({{"context_tokens_about", context},
                                   {"right", count.right},
                                   {"cases", count.cases}}));
    if (!options().json)
      print("context " + padded(context) + ": " + shares(count) + "\n");
  }
  if (options().json)
    printJson(Json::object({{"right", total.right},
                            {"cases", total.cases},
                            {"groups", std::move(groups)}}));
  else
    print("total         : " + shares(total) + "\n");
  return 0;
}

static int run(Models &models) {
  const Options &o = options();
  const std::string &model = o.command.model;
  if (o.command.lacksModel())
    return 1;
  bool recall = o.recall.given();
  if (recall == o.text.given())
    return fail("eval: expected one of --text and --recall");
  if (recall && !o.compare.values.empty())
    return fail("--compare: expected --text with it");
  if (!models.checkOptions(model))
    return 1;

  // What is quick to find wrong comes before the model is compiled.
  const std::string &file = recall ? o.recall : o.text;
  std::optional<std::string> contents = readFile(file);
  if (!contents)
    return 1;
  std::string error;
  std::vector<rt::RecallCase> cases;
  if (recall &&
      !rt::parseRecallCases(*contents, file, o.limitContext, cases, error))
    return fail(error);

  if (!o.compare.values.empty()) {
    std::vector<std::string> all{model};
    all.insert(all.end(), o.compare.values.begin(), o.compare.values.end());
    return models.compare(all, o.text, *contents, o.window, o.json);
  }
  std::shared_ptr<Loaded> loaded =
      models.load(model, /*tokenizer=*/nullptr, /*showProgress=*/true, error);
  if (!loaded)
    return fail(error);
  std::unique_ptr<rt::Tokenizer> tokenizer = models.loadTokenizer(model, error);
  if (!tokenizer)
    return fail(error);
  return recall ? evaluateRecall(*loaded->model, *tokenizer, cases)
                : evaluateText(*loaded->model, *tokenizer, *contents);
}

Command &commands::evalCommand() {
  Command &command = options().command;
  command.run = run;
  // It is measured beside others only where all are model directories.
  command.needsCompiler = [] { return options().compare.given(); };
  return command;
}
