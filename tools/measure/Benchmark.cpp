//===- Benchmark.cpp - Time of a model beside what is allowed -------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/measure/Benchmark.h"
#include "tools/libmarimba/Memory.h"

#include "marimba/ParallelRegions.h"
#include "marimba/RandomWeights.h"
#include "marimba/Session.h"
#include "marimba/ThreadTeam.h"
#include <algorithm>

using namespace marimba;
using namespace llvm;

/// numerator / seconds, for each repetition.
static Spread rates(double numerator, ArrayRef<double> seconds) {
  std::vector<double> all;
  for (double s : seconds)
    all.push_back(numerator / s);
  return Spread::of(std::move(all));
}

bool marimba::runBenchmark(StringRef modelDir, const BenchOptions &options,
                           BenchResult &result, std::string &error,
                           ProgressFn progress, function_ref<bool()> keepGoing,
                           function_ref<void(StringRef)> note) {
  auto report = [&](double fraction, StringRef what) {
    if (progress)
      progress(fraction, what);
  };
  result.threads = options.load.threads
                       ? options.load.threads
                       : static_cast<unsigned>(rt::allowedCpus());
  // What is wrong with the model is said before anything is measured.
  ModelWork work;
  {
    std::unique_ptr<Compilation> compilation =
        Compilation::createFromModel(modelDir, options.load.compile, error);
    if (!compilation)
      return false;
    const mlir::marimba::ModelInfo &info = compilation->imported()->info;
    if (!checkRoom(info, options.rounds.prefill + options.rounds.decode, 1,
                   error))
      return false;
    WorkTable table(compilation->module(), "prefill",
                    Products::of(compilation->options().pipeline));
    work = table.whole(info);
    result.layers = table.layers();
    result.randomWeights = options.randomWeights || !info.hasWeights;
  }
  if (result.randomWeights && !options.randomWeights && note)
    note((modelDir + " has no weights: measured with random ones").str());

  report(0, "limits of the machine");
  std::unique_ptr<LimitProbes> probes =
      LimitProbes::create(options.load.compile.target, error);
  if (!probes || !probes->measure(1, {}, result.oneThread, error))
    return false;
  result.limits = result.oneThread;
  if (result.threads > 1 &&
      !probes->measure(result.threads, {}, result.limits, error))
    return false;
  if (keepGoing && !keepGoing())
    return false;

  restartPeakResident();
  rt::RandomWeights random(static_cast<int>(result.threads));
  LoadOptions load = options.load;
  if (result.randomWeights)
    load.weights = &random;
  std::unique_ptr<LoadedModel> model =
      LoadedModel::load(modelDir, load, error, progress, note, keepGoing);
  if (!model)
    return false;
  result.times = model->times();
  std::unique_ptr<rt::Session> session = model->makeSession(error);
  if (!session)
    return false;

  // Seconds of every repetition: of all tokens of the prompt, of one decoded.
  std::vector<double> prefill, decode;
  const BenchRounds &rounds = options.rounds;
  int64_t regions = 0; // when the phase began
  auto phase = [&](BenchPhase which, bool counts, double seconds,
                   int64_t tokens) {
    int64_t begun = rt::parallelRegions() - regions;
    regions += begun;
    if (!counts)
      return;
    if (which == BenchPhase::Prefill)
      prefill.push_back(seconds);
    else
      decode.push_back(seconds / static_cast<double>(tokens));
    if (which == BenchPhase::Decode)
      result.regionsPerToken =
          static_cast<double>(begun) / static_cast<double>(tokens);
  };
  if (!runRounds(*session, rounds, model->info().vocabSize, phase, error,
                 progress, keepGoing))
    return false;
  auto tokens = static_cast<double>(rounds.prefill);
  result.decodeContext = tokens + static_cast<double>(rounds.decode - 1) / 2;
  result.allowed =
      allowedTime(work, result.limits, tokens, result.decodeContext);
  result.prefillTokensPerS = rates(tokens, prefill);
  result.prefillEfficiency = rates(result.allowed.prefill, prefill);
  result.decodeTokensPerS = rates(1, decode);
  result.decodeEfficiency = rates(result.allowed.decode, decode);
  result.decodeWeightGbps = rates(work.weightBytesFor(1) * 1e-9, decode);
  result.peakRssMib = static_cast<double>(peakResident()) / (1 << 20);
  auto mib = [](int64_t bytes) {
    return static_cast<double>(bytes) / (1 << 20);
  };
  rt::SessionMemory memory = session->memory();
  result.arenaPeakMib = mib(memory.arenaPeak);
  result.keyValueMib = mib(memory.keyValues);
  result.stateMib = mib(memory.states);
  if (!options.profile)
    return true;
  session.reset(); // two models might not fit
  model.reset();
  result.profile = runProfile(modelDir, load, rounds, result.limits, error,
                              progress, keepGoing);
  if (!result.profile)
    return false;
  result.profile->prefill.plainSeconds = *min_element(prefill);
  result.profile->decode.plainSeconds = *min_element(decode);
  return true;
}
