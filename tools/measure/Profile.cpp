//===- Profile.cpp - Where the time of a model goes -----------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/measure/Profile.h"
#include "tools/measure/ModelWork.h"

#include "marimba/Model.h"
#include "marimba/Session.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/JSON.h"
#include <algorithm>

using namespace marimba;
using namespace llvm;

namespace {

/// What the code says about one of its counters.
struct Region {
  std::string function;
  std::vector<std::string> ops; // its own first
};

/// The counters of the fastest round of a phase.
struct Fastest {
  double seconds = 0;
  int64_t tokens = 0;
  std::vector<MarimbaProfileRegion> regions;
};

bool fromJSON(const json::Value &value, Region &region, json::Path path) {
  json::ObjectMapper map(value, path);
  return map && map.map("function", region.function) &&
         map.map("ops", region.ops);
}

} // namespace

static std::optional<std::vector<Region>>
readRegions(const rt::CompiledModule &module, std::string &error) {
  if (!module.profileDescription) {
    error = "the compiled code has no profile";
    return std::nullopt;
  }
  Expected<std::vector<Region>> regions =
      json::parse<std::vector<Region>>(module.profileDescription);
  if (regions)
    return std::move(*regions);
  error = "profile of the compiled code: " + toString(regions.takeError());
  return std::nullopt;
}

/// The rows of one phase. Its times are for `scale` of all tokens; allowed is
/// what is for `tokens` tokens behind `context` others.
static ProfilePhase makeRows(const Fastest &fastest, ArrayRef<Region> regions,
                             const WorkTable &table, const Limits &limits,
                             double scale, double tokens, double context) {
  ProfilePhase phase;
  phase.seconds = fastest.seconds * scale;
  // An op that became several regions is one row; ops that were fused into
  // another's region belong there, unless they have one of their own.
  MapVector<std::pair<StringRef, StringRef>, ProfileRow> rows;
  StringMap<StringSet<>> taken;
  for (auto [region, counter] : zip(regions, fastest.regions))
    if (counter.calls)
      taken[region.function].insert(region.ops.front());
  double inside = 0;
  MapVector<std::pair<StringRef, StringRef>, std::vector<StringRef>> names;
  for (auto [region, counter] : zip(regions, fastest.regions)) {
    if (!counter.calls)
      continue;
    std::pair<StringRef, StringRef> key(region.function, region.ops.front());
    ProfileRow &row = rows[key];
    double seconds = static_cast<double>(counter.nanoseconds) * 1e-9 * scale;
    row.function = table.layer(region.function);
    row.op = region.ops.front();
    row.kind = table.kind(region.function, row.op);
    row.calls += static_cast<double>(counter.calls) * scale;
    row.seconds += seconds;
    inside += seconds;
    if (names[key].empty())
      names[key].push_back(key.second);
    for (StringRef name : ArrayRef(region.ops).drop_front())
      if (!table.kind(region.function, name).empty() &&
          taken[region.function].insert(name).second) {
        names[key].push_back(name);
        row.with.push_back(name.str());
      }
  }
  for (auto &[key, row] : rows) {
    OpsWork work = table.of(key.first, names[key]);
    OpsWork::Sizes sizes = work.sizes(tokens, context);
    row.allowed = work.allowed(limits, tokens, context);
    row.operations = sizes.operations;
    row.bytes = sizes.bytes;
    phase.rows.push_back(std::move(row));
  }
  ProfileRow rest;
  rest.seconds = phase.seconds - inside;
  phase.rows.push_back(std::move(rest));
  llvm::sort(phase.rows, [](const ProfileRow &a, const ProfileRow &b) {
    return a.seconds > b.seconds;
  });
  return phase;
}

std::optional<Profile>
marimba::runProfile(StringRef modelDir, const LoadOptions &options,
                    const BenchRounds &rounds, const Limits &limits,
                    std::string &error, ProgressFn progress,
                    function_ref<bool()> keepGoing) {
  // The work is counted while ops are those of the model, one nest each or not.
  std::unique_ptr<Compilation> counted =
      Compilation::createFromModel(modelDir, options.compileForTeam(), error);
  if (!counted || !counted->lower("specialize", error))
    return std::nullopt;
  LoadOptions load = options;
  load.compile.pipeline.profile = true;
  std::unique_ptr<LoadedModel> model =
      LoadedModel::load(modelDir, load, error, progress);
  if (!model)
    return std::nullopt;
  std::unique_ptr<rt::Session> session = model->makeSession(error);
  if (!session)
    return std::nullopt;
  const rt::CompiledModule &module = session->model().module();
  std::optional<std::vector<Region>> regions = readRegions(module, error);
  if (!regions)
    return std::nullopt;

  Fastest prefill, decode;
  auto phase = [&](BenchPhase which, bool counts, double seconds,
                   int64_t tokens) {
    Fastest &fastest = which == BenchPhase::Prefill ? prefill : decode;
    MutableArrayRef counters(module.profileRegions, regions->size());
    if (counts && (fastest.regions.empty() || seconds < fastest.seconds))
      fastest = {seconds, tokens, {counters.begin(), counters.end()}};
    std::fill(counters.begin(), counters.end(), MarimbaProfileRegion());
  };
  if (!runRounds(*session, rounds, model->info().vocabSize, phase, error,
                 progress, keepGoing))
    return std::nullopt;

  auto tokens = static_cast<double>(rounds.prefill);
  Products products = Products::of(counted->options().pipeline);
  WorkTable prefillWork(counted->module(), "prefill", products);
  WorkTable decodeWork(counted->module(), "decode", products);
  Profile result;
  result.prefill = makeRows(prefill, *regions, prefillWork, limits, /*scale=*/1,
                            tokens, /*context=*/0);
  result.decode = makeRows(decode, *regions, decodeWork, limits,
                           1.0 / static_cast<double>(decode.tokens), 1,
                           tokens + static_cast<double>(rounds.decode - 1) / 2);
  return result;
}
