//===- ServingBench.cpp - A long prompt beside an answer ------------------===//
//
// bench-serving PACKAGE FOLDER [TOKENS]: one request is answered while another
// one's prompt of TOKENS (32768) is read: the pauses between the tokens of the
// first. Then the second goes on with a new question, again after a restart
// that finds what it read in FOLDER, which is new and is left there: the time
// to its first token.
//
//===----------------------------------------------------------------------===//

#include "bench/Argument.h"

#include "marimba/Package.h"
#include "marimba/Scheduler.h"
#include "marimba/Stopwatch.h"

#include <algorithm>
#include <cstdio>
#include <map>

using namespace marimba;

namespace {

struct Times : rt::RequestListener {
  rt::Stopwatch watch;
  std::map<uint64_t, std::vector<double>> tokens; // seconds
  std::map<uint64_t, rt::RequestUsage> usage;
  bool ended = false;

  void token(uint64_t request, const rt::NewToken &) override {
    tokens[request].push_back(watch.seconds());
  }
  bool finished(uint64_t request, rt::AnswerEnd, std::string_view,
                const rt::RequestUsage &used, std::string &) override {
    usage[request] = used;
    ended = true;
    return true;
  }
};

void check(bool good, const std::string &error) {
  if (good)
    return;
  std::fprintf(stderr, "error: %s\n", error.c_str());
  std::exit(1);
}

std::vector<int32_t> text(const rt::ReadyModel &model, int64_t count,
                          int64_t seed) {
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < count; ++i)
    ids.push_back(static_cast<int32_t>((i * i + seed) % model.vocabulary()));
  return ids;
}

/// Median and maximum of the pauses, in milliseconds.
void printPauses(const char *what, std::span<const double> at) {
  std::vector<double> pauses;
  for (size_t i = 1; i < at.size(); ++i)
    pauses.push_back(1e3 * (at[i] - at[i - 1]));
  std::ranges::sort(pauses);
  if (!pauses.empty())
    std::printf("%-44s median %8.2f ms, longest %8.2f ms\n", what,
                pauses[pauses.size() / 2], pauses.back());
}

/// Asks something about the text: the time to the first token of the answer.
void printTurn(const char *what, rt::Scheduler &scheduler,
               const rt::Request &request) {
  std::string error;
  Times times;
  auto number = scheduler.submit(request, error);
  check(number.has_value(), error);
  while (!scheduler.idle())
    check(scheduler.step(times, error), error);
  rt::RequestUsage usage = times.usage[*number];
  std::printf("%-44s %11.2f ms, %zu of %zu tokens reused\n", what,
              1e3 * times.tokens[*number][0], usage.reusedTokens,
              usage.promptTokens);
}

} // namespace

int main(int argc, char **argv) {
  if (argc < 3 || argc > 4) {
    std::fprintf(stderr, "usage: bench-serving PACKAGE FOLDER [TOKENS]\n");
    return 1;
  }
  int64_t count =
      argc > 3 ? bench::numberArgument("TOKENS", argv[3], 1, 1 << 24) : 32768;
  std::string error;
  auto manifest = rt::PackageManifest::read(argv[1], error);
  check(manifest.has_value(), error);
  auto model = rt::loadPackage(argv[1], *manifest, {}, error);
  check(model != nullptr, error);
  rt::Scheduler::Options options;
  options.cache.bytes = int64_t(4) << 30;
  options.cache.folder = argv[2];
  auto scheduler = rt::Scheduler::create(*model, nullptr, options, error);
  check(scheduler != nullptr, error);

  Times times;
  rt::Request small;
  small.ids = text(*model, 16, 1);
  small.maxTokens = 1 << 30;
  check(scheduler->submit(small, error).has_value(), error);
  auto answered = [&] { return times.tokens[0].size(); };
  while (answered() < 200)
    check(scheduler->step(times, error), error);
  printPauses("an answer alone", times.tokens[0]);
  times.tokens[0].clear();

  rt::Request book;
  book.ids = text(*model, count, 2);
  book.boundaries = {count};
  std::vector<int32_t> question = text(*model, 12, 3);
  book.ids.insert(book.ids.end(), question.begin(), question.end());
  book.maxTokens = 1;
  check(scheduler->submit(book, error).has_value(), error);
  rt::Stopwatch reading;
  while (!times.ended)
    check(scheduler->step(times, error), error);
  std::printf("%lld tokens were read in %.2f s, %zu tokens answered beside\n",
              static_cast<long long>(count), reading.seconds(), answered());
  printPauses("an answer while they are read", times.tokens[0]);
  times.tokens[0].clear();

  book.ids.back() =
      (book.ids.back() + 1) % static_cast<int32_t>(model->vocabulary());
  times.ended = false;
  check(scheduler->submit(book, error).has_value(), error);
  while (!times.ended)
    check(scheduler->step(times, error), error);
  printPauses("an answer beside another question", times.tokens[0]);
  scheduler->cancel(0);
  check(scheduler->step(times, error), error);
  printTurn("another question, alone", *scheduler, book);
  rt::Stopwatch writing;
  scheduler.reset();
  std::printf("%-44s %11.2f ms\n", "writing all of it",
              1e3 * writing.seconds());
  rt::Stopwatch starting;
  scheduler = rt::Scheduler::create(*model, nullptr, options, error);
  check(scheduler != nullptr, error);
  std::printf("%-44s %11.2f ms\n", "a start", 1e3 * starting.seconds());
  printTurn("the question after the restart", *scheduler, book);
  printTurn("and once more", *scheduler, book);
  return 0;
}
