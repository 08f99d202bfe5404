//===- Run.cpp - marimba run ----------------------------------------------===//
//
// Part of Marimba. Continues a prompt, text as it is made.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/Generation.h"
#include "tools/libmarimba/ModelFiles.h"
#include "tools/libmarimba/OutputPath.h"
#include "tools/marimba/CompileFlags.h"
#include "tools/marimba/Interrupt.h"
#include "tools/marimba/Progress.h"
#include "tools/marimba/RunBatch.h"
#include "tools/marimba/SamplerFlags.h"

#include "marimba/AnswerText.h"
#include "marimba/SavedState.h"
#include "marimba/Tokenizer.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace marimba;
using namespace llvm;

namespace {
struct Options {
  cl::SubCommand sub{"run", "Continues a prompt"};
  driver::ModelArgument model{sub};
  driver::Value<std::string> prompt{sub, "prompt", "The text to continue",
                                    "text"};
  driver::Value<std::string> promptFile{
      sub, "prompt-file",
      "Reads the text to continue from this file ('-': stdin); prints the new "
      "text alone",
      "file"};
  driver::Value<std::string> ids{
      sub, "ids",
      "The token ids to continue, such as 3,17,5; prints the new ids", "ids"};
  driver::Value<std::string> prompts{
      sub, "prompts",
      "Continues all texts of this file, a line each: {\"prompt\": text} or "
      "{\"ids\": [numbers]}",
      "file"};
  driver::Value<std::string> output{
      sub, "o", "Where the answers of --prompts go, a line each, in order",
      "file"};
  driver::Number<int> batch{
      sub,
      "batch",
      "Texts of --prompts that are continued at once (default: 8)",
      "n",
      {1, 1024},
      BatchOptions().slots};
  driver::Number<int64_t> maxTokens{
      sub,
      "max-tokens",
      "Stops after this many new tokens (default: 256, with --save-state 0)",
      "n",
      {0, driver::kMostTokens},
      256};
  driver::Value<std::string> loadState{
      sub, "load-state", "Goes on from the session that this file holds",
      "file"};
  driver::Value<std::string> saveState{
      sub, "save-state",
      "Saves the session to this file: the prompt and the new tokens", "file"};
  driver::SamplerFlags sampling{sub};
  driver::Flag noEos{sub, "no-eos", "Goes on after the end of a text"};
  driver::Flag quiet{sub, "quiet", "No progress, no timing"};
  driver::Flag json{sub, "json", "Answers in JSON: tokens, text, timing"};
  driver::SessionFlags load{sub};
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
  Output(const rt::Tokenizer *tokenizer, ArrayRef<int32_t> prompt)
      : streaming(!options().json),
        asText(tokenizer && !options().ids.given()) {
    if (!tokenizer)
      return;
    answer.emplace(*tokenizer, options().sampling.stops(), prompt);
    if (streaming && asText && options().prompt.given())
      print(options().prompt);
  }

  /// Returns whether the text goes on: not after a stop string.
  bool push(int32_t id) {
    if (answer)
      add(answer->push(id));
    if (streaming && !asText)
      print((first ? "" : " ") + std::to_string(id));
    first = false;
    return !answer || !answer->stopped();
  }

  /// Ends the text.
  void finish() {
    if (answer)
      add(answer->finish());
    // A file that was only read says nothing.
    if (streaming && !(first && options().promptFile.given()))
      print("\n");
  }

  /// The new text; null without a tokenizer.
  json::Value result() const {
    return answer ? json::Value(text) : json::Value(nullptr);
  }

private:
  void add(const std::string &piece) {
    text += piece;
    if (streaming && asText)
      print(piece);
  }
  static void print(StringRef piece) {
    outs() << piece;
    outs().flush();
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

static void printTiming(const LoadTimes &times, const Generation &made) {
  size_t decoded = made.tokens.empty() ? 0 : made.tokens.size() - 1;
  errs() << formatv("compiled in {0:f2} s, loaded in {1:f2} s; prefill {2} "
                    "tokens, {3:f1} tokens/s; decode {4} tokens, {5:f1} "
                    "tokens/s\n",
                    times.compileSeconds, times.loadSeconds, made.prefillTokens,
                    rate(made.prefillTokens, made.prefillSeconds), decoded,
                    rate(decoded, made.decodeSeconds));
  if (made.restoredTokens)
    errs() << formatv("restored {0} tokens in {1:f3} s\n", made.restoredTokens,
                      made.restoreSeconds);
  if (made.saveSeconds > 0)
    errs() << formatv("saved {0} in {1:f3} s\n", options().saveState.getValue(),
                      made.saveSeconds);
}

static void printJson(const LoadTimes &times, const Generation &made,
                      const Output &output) {
  size_t decoded = made.tokens.empty() ? 0 : made.tokens.size() - 1;
  driver::printJson(json::Object{
      {"tokens", driver::jsonIds(made.tokens)},
      {"text", output.result()},
      {"timing",
       json::Object{
           {"compile_seconds", times.compileSeconds},
           {"load_seconds", times.loadSeconds},
           {"code_from_cache", times.codeFromCache},
           {"weights_packed", times.packedWeights},
           {"weights_from_cache", times.packedFromCache},
           {"prompt_tokens", static_cast<int64_t>(made.prefillTokens)},
           {"prefill_seconds", made.prefillSeconds},
           {"prefill_tokens_per_second",
            rate(made.prefillTokens, made.prefillSeconds)},
           {"decode_seconds", made.decodeSeconds},
           {"decode_tokens_per_second", rate(decoded, made.decodeSeconds)},
           {"restored_tokens", static_cast<int64_t>(made.restoredTokens)},
           {"restore_seconds", made.restoreSeconds},
           {"save_seconds", made.saveSeconds},
       }},
  });
}

/// Many prompts of a file.
static int runPrompts() {
  const Options &o = options();
  for (const driver::Value<std::string> *other :
       {&o.ids, &o.prompt, &o.promptFile, &o.loadState, &o.saveState})
    if (other->given())
      return driver::fail("--prompts and --" + other->ArgStr +
                          ": expected one of them");
  if (!o.output.given() || o.output.empty())
    return driver::fail("--prompts: expected an output file: -o FILE");
  if (o.maxTokens < 1)
    return driver::fail("--max-tokens: expected 1 or more with --prompts, "
                        "found " +
                        Twine(o.maxTokens));
  std::optional<rt::SamplerOptions> sampler =
      o.sampling.samplerOptions(o.model, o.quiet);
  std::optional<LoadOptions> load = o.load.loadOptions();
  if (!sampler || !load)
    return 1;
  driver::BatchRequest request;
  request.model = o.model;
  request.prompts = o.prompts;
  request.output = o.output;
  request.load = std::move(*load);
  request.batch.sampler = *sampler;
  request.batch.maxTokens = o.maxTokens;
  request.batch.slots = o.batch;
  request.stops = o.sampling.stops();
  request.ignoreEnd = o.noEos;
  request.quiet = o.quiet;
  return driver::runBatch(request);
}

static int run() {
  const Options &o = options();
  if (o.model.missing())
    return 1;
  if (o.prompts.given())
    return runPrompts();
  if (o.output.given() || o.batch.given())
    return driver::fail("-o and --batch: expected with --prompts only");
  int prompts = o.ids.given() + o.prompt.given() + o.promptFile.given();
  // A saved session goes on by itself.
  if (prompts > 1 || (prompts == 0 && !o.loadState.given()))
    return driver::fail("run: expected one of --prompt, --prompt-file, --ids "
                        "and --prompts, or --load-state");
  if (o.ids.given() && !o.sampling.stop.empty())
    return driver::fail("--stop: expected with --prompt or --prompt-file, "
                        "found with --ids");
  GenerateOptions generation;
  generation.maxTokens =
      o.saveState.given() && !o.maxTokens.given() ? 0 : o.maxTokens;
  generation.saveState = o.saveState;
  std::optional<rt::SamplerOptions> sampler =
      o.sampling.samplerOptions(o.model, o.quiet);
  std::optional<LoadOptions> load = o.load.loadOptions();
  if (!sampler || !load)
    return 1;
  generation.sampler = *sampler;

  // Compiling takes seconds: what is sure to fail afterwards fails here.
  std::optional<std::vector<int32_t>> prompt;
  if (o.ids.given() && !(prompt = driver::parseIds(o.ids, "--ids")))
    return 1;
  std::string error;
  std::optional<std::string> text;
  if (o.promptFile.given() && !(text = driver::readFile(o.promptFile)))
    return 1;
  if (!driver::checkText("--prompt", o.prompt))
    return 1;
  if (o.prompt.given())
    text = o.prompt;
  std::optional<rt::SavedState> saved;
  if (o.loadState.given()) {
    if (!(saved = rt::SavedState::read(o.loadState.getValue(), error)))
      return driver::fail(error);
    generation.loadState = &*saved;
  }
  if (o.saveState.given() &&
      (!checkOutput(o.saveState, {o.promptFile}, o.model, error) ||
       !rt::canSaveState(o.saveState.getValue(), error)))
    return driver::fail(error);
  if (text && sys::fs::exists(o.model) && !hasTokenizer(o.model) &&
      !loadTokenizer(o.model, error))
    return driver::fail(error);
  // Ids need no tokenizer, but it knows what ends a text, and a --json answer
  // has the text where there is one.
  std::unique_ptr<rt::Tokenizer> tokenizer;
  if (hasTokenizer(o.model)) {
    tokenizer = loadTokenizer(o.model, error, driver::printNote);
    if (!tokenizer && (text || o.json))
      return driver::fail(error);
    if (!tokenizer && !o.quiet)
      driver::printNote(error + "; tokens that only it names end no text");
    error.clear();
  }
  load->tokenizer = tokenizer.get();
  driver::catchInterrupt();
  std::unique_ptr<LoadedModel> model =
      driver::loadModel(o.model, *load, error, !o.quiet);
  if (driver::interrupted())
    return driver::kInterruptedExitCode;
  if (!model)
    return driver::fail(error);
  // What stands at the start of a text stands there already where one goes on.
  bool begins = !saved || saved->tokens().empty();
  if (text)
    prompt = tokenizer->encode(*text, /*addSpecialTokens=*/begins, &error);
  if (!error.empty())
    return driver::fail(error);
  if (!prompt)
    prompt.emplace();
  if (prompt->empty() && text)
    return driver::fail(o.prompt.given()
                            ? Twine("--prompt: no tokens in this text")
                            : o.promptFile + ": no tokens in this text");
  if (!o.noEos)
    generation.endIds = model->endIds();

  ArrayRef<int32_t> before(*prompt);
  if (before.empty())
    before = {saved->tokens().data(), saved->tokens().size()};
  Output output(tokenizer.get(), before);
  Generation made;
  bool done = generate(
      *model, *prompt, generation, [&](int32_t id) { return output.push(id); },
      [] { return !driver::interrupted() && !driver::outputFailed(); },
      driver::printNote, made, error);
  output.finish();
  if (!done)
    return driver::fail(error);
  if (o.json)
    printJson(model->times(), made, output);
  if (!o.quiet)
    printTiming(model->times(), made);
  return driver::interrupted() ? driver::kInterruptedExitCode : 0;
}

driver::Command driver::makeRunCommand() { return {&options().sub, run}; }
