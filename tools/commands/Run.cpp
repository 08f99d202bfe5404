//===- Run.cpp - marimba run ----------------------------------------------===//
//
// Part of Marimba. Continues a prompt, text as it is made.
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/Text.h"
#include "tools/commands/Commands.h"
#include "tools/commands/Interrupt.h"
#include "tools/commands/Json.h"
#include "tools/commands/Models.h"
#include "tools/commands/Output.h"
#include "tools/commands/RunBatch.h"
#include "tools/commands/SamplerFlags.h"

#include "marimba/AnswerText.h"
#include "marimba/Generation.h"
#include "marimba/OutputPath.h"
#include "marimba/SavedState.h"
#include "marimba/Scheduler.h"
#include <optional>

using namespace marimba;
using namespace marimba::commands;
using rt::text::fixed;

namespace {
struct Options {
  Command command{.name = "run", .description = "Continues a prompt"};
  TextOption prompt{command, "prompt", "The text to continue", "text"};
  TextOption promptFile{command, "prompt-file",
                        "Reads the text to continue from this file ('-': "
                        "stdin); prints only the new text",
                        "file"};
  TextOption ids{
      command, "ids",
      "The token ids to continue, such as 3,17,5; prints the new ids", "ids"};
  TextOption prompts{
      command, "prompts",
      "Continues all texts of this file, one per line: {\"prompt\": text} or "
      "{\"ids\": [numbers]}",
      "file"};
  TextOption output{command, "o",
                    "File for the answers of --prompts, one per line, in order",
                    "file"};
  NumberOption<int> batch{
      command,
      "batch",
      "Sequences of --prompts that run at once (default: 8)",
      "n",
      {1, 1024},
      rt::Scheduler::Options().slots};
  NumberOption<int64_t> maxTokens{
      command,
      "max-tokens",
      "Stops after this many new tokens (default: 256, with --save-state 0)",
      "n",
      {0, kMostTokens},
      256};
  TextOption loadState{command, "load-state",
                       "Goes on from the session that this file holds", "file"};
  TextOption saveState{
      command, "save-state",
      "Saves the session to this file: the prompt and the new tokens", "file"};
  SamplerFlags sampling{command};
  Flag noEos{command, "no-eos", "Goes on after the end of a text"};
  Flag quiet{command, "quiet", "No progress, no timing"};
  Flag json{command, "json", "Answers in JSON: tokens, text, timing"};
};
} // namespace

static Options &options() {
  static Options instance;
  return instance;
}

/// Writes what comes, as text or as ids; in JSON all at the end.
namespace {
class Output {
public:
  /// `tokenizer` is null where there is none. `prompt` is what the new tokens
  /// stand behind.
  Output(const rt::Tokenizer *tokenizer, std::span<const int32_t> prompt)
      : streaming(!options().json),
        asText(tokenizer && !options().ids.given()) {
    if (!tokenizer)
      return;
    answer.emplace(*tokenizer, options().sampling.stops(), prompt);
    if (streaming && asText && options().prompt.given())
      show(options().prompt);
  }

  /// Returns whether the text goes on: not after a stop string.
  bool push(int32_t id) {
    if (answer)
      add(answer->push(id));
    if (streaming && !asText)
      show((first ? "" : " ") + std::to_string(id));
    first = false;
    return !answer || !answer->stopped();
  }

  /// Ends the text.
  void finish() {
    if (answer)
      add(answer->finish());
    // A file that was only read says nothing.
    if (streaming && !(first && options().promptFile.given()))
      show("\n");
  }

  /// The new text; null without a tokenizer.
  Json result() const { return answer ? Json(text) : Json(nullptr); }

private:
  void add(const std::string &piece) {
    text += piece;
    if (streaming && asText)
      show(piece);
  }
  static void show(std::string_view piece) {
    print(piece);
    flush();
  }

  bool streaming, asText;
  bool first = true;
  std::optional<rt::AnswerText> answer;
  std::string text;
};
} // namespace

/// Tokens per second; 0 where there was nothing to measure.
static double rate(size_t tokens, double seconds) {
  return seconds > 0 ? static_cast<double>(tokens) / seconds : 0;
}

static void printTiming(const Loaded &times, const rt::Generation &made) {
  size_t decoded = made.tokens.empty() ? 0 : made.tokens.size() - 1;
  printError("compiled in " + fixed(times.compileSeconds, 2) +
             " s, loaded in " + fixed(times.loadSeconds, 2) + " s; prefill " +
             std::to_string(made.prefillTokens) + " tokens, " +
             fixed(rate(made.prefillTokens, made.prefillSeconds), 1) +
             " tokens/s; decode " + std::to_string(decoded) + " tokens, " +
             fixed(rate(decoded, made.decodeSeconds), 1) + " tokens/s\n");
  if (made.restoredTokens)
    printError("restored " + std::to_string(made.restoredTokens) +
               " tokens in " + fixed(made.restoreSeconds, 3) + " s\n");
  if (made.saveSeconds > 0)
    printError("saved " + options().saveState.value + " in " +
               fixed(made.saveSeconds, 3) + " s\n");
}

static void printAnswer(const Loaded &times, const rt::Generation &made,
                        const Output &output) {
  size_t decoded = made.tokens.empty() ? 0 : made.tokens.size() - 1;
  printJson(Json::object({
      {"tokens", std::span<const int32_t>(made.tokens)},
      {"text", output.result()},
      {"timing",
       Json::object({
           {"compile_seconds", times.compileSeconds},
           {"load_seconds", times.loadSeconds},
           {"code_from_cache", times.codeFromCache},
           {"weights_packed", times.packedWeights},
           {"weights_from_cache", times.packedFromCache},
           {"prompt_tokens", made.prefillTokens},
           {"prefill_seconds", made.prefillSeconds},
           {"prefill_tokens_per_second",
            rate(made.prefillTokens, made.prefillSeconds)},
           {"decode_seconds", made.decodeSeconds},
           {"decode_tokens_per_second", rate(decoded, made.decodeSeconds)},
           {"restored_tokens", made.restoredTokens},
           {"restore_seconds", made.restoreSeconds},
           {"save_seconds", made.saveSeconds},
       })},
  }));
}

/// Many prompts of a file.
static int runPrompts(Models &models) {
  const Options &o = options();
  for (const TextOption *other :
       {&o.ids, &o.prompt, &o.promptFile, &o.loadState, &o.saveState})
    if (other->given())
      return fail("--prompts and --" + other->name + ": expected one of them");
  if (!o.output.given() || o.output.value.empty())
    return fail("--prompts: expected an output file: -o FILE");
  if (o.maxTokens < 1)
    return fail("--max-tokens: expected 1 or more with --prompts, "
                "found " +
                std::to_string(o.maxTokens));
  const std::string &model = o.command.model;
  std::optional<rt::SamplerOptions> sampler =
      o.sampling.samplerOptions(models.directory(model), o.quiet);
  if (!sampler || !models.checkOptions(model))
    return 1;
  BatchRequest request;
  request.model = model;
  request.prompts = o.prompts;
  request.output = o.output;
  request.sampler = *sampler;
  request.maxTokens = o.maxTokens;
  request.slots = o.batch;
  request.stops = o.sampling.stops();
  request.ignoreEnd = o.noEos;
  request.quiet = o.quiet;
  return runBatch(models, request);
}

static int run(Models &models) {
  const Options &o = options();
  if (o.command.lacksModel())
    return 1;
  if (o.prompts.given())
    return runPrompts(models);
  if (o.output.given() || o.batch.given())
    return fail("-o and --batch: expected with --prompts only");
  int prompts = o.ids.given() + o.prompt.given() + o.promptFile.given();
  // A saved session goes on by itself.
  if (prompts > 1 || (prompts == 0 && !o.loadState.given()))
    return fail("run: expected one of --prompt, --prompt-file, --ids "
                "and --prompts, or --load-state");
  if (o.ids.given() && !o.sampling.stops().empty())
    return fail("--stop: expected with --prompt or --prompt-file, "
                "found with --ids");
  rt::GenerateOptions generation;
  generation.maxTokens =
      o.saveState.given() && !o.maxTokens.given() ? 0 : o.maxTokens.value;
  generation.saveState = o.saveState.value;
  const std::string &model = o.command.model;
  std::optional<rt::SamplerOptions> sampler =
      o.sampling.samplerOptions(models.directory(model), o.quiet);
  if (!sampler || !models.checkOptions(model))
    return 1;
  generation.sampler = *sampler;

  // Compiling takes seconds: what is sure to fail afterwards fails here.
  std::optional<std::vector<int32_t>> prompt;
  if (o.ids.given() && !(prompt = parseIds(o.ids, "--ids")))
    return 1;
  std::string error;
  std::optional<std::string> text;
  if (o.promptFile.given() && !(text = readFile(o.promptFile)))
    return 1;
  if (!checkText("--prompt", o.prompt))
    return 1;
  if (o.prompt.given())
    text = o.prompt.value;
  std::optional<rt::SavedState> saved;
  if (o.loadState.given()) {
    if (!(saved = rt::SavedState::read(o.loadState.value, error)))
      return fail(error);
    generation.loadState = &*saved;
  }
  if (o.saveState.given() &&
      (!rt::checkOutput(o.saveState, {o.promptFile}, model, error) ||
       !rt::canSaveState(o.saveState.value, error)))
    return fail(error);
  if (text && models.exists(model) && !models.hasTokenizer(model) &&
      !models.loadTokenizer(model, error))
    return fail(error);
  // Ids need no tokenizer, but it knows what ends a text, and a --json answer
  // has the text where there is one.
  std::unique_ptr<rt::Tokenizer> tokenizer;
  if (models.hasTokenizer(model)) {
    tokenizer = models.loadTokenizer(model, error);
    if (!tokenizer && (text || o.json))
      return fail(error);
    if (!tokenizer && !o.quiet)
      printNote(error + "; tokens that only it names do not end a text");
    error.clear();
  }
  catchInterrupt();
  std::shared_ptr<Loaded> loaded =
      models.load(model, tokenizer.get(), !o.quiet, error);
  if (interrupted())
    return kInterruptedExitCode;
  if (!loaded)
    return fail(error);
  // What stands at the start of a text stands there already where one goes on.
  bool begins = !saved || saved->tokens().empty();
  if (text)
    prompt = tokenizer->encode(*text, /*addSpecialTokens=*/begins, &error);
  if (!error.empty())
    return fail(error);
  if (!prompt)
    prompt.emplace();
  if (prompt->empty() && text)
    return fail(o.prompt.given()
                    ? "--prompt: no tokens in this text"
                    : o.promptFile.value + ": no tokens in this text");
  if (!o.noEos)
    generation.endIds = loaded->model->endIds();

  std::span<const int32_t> before(*prompt);
  if (before.empty())
    before = saved->tokens();
  Output output(tokenizer.get(), before);
  rt::Generation made;
  bool done = rt::generate(
      *loaded->model, *prompt, generation,
      [&](int32_t id) { return output.push(id); },
      [] { return !interrupted() && !outputFailed(); }, printNote, made, error);
  output.finish();
  if (!done)
    return fail(error);
  if (o.json)
    printAnswer(*loaded, made, output);
  if (!o.quiet)
    printTiming(*loaded, made);
  return interrupted() ? kInterruptedExitCode : 0;
}

Command &commands::runCommand() {
  options().command.run = run;
  return options().command;
}
