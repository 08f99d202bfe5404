//===- RunBatch.cpp - marimba run --prompts -------------------------------===//
//
// Part of Marimba. Continues all prompts of a file.
//
//===----------------------------------------------------------------------===//

#include "tools/marimba/RunBatch.h"
#include "tools/libmarimba/BatchFile.h"
#include "tools/libmarimba/ModelFiles.h"
#include "tools/libmarimba/OutputPath.h"
#include "tools/libmarimba/Stopwatch.h"
#include "tools/marimba/Driver.h"
#include "tools/marimba/Interrupt.h"
#include "tools/marimba/Progress.h"

#include "marimba/AnswerText.h"
#include "marimba/SavedState.h"
#include "marimba/Tokenizer.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace marimba;
using namespace llvm;

/// Whatever decides the answers, but the number of slots and threads, which
/// change them by rounding at most.
static std::string identify(const driver::BatchRequest &request,
                            StringRef prompts, const LoadedModel &model) {
  rt::StateOrigin origin = model.stateOrigin();
  const rt::SamplerOptions &sampler = request.batch.sampler;
  json::Array arithmetic;
  for (const auto &[name, value] : origin.arithmetic)
    if (name == "products")
      arithmetic.push_back(value);
  json::Value parts = json::Array{
      prompts,
      origin.weights,
      origin.meaning,
      std::move(arithmetic),
      request.batch.maxTokens,
      static_cast<double>(sampler.temperature),
      sampler.topK,
      static_cast<double>(sampler.topP),
      static_cast<double>(sampler.minP),
      static_cast<double>(sampler.repetitionPenalty),
      static_cast<int64_t>(sampler.seed),
      json::Array(request.stops),
      request.ignoreEnd,
  };
  std::string text = formatv("{0}", parts).str();
  return toHex(BLAKE3::hash<16>(arrayRefFromStringRef(text)),
               /*LowerCase=*/true);
}

/// "3 min 20 s"
static std::string duration(double seconds) {
  auto whole = static_cast<int64_t>(seconds + 0.5);
  if (whole >= 3600)
    return formatv("{0} h {1} min", whole / 3600, whole / 60 % 60);
  if (whole >= 60)
    return formatv("{0} min {1} s", whole / 60, whole % 60);
  return formatv("{0} s", whole);
}

/// A line of the output. The id is as it was written; `problem` is why there is
/// no answer.
static std::string writeAnswer(const PromptLine &line, StringRef end,
                               json::Value text, ArrayRef<int32_t> tokens,
                               StringRef problem = "") {
  std::string answer;
  raw_string_ostream os(answer);
  json::OStream fields(os);
  fields.object([&] {
    fields.attribute("end", end);
    if (!problem.empty())
      fields.attribute("error", problem);
    if (!line.id.empty()) {
      fields.attributeBegin("id");
      fields.rawValue(line.id);
      fields.attributeEnd();
    }
    fields.attribute("text", std::move(text));
    fields.attribute("tokens", driver::jsonIds(tokens));
  });
  return answer;
}

namespace {
/// Decodes what comes and writes down what is finished.
class Answers : public BatchListener {
public:
  /// `numbers`: of the prompts that are computed, among all of `lines`.
  /// `tokenizer` is null where there is none.
  Answers(const driver::BatchRequest &request, BatchJournal &journal,
          ArrayRef<PromptLine> lines, ArrayRef<size_t> numbers,
          ArrayRef<BatchPrompt> prompts, const rt::Tokenizer *tokenizer,
          driver::Progress &bar)
      : request(request), journal(journal), lines(lines), numbers(numbers),
        prompts(prompts), tokenizer(tokenizer), bar(bar),
        texts(numbers.size()) {}

  bool token(size_t index, int32_t id) override {
    Text &text = texts[index];
    if (text.ids.empty())
      begin(index);
    text.ids.push_back(id);
    ++newTokens;
    if (text.answer)
      text.shown += text.answer->push(id);
    return !text.answer || !text.answer->stopped();
  }

  bool finished(size_t index, std::string &error) override {
    Text &text = texts[index];
    bool stopped = text.answer && text.answer->stopped();
    if (text.answer)
      text.shown += text.answer->finish();
    bool ended = is_contained(request.batch.endIds, text.ids.back());
    std::string answer = writeAnswer(
        lines[numbers[index]],
        stopped ? "stop"
        : ended ? "model"
                : "length",
        text.answer ? json::Value(text.shown) : json::Value(nullptr), text.ids);
    text = Text();
    ++done;
    return journal.add(numbers[index], answer, error);
  }

  std::string describe(size_t index) const override {
    return request.prompts + ": prompt " + std::to_string(numbers[index] + 1);
  }

  bool goOn() override {
    size_t total = lines.size(), before = total - numbers.size();
    double seconds = watch.seconds();
    std::string what =
        formatv("{0} of {1} prompts", before + done, total).str();
    if (done > 0)
      what += formatv(", {0:f1} tokens/s, {1} left",
                      static_cast<double>(newTokens) / seconds,
                      duration(seconds / static_cast<double>(done) *
                               static_cast<double>(numbers.size() - done)))
                  .str();
    bar.update(static_cast<double>(before + done) / static_cast<double>(total),
               what);
    return !driver::interrupted();
  }

  size_t newTokens = 0, done = 0;
  double seconds() const { return watch.seconds(); }

private:
  struct Text {
    std::vector<int32_t> ids;
    std::string shown;
    std::optional<rt::AnswerText> answer;
  };

  /// Reads what stands in front of the answer: it decides how that is decoded.
  void begin(size_t index) {
    if (tokenizer)
      texts[index].answer.emplace(*tokenizer, request.stops,
                                  prompts[index].ids);
  }

  const driver::BatchRequest &request;
  BatchJournal &journal;
  ArrayRef<PromptLine> lines;
  ArrayRef<size_t> numbers;
  ArrayRef<BatchPrompt> prompts;
  const rt::Tokenizer *tokenizer;
  driver::Progress &bar;
  Stopwatch watch;
  std::vector<Text> texts;
};
} // namespace

/// The tokens of each line, none of a text that gives none; nothing, and an
/// error, where ids are out of range.
static std::optional<std::vector<BatchPrompt>>
encode(const driver::BatchRequest &request, ArrayRef<PromptLine> lines,
       const rt::Tokenizer *tokenizer, const LoadedModel &model) {
  std::vector<BatchPrompt> prompts;
  for (auto [number, line] : enumerate(lines)) {
    BatchPrompt prompt;
    std::string error;
    prompt.ids =
        line.text ? tokenizer->encode(*line.text, true, &error) : line.ids;
    prompt.seed = request.batch.sampler.seed + number;
    if (!error.empty() ||
        (!prompt.ids.empty() && !model.checkIds(prompt.ids, error))) {
      driver::fail(request.prompts + ": prompt " + Twine(number + 1) + ": " +
                   error);
      return std::nullopt;
    }
    prompts.push_back(std::move(prompt));
  }
  return prompts;
}

int driver::runBatch(const BatchRequest &given) {
  BatchRequest request = given;
  std::string error;
  // The journal stands beside the output.
  if (!checkOutput(request.output, {request.prompts}, request.model, error) ||
      !checkOutput(request.output + ".partial", {request.prompts},
                   request.model, error) ||
      (request.output != "-" && !canReplace(request.output, error)))
    return fail(error);
  std::optional<std::string> contents = readFile(request.prompts);
  if (!contents)
    return 1;
  std::optional<std::vector<PromptLine>> lines =
      parsePrompts(*contents, request.prompts, error);
  if (!lines)
    return fail(error);
  bool needsText = any_of(
      *lines, [](const PromptLine &line) { return line.text.has_value(); });
  if ((needsText || !request.stops.empty()) && !hasTokenizer(request.model) &&
      !loadTokenizer(request.model, error))
    return fail(error);
  std::unique_ptr<rt::Tokenizer> tokenizer;
  if (hasTokenizer(request.model)) {
    tokenizer = loadTokenizer(request.model, error, driver::printNote);
    if (!tokenizer)
      return fail(error);
  }
  request.load.tokenizer = tokenizer.get();
  catchInterrupt();
  std::unique_ptr<LoadedModel> model =
      loadModel(request.model, request.load, error, !request.quiet);
  if (interrupted())
    return kInterruptedExitCode;
  if (!model)
    return fail(error);
  std::optional<std::vector<BatchPrompt>> prompts =
      encode(request, *lines, tokenizer.get(), *model);
  if (!prompts)
    return 1;
  if (!request.ignoreEnd)
    request.batch.endIds = model->endIds();

  std::unique_ptr<BatchJournal> journal =
      BatchJournal::open(request.output, identify(request, *contents, *model),
                         lines->size(), error);
  if (!journal)
    return fail(error);
  if (size_t before = journal->answers().size(); before && !request.quiet)
    printNote(formatv("{0} of {1} prompts were answered before", before,
                      lines->size())
                  .str());
  std::vector<size_t> numbers;
  std::vector<BatchPrompt> rest;
  size_t refused = 0;
  for (auto [number, prompt] : enumerate(*prompts)) {
    refused += prompt.ids.empty();
    if (journal->answers().count(number))
      continue;
    if (!prompt.ids.empty()) {
      numbers.push_back(number);
      rest.push_back(std::move(prompt));
    } else if (!journal->add(number,
                             writeAnswer((*lines)[number], "error", nullptr, {},
                                         "no tokens in this text"),
                             error)) {
      return fail(error);
    }
  }

  Progress bar(!request.quiet);
  Answers answers(request, *journal, *lines, numbers, rest, tokenizer.get(),
                  bar);
  bool done = generateBatch(*model, rest, request.batch, answers, error);
  bar.clear();
  if (!done)
    return fail(error);
  if (interrupted()) {
    printNote("the answers so far are kept in " + request.output +
              ".partial; the same command goes on from there");
    return kInterruptedExitCode;
  }
  if (!journal->finish(error))
    return fail(error);
  if (refused)
    printNote(formatv("{0} of {1} prompts have no tokens; their lines have an "
                      "\"error\" in place of an answer",
                      refused, lines->size())
                  .str());
  if (!request.quiet)
    errs() << formatv("{0} prompts, {1} new tokens in {2:f2} s, {3:f1} "
                      "tokens/s\n",
                      lines->size(), answers.newTokens, answers.seconds(),
                      answers.seconds() > 0
                          ? double(answers.newTokens) / answers.seconds()
                          : 0);
  return 0;
}
