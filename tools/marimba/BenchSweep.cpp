//===- BenchSweep.cpp - marimba bench --context-sweep ---------------------===//
//
// Part of Marimba. Time and memory against the context, as numbers and drawn.
//
//===----------------------------------------------------------------------===//

#include "tools/marimba/BenchSweep.h"
#include "marimba/OutputPath.h"
#include "tools/commands/Interrupt.h"
#include "tools/commands/Progress.h"
#include "tools/libmarimba/Memory.h"
#include "tools/marimba/Driver.h"
#include "tools/measure/ContextSweep.h"

#include "marimba/NewFile.h"
#include "marimba/RandomWeights.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace marimba;
using namespace llvm;

static void print(const SweepSeries &series) {
  outs() << "    tokens  prefill, a token  decode, a token  keys and values  "
            "resident\n";
  for (const SweepPoint &point : series.points)
    outs() << formatv("{0,10}  {1,13:f3} ms  {2,12:f3} ms  {3,15}  {4,8}\n",
                      point.tokens, point.readSeconds * 1e3,
                      point.decodeSeconds * 1e3, mebibytes(point.keyValueBytes),
                      mebibytes(point.residentBytes));
  if (series.firstSeconds > 0)
    outs() << formatv("a token of the last {0:N}: {1:f3} ms, {2:f2} of the "
                      "first {0:N}\n",
                      kSweepEnd, series.lastSeconds * 1e3,
                      series.lastSeconds / series.firstSeconds);
  outs() << "peak resident: " << mebibytes(series.peakBytes) << '\n';
}

int driver::runSweep(const SweepRequest &request) {
  std::string error;
  std::vector<SweepSeries> all;
  for (const std::string &path : request.earlier) {
    std::optional<std::string> text = readFile(path);
    if (!text)
      return 1;
    std::optional<std::vector<SweepSeries>> series =
        parseSweep(*text, path, error);
    if (!series)
      return fail(error);
    all.insert(all.end(), series->begin(), series->end());
  }
  std::string numbers = request.output + ".json",
              drawing = request.output + ".svg";
  for (const std::string &path : {numbers, drawing})
    if (!rt::checkOutput(path, {}, request.model, error) ||
        (rt::outputKind(path) == rt::OutputKind::File &&
         !rt::canReplace(path, error)))
      return fail(error);
  // What cannot fit is known before anything is compiled.
  std::unique_ptr<Compilation> imported =
      Compilation::createFromModel(request.model, request.load.compile, error);
  if (!imported ||
      !checkRoom(imported->imported()->info, request.tokens, 1, error))
    return fail(error);
  bool hasWeights = imported->imported()->info.hasWeights;
  imported.reset();
  commands::catchInterrupt();
  commands::Progress bar(!request.quiet);
  auto progress = [&](double fraction, StringRef what) {
    bar.update(fraction, what);
  };
  rt::RandomWeights random(request.load.teamSize());
  LoadOptions load = request.load;
  if (request.randomWeights || !hasWeights)
    load.weights = &random;
  std::unique_ptr<LoadedModel> model = LoadedModel::load(
      request.model, load, error, progress,
      [&](StringRef note) {
        bar.clear();
        printNote(note);
      },
      [] { return !commands::interrupted(); });
  std::optional<SweepSeries> series;
  if (model && !commands::interrupted())
    series = sweepContext(*model, request.tokens, error, progress,
                          [] { return !commands::interrupted(); });
  bar.clear();
  if (commands::interrupted())
    return commands::kInterruptedExitCode;
  if (!series)
    return fail(error);
  print(*series);
  all.push_back(std::move(*series));
  std::string text = formatv("{0:2}\n", toJson(all)).str();
  return writeFiles({{numbers, text}, {drawing, plotSweep(all)}});
}
