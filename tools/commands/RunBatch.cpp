//===- RunBatch.cpp - marimba run --prompts -------------------------------===//
//
// Part of Marimba. Continues all prompts of a file.
//
//===----------------------------------------------------------------------===//

#include "tools/commands/RunBatch.h"
#include "runtime/engine/Text.h"
#include "tools/commands/Interrupt.h"
#include "tools/commands/Json.h"
#include "tools/commands/Output.h"
#include "tools/commands/Progress.h"

#include "marimba/BatchFile.h"
#include "marimba/OutputPath.h"
#include "marimba/Package.h"
#include "marimba/Room.h"
#include "marimba/SavedState.h"
#include "marimba/Scheduler.h"
#include "marimba/Stopwatch.h"
#include <algorithm>
#include <optional>

using namespace marimba;
using namespace marimba::commands;
using rt::text::fixed;

/// Whatever decides the answers, but the number of slots and threads, which
/// change them by rounding at most.
static std::string identify(const BatchRequest &request,
                            const std::string &prompts,
                            const rt::ReadyModel &model) {
  rt::StateOrigin origin = model.stateOrigin();
  const rt::SamplerOptions &sampler = request.sampler;
  Json::Array arithmetic;
  for (const auto &[name, value] : origin.arithmetic)
    if (name == "products")
      arithmetic.push_back(value);
  Json::Array biases;
  for (const auto &[id, bias] : sampler.logitBias)
    biases.push_back(Json::Array{id, static_cast<double>(bias)});
  Json parts = Json::Array{
      prompts,
      origin.weights,
      origin.meaning,
      std::move(arithmetic),
      request.maxTokens,
      static_cast<double>(sampler.temperature),
      sampler.topK,
      static_cast<double>(sampler.topP),
      static_cast<double>(sampler.minP),
      static_cast<double>(sampler.repetitionPenalty),
      std::to_string(sampler.seed),
      static_cast<double>(sampler.frequencyPenalty),
      static_cast<double>(sampler.presencePenalty),
      std::move(biases),
      Json::Array(request.stops.begin(), request.stops.end()),
      request.ignoreEnd,
  };
  return rt::PackageManifest::checksum(parts.text(/*indent=*/false, nullptr));
}

/// "3 min 20 s"
static std::string duration(double seconds) {
  auto whole = static_cast<int64_t>(seconds + 0.5);
  if (whole >= 3600)
    return std::to_string(whole / 3600) + " h " +
           std::to_string(whole / 60 % 60) + " min";
  if (whole >= 60)
    return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) +
           " s";
  return std::to_string(whole) + " s";
}

/// A line of the output. The id is as it was written; `text` is null where
/// there is none, `problem` why there is no answer.
static std::string writeAnswer(const rt::PromptLine &line,
                               const std::string &end, const std::string *text,
                               std::span<const int32_t> tokens,
                               const std::string &problem = "") {
  std::string answer = "{\"end\":" + jsonString(end);
  if (!problem.empty())
    answer += ",\"error\":" + jsonString(problem);
  if (!line.id.empty())
    answer += ",\"id\":" + line.id;
  answer += ",\"text\":" + (text ? jsonString(*text) : "null");
  return answer + ",\"tokens\":[" + joinIds(tokens, ",") + "]}";
}

namespace {
/// Writes down what is finished.
class Answers : public rt::RequestListener {
public:
  /// `numbers`: of the prompts that are computed, among all of `lines`; a
  /// request has the number of its place there.
  Answers(const BatchRequest &request, rt::BatchJournal &journal,
          std::span<const rt::PromptLine> lines,
          std::span<const size_t> numbers, bool hasText, Progress &bar)
      : request(request), journal(journal), lines(lines), numbers(numbers),
        hasText(hasText), bar(bar), made(numbers.size()) {}

  void token(uint64_t index, const rt::NewToken &token) override {
    made[index].ids.push_back(token.id);
    made[index].text += token.text;
    ++newTokens;
  }

  bool finished(uint64_t index, rt::AnswerEnd end, std::string_view text,
                const rt::RequestUsage &, std::string &error) override {
    Made answer = std::move(made[index]);
    answer.text += text;
    ++done;
    return journal.add(
        numbers[index],
        writeAnswer(lines[numbers[index]], rt::answerEndName(end),
                    hasText ? &answer.text : nullptr, answer.ids),
        error);
  }

  std::string describe(uint64_t index) const {
    return request.prompts + ": prompt " + std::to_string(numbers[index] + 1);
  }

  void draw() {
    size_t total = lines.size(), before = total - numbers.size();
    std::string what = std::to_string(before + done) + " of " +
                       std::to_string(total) + " prompts";
    if (done > 0)
      what +=
          ", " + fixed(double(newTokens) / seconds(), 1) + " tokens/s, " +
          duration(seconds() / double(done) * double(numbers.size() - done)) +
          " left";
    bar.update(double(before + done) / double(total), what);
  }

  size_t newTokens = 0, done = 0;
  double seconds() const { return watch.seconds(); }

private:
  struct Made {
    std::vector<int32_t> ids;
    std::string text;
  };

  const BatchRequest &request;
  rt::BatchJournal &journal;
  std::span<const rt::PromptLine> lines;
  std::span<const size_t> numbers;
  bool hasText;
  Progress &bar;
  rt::Stopwatch watch;
  std::vector<Made> made;
};
} // namespace

/// The tokens of each line, none of a text that gives none; nothing, and an
/// error, where ids are out of range.
static std::optional<std::vector<std::vector<int32_t>>>
encode(const BatchRequest &request, std::span<const rt::PromptLine> lines,
       const rt::Tokenizer *tokenizer, const rt::ReadyModel &model) {
  std::vector<std::vector<int32_t>> prompts;
  for (const rt::PromptLine &line : lines) {
    std::string error;
    std::vector<int32_t> ids =
        line.text ? tokenizer->encode(*line.text, true, &error) : line.ids;
    if (!error.empty() || (!ids.empty() && !model.checkIds(ids, error))) {
      fail(request.prompts + ": prompt " + std::to_string(prompts.size() + 1) +
           ": " + error);
      return std::nullopt;
    }
    prompts.push_back(std::move(ids));
  }
  return prompts;
}

/// Computes what `numbers` names of the prompts. False and `error` on failure;
/// an interruption is none.
static bool generate(const rt::ReadyModel &model, const BatchRequest &request,
                     const rt::Tokenizer *tokenizer,
                     std::vector<std::vector<int32_t>> &prompts,
                     std::span<const size_t> numbers, Answers &answers,
                     std::string &error) {
  size_t longest = 0;
  for (size_t number : numbers)
    longest = std::max(longest, prompts[number].size());
  if (!rt::checkRoom(model, static_cast<int64_t>(longest), request.slots,
                     error))
    return false;
  std::unique_ptr<rt::Scheduler> scheduler =
      rt::Scheduler::create(model, tokenizer, {.slots = request.slots}, error);
  if (!scheduler)
    return false;
  for (size_t number : numbers) {
    rt::Request one;
    one.ids = std::move(prompts[number]);
    one.sampler = request.sampler;
    one.sampler.seed += number;
    one.maxTokens = request.maxTokens;
    if (!request.ignoreEnd)
      one.endIds = model.endIds();
    one.stops = request.stops;
    if (!scheduler->submit(std::move(one), error))
      return false;
  }
  for (; !scheduler->idle() && !interrupted(); answers.draw())
    if (!scheduler->step(answers, error)) {
      if (scheduler->failed())
        error = answers.describe(*scheduler->failed()) + ": " + error;
      return false;
    }
  return true;
}

/// Reads the prompts and the tokenizer that they need. False after an error,
/// which is printed.
static bool readPrompts(Models &models, const BatchRequest &request,
                        std::string &contents,
                        std::vector<rt::PromptLine> &lines,
                        std::unique_ptr<rt::Tokenizer> &tokenizer) {
  std::string error;
  auto failed = [&] {
    fail(error);
    return false;
  };
  // The journal is beside the output.
  if (!rt::checkOutput(request.output, {request.prompts}, request.model,
                       error) ||
      !rt::checkOutput(request.output + ".partial", {request.prompts},
                       request.model, error) ||
      (request.output != "-" && !rt::canReplace(request.output, error)))
    return failed();
  std::optional<std::string> read = readFile(request.prompts);
  if (!read)
    return false;
  contents = std::move(*read);
  auto parsed = rt::parsePrompts(contents, request.prompts, error);
  if (!parsed)
    return failed();
  lines = std::move(*parsed);
  bool needsText = std::ranges::any_of(
      lines, [](const rt::PromptLine &line) { return line.text.has_value(); });
  bool has = models.hasTokenizer(request.model);
  if ((needsText || !request.stops.empty()) && !has &&
      !models.loadTokenizer(request.model, error))
    return failed();
  if (has)
    tokenizer = models.loadTokenizer(request.model, error);
  return !has || tokenizer || failed();
}

/// Which prompts are to be computed: those that were not answered before and
/// have tokens. Those without get their line at once; `refused` counts them.
static std::optional<std::vector<size_t>>
chooseRest(std::span<const std::vector<int32_t>> prompts,
           std::span<const rt::PromptLine> lines, rt::BatchJournal &journal,
           size_t &refused, std::string &error) {
  std::vector<size_t> numbers;
  for (size_t number = 0; number < prompts.size(); ++number) {
    refused += prompts[number].empty();
    if (journal.answers().count(number))
      continue;
    if (!prompts[number].empty())
      numbers.push_back(number);
    else if (!journal.add(number,
                          writeAnswer(lines[number], "error", nullptr, {},
                                      "no tokens in this text"),
                          error))
      return std::nullopt;
  }
  return numbers;
}

int commands::runBatch(Models &models, const BatchRequest &request) {
  std::string error, contents;
  std::vector<rt::PromptLine> lines;
  std::unique_ptr<rt::Tokenizer> tokenizer;
  if (!readPrompts(models, request, contents, lines, tokenizer))
    return 1;
  catchInterrupt();
  std::shared_ptr<Loaded> loaded =
      models.load(request.model, tokenizer.get(), !request.quiet, error);
  if (interrupted())
    return kInterruptedExitCode;
  if (!loaded)
    return fail(error);
  const rt::ReadyModel &model = *loaded->model;
  auto prompts = encode(request, lines, tokenizer.get(), model);
  if (!prompts)
    return 1;
  std::unique_ptr<rt::BatchJournal> journal = rt::BatchJournal::open(
      request.output, identify(request, contents, model), lines.size(), error);
  if (!journal)
    return fail(error);
  if (size_t before = journal->answers().size(); before && !request.quiet)
    printNote(std::to_string(before) + " of " + std::to_string(lines.size()) +
              " prompts were answered before");
  size_t refused = 0;
  auto numbers = chooseRest(*prompts, lines, *journal, refused, error);
  if (!numbers)
    return fail(error);

  Progress bar(!request.quiet);
  Answers answers(request, *journal, lines, *numbers, tokenizer != nullptr,
                  bar);
  bool done = generate(model, request, tokenizer.get(), *prompts, *numbers,
                       answers, error);
  bar.clear();
  if (!done)
    return fail(error);
  if (interrupted()) {
    printNote("the answers so far are kept in " + request.output +
              ".partial; the same command continues from there");
    return kInterruptedExitCode;
  }
  auto toStdout = [](const std::string &all, std::string &error) {
    print(all);
    flush();
    if (outputFailed())
      error = "stdout: " + outputError().message();
    return !outputFailed();
  };
  if (!journal->finish(toStdout, error))
    return fail(error);
  if (refused)
    printNote(std::to_string(refused) + " of " + std::to_string(lines.size()) +
              " prompts have no tokens; their lines have an \"error\" in place "
              "of an answer");
  if (!request.quiet)
    printError(std::to_string(lines.size()) + " prompts, " +
               std::to_string(answers.newTokens) + " new tokens in " +
               fixed(answers.seconds(), 2) + " s, " +
               fixed(answers.seconds() > 0
                         ? double(answers.newTokens) / answers.seconds()
                         : 0,
                     1) +
               " tokens/s\n");
  return 0;
}
