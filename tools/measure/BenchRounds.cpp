//===- BenchRounds.cpp - The calls that a benchmark measures --------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/measure/BenchRounds.h"
#include "marimba/Stopwatch.h"

#include "marimba/Session.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>
#include <cmath>
#include <vector>

using namespace marimba;
using namespace llvm;

/// `count` token ids, the same on every machine.
static std::vector<int32_t> makeIds(int64_t count, int64_t vocabulary) {
  std::vector<int32_t> ids;
  uint64_t state = 1;
  for (int64_t i = 0; i < count; ++i) {
    state = state * 6364136223846793005 + 1442695040888963407;
    ids.push_back(static_cast<int32_t>((state >> 33) % vocabulary));
  }
  return ids;
}

bool marimba::runRounds(rt::Session &session, const BenchRounds &rounds,
                        int64_t vocabulary, PhaseFn phase, std::string &error,
                        ProgressFn progress, function_ref<bool()> keepGoing) {
  std::vector<int32_t> prompt = makeIds(rounds.prefill, vocabulary);
  std::vector<int32_t> next = makeIds(rounds.decode, vocabulary);
  std::vector<float> logits;
  auto append = [&](ArrayRef<int32_t> ids) {
    return (!keepGoing || keepGoing()) &&
           session.append({ids.data(), ids.size()}, rt::LogitsWanted::Last,
                          logits, error);
  };
  // Growing while it decodes would be measured, and would keep room to spare.
  if (!session.reserve(rounds.prefill + rounds.decode, error))
    return false;
  for (unsigned round = 0; round <= rounds.repeats; ++round) {
    if (progress)
      progress(double(round) / (rounds.repeats + 1),
               round ? "measuring" : "warming up");
    session.reset(0);
    rt::Stopwatch watch;
    if (!append(prompt))
      return false;
    phase(BenchPhase::Prefill, round > 0, watch.seconds(), rounds.prefill);
    size_t steps = round ? next.size() : std::min<size_t>(next.size(), 2);
    watch.restart();
    for (size_t i = 0; i < steps; ++i)
      if (!append(ArrayRef(next).slice(i, 1)))
        return false;
    phase(BenchPhase::Decode, round > 0, watch.seconds(),
          static_cast<int64_t>(steps));
    if (!all_of(logits, [](float value) { return std::isfinite(value); })) {
      error = "the model's logits are not finite: its times are meaningless";
      return false;
    }
  }
  return true;
}
