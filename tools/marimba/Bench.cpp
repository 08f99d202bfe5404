//===- Bench.cpp - marimba bench ------------------------------------------===//
//
// Part of Marimba. How fast a model runs, beside what the machine allows.
//
//===----------------------------------------------------------------------===//

#include "tools/commands/Interrupt.h"
#include "tools/commands/Progress.h"
#include "tools/marimba/BenchMatrix.h"
#include "tools/marimba/BenchProfile.h"
#include "tools/marimba/BenchSweep.h"
#include "tools/marimba/CompileFlags.h"
#include "tools/measure/Benchmark.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace marimba;
using namespace llvm;

namespace {
struct Options {
  cl::SubCommand sub{"bench",
                     "Measures a model against the limits of the machine"};
  driver::ModelArgument model{sub};
  driver::Flag randomWeights{
      sub, "random-weights",
      "Uses random weights (implied by a directory without weights)"};
  driver::Value<std::string> weights{
      sub, "weights",
      "Measures with random weights of a format: int8 (one scale per channel), "
      "int4 (one per 64 inputs; the head int8), or with a group size: int8:64, "
      "int4:32, int4:128",
      "format"};
  driver::Number<int64_t> prefill{
      sub, "prefill",    "Tokens of the prompt (default: 512)",
      "n", {1, 1 << 20}, 512};
  driver::Number<int64_t> decode{
      sub, "decode",     "Tokens to decode after the prompt (default: 64)",
      "n", {1, 1 << 20}, 64};
  driver::Number<int64_t> repeat{sub, "repeat",  "Repetitions (default: 5)",
                                 "n", {1, 1000}, 5};
  driver::Flag profile{sub, "profile", "Measures each op as well"};
  driver::Number<int64_t> contextSweep{
      sub,
      "context-sweep",
      "Measures time and memory along a context of so many tokens instead",
      "n",
      {1, driver::kMostTokens / 2}};
  driver::Value<std::string> output{
      sub, "o", "With --context-sweep: writes NAME.json and NAME.svg", "name"};
  cl::list<std::string> with{
      "with",
      cl::desc("With --context-sweep: a .json of another model to draw, too; "
               "may be repeated"),
      cl::value_desc("file"), cl::sub(sub), cl::cat(driver::category())};
  driver::Flag matrix{sub, "matrix",
                      "Measures projections of every kind instead, for which "
                      "no MODEL is needed"};
  driver::Value<std::string> matrixTypes{
      sub, "matrix-types",
      "With --matrix: types of weights, such as f32,int4:64 (default: all)",
      "list"};
  driver::Value<std::string> matrixRows{
      sub, "matrix-rows",
      "With --matrix: numbers of rows (default: 1,4,16,64,512)", "list"};
  driver::Value<std::string> matrixShapes{
      sub, "matrix-shapes",
      "With --matrix: inputs x channels, such as 768x3072,1536x768 (default: "
      "four shapes)",
      "list"};
  driver::Value<std::string> writeTable{
      sub, "write-table", "With --matrix: writes who was faster to this file",
      "file"};
  driver::Flag quiet{sub, "quiet", "No progress"};
  driver::Flag json{sub, "json", "Answers in JSON"};
  driver::SessionFlags load{sub};
};
} // namespace

static Options &options() {
  static Options instance;
  return instance;
}

static json::Value jsonSpread(const Spread &spread) {
  return json::Object{
      {"min", spread.min}, {"median", spread.median}, {"max", spread.max}};
}

json::Value driver::jsonLimits(const Limits &limits) {
  json::Object answer{{"f32_gflops", jsonSpread(limits.f32Gflops)},
                      {"bf16_gflops", jsonSpread(limits.bf16Gflops)},
                      {"int8_gops", jsonSpread(limits.int8Gops)},
                      {"int4_gops", jsonSpread(limits.int4Gops)},
                      {"dram_read_gbps", jsonSpread(limits.dramReadGbps)},
                      {"exp_gops", jsonSpread(limits.expGops)}};
  if (limits.bf16TilesGflops.max > 0)
    answer["bf16_tiles_gflops"] = jsonSpread(limits.bf16TilesGflops);
  if (limits.int8TilesGops.max > 0)
    answer["int8_tiles_gops"] = jsonSpread(limits.int8TilesGops);
  return answer;
}

/// The head's and the embedding's among them.
static double regionsPerLayer(const BenchResult &result) {
  return result.layers > 0 ? result.regionsPerToken / result.layers : 0;
}

static void printJson(const BenchResult &result) {
  const Options &o = options();
  json::Object answer{
      {"limits", driver::jsonLimits(result.limits)},
      {"limits_one_thread", driver::jsonLimits(result.oneThread)},
      {"routes", json::Object{{"bf16", result.limits.bf16Route},
                              {"int8", result.limits.int8Route},
                              {"int4", result.limits.int4Route}}},
      {"threads", result.threads},
      {"random_weights", result.randomWeights},
      {"prefill",
       json::Object{{"tokens", int64_t(o.prefill)},
                    {"tokens_per_s", jsonSpread(result.prefillTokensPerS)},
                    {"efficiency", jsonSpread(result.prefillEfficiency)},
                    {"allowed_s", result.allowed.prefill}}},
      {"decode",
       json::Object{{"context", int64_t(o.prefill)},
                    {"tokens", int64_t(o.decode)},
                    {"tokens_per_s", jsonSpread(result.decodeTokensPerS)},
                    {"weight_gbps", jsonSpread(result.decodeWeightGbps)},
                    {"efficiency", jsonSpread(result.decodeEfficiency)},
                    {"regions_per_token", result.regionsPerToken},
                    {"regions_per_layer", regionsPerLayer(result)},
                    {"allowed_s", result.allowed.decode}}},
      {"peak_rss_mib", result.peakRssMib},
      {"arena_peak_mib", result.arenaPeakMib},
      {"kv_mib", result.keyValueMib},
      {"state_mib", result.stateMib},
      {"load_s", result.times.loadSeconds},
      {"compile_s", result.times.compileSeconds},
      {"code_from_cache", result.times.codeFromCache},
      {"weights_packed", result.times.packedWeights},
      {"weights_from_cache", result.times.packedFromCache},
  };
  if (result.profile)
    answer["profile"] = driver::jsonProfile(*result.profile);
  driver::printJson(std::move(answer));
}

/// "median (min to max)".
static std::string text(const Spread &spread, int digits) {
  auto number = [&](double value) {
    return formatv("{0}", format("%.*f", digits, value)).str();
  };
  return number(spread.median) + " (" + number(spread.min) + " to " +
         number(spread.max) + ")";
}

static std::string countThreads(unsigned threads) {
  return std::to_string(threads) + (threads == 1 ? " thread" : " threads");
}

static void printLimits(const Limits &limits) {
  auto row = [](StringRef label, const Spread &spread, StringRef unit,
                StringRef route = "") {
    outs() << formatv("  {0,-11} {1,-30} {2}", label, text(spread, 1), unit);
    if (!route.empty())
      outs() << " (by " << route << ')';
    outs() << '\n';
  };
  outs() << "limits of the machine, " << countThreads(limits.threads) << '\n';
  row("f32", limits.f32Gflops, "GFLOP/s");
  row("bf16", limits.bf16Gflops, "GFLOP/s", limits.bf16Route);
  row("int8", limits.int8Gops, "GOP/s", limits.int8Route);
  row("int4", limits.int4Gops, "GOP/s", limits.int4Route);
  if (limits.bf16TilesGflops.max > 0)
    row("bf16 tiles", limits.bf16TilesGflops, "GFLOP/s", "operands in tiles");
  if (limits.int8TilesGops.max > 0)
    row("int8 tiles", limits.int8TilesGops, "GOP/s", "operands in tiles");
  row("DRAM read", limits.dramReadGbps, "GB/s");
  row("exp", limits.expGops, "G/s");
}

static void printText(const BenchResult &result) {
  const Options &o = options();
  if (result.threads > 1)
    printLimits(result.oneThread);
  printLimits(result.limits);
  auto row = [](StringRef label, const Twine &value) {
    outs() << formatv("  {0,-11} {1}\n", label, value.str());
  };
  outs() << formatv("prefill of {0} tokens, {1}\n", int64_t(o.prefill),
                    countThreads(result.threads));
  row("rate", text(result.prefillTokensPerS, 1) + " tokens/s");
  row("allowed", formatv("{0:f4} s, {1:f1} tokens/s", result.allowed.prefill,
                         double(o.prefill) / result.allowed.prefill)
                     .str());
  row("efficiency", text(result.prefillEfficiency, 3));
  outs() << formatv("decode of {0} tokens, {1}, after {2}\n", int64_t(o.decode),
                    countThreads(result.threads), int64_t(o.prefill));
  row("rate", text(result.decodeTokensPerS, 1) + " tokens/s");
  row("weights", text(result.decodeWeightGbps, 2) + " GB/s");
  row("allowed", formatv("{0:f6} s a token, {1:f1} tokens/s",
                         result.allowed.decode, 1 / result.allowed.decode)
                     .str());
  row("efficiency", text(result.decodeEfficiency, 3));
  row("fork/joins", formatv("{0:f1} a token, {1:f2} a layer",
                            result.regionsPerToken, regionsPerLayer(result))
                        .str());
  outs() << formatv("compiled in {0:f2} s, loaded in {1:f2} s; peak memory "
                    "{2:f0} MiB (scratch {3:f1}, keys and values {4:f1}, "
                    "states {5:f1})\n",
                    result.times.compileSeconds, result.times.loadSeconds,
                    result.peakRssMib, result.arenaPeakMib, result.keyValueMib,
                    result.stateMib);
  if (result.profile)
    driver::printProfile(*result.profile);
}

/// The formats that --weights names; nothing where it is none.
static std::optional<mlir::marimba::WeightEncodings>
parseFormats(StringRef text) {
  auto [bits, group] = text.split(':');
  mlir::marimba::WeightEncodings formats;
  int64_t size = bits == "int4" ? 64 : 0;
  if ((bits != "int4" && bits != "int8") ||
      (text.contains(':') && (group.getAsInteger(10, size) ||
                              (size != 32 && size != 64 && size != 128))))
    return std::nullopt;
  formats.matrices.bits = bits == "int4" ? 4 : 8;
  formats.matrices.group = size;
  using marimba::formats::Scalar;
  formats.matrices.scale = size ? Scalar::BF16 : Scalar::F32;
  if (bits == "int8")
    formats.head = formats.matrices;
  return formats;
}

static int runMatrix() {
  const Options &o = options();
  if (!o.model.empty())
    return driver::fail("--matrix: expected no MODEL, found " + o.model);
  std::optional<LoadOptions> load = o.load.loadOptions();
  if (!load)
    return 1;
  if (o.load.pipeline.matmul.getNumOccurrences() > 0)
    return driver::fail("--matrix and --matmul: expected one of them");
  MatrixRequest request;
  request.threads = static_cast<unsigned>(load->teamSize());
  request.compile = std::move(load->compile);
  if (!driver::parseCells(o.matrixTypes, o.matrixRows, o.matrixShapes, request))
    return 1;
  return driver::runMatrixCommand(request, o.writeTable, o.json, o.quiet);
}

static int run() {
  const Options &o = options();
  if (o.matrix)
    return runMatrix();
  for (const cl::Option *option :
       {static_cast<const cl::Option *>(&o.matrixTypes),
        static_cast<const cl::Option *>(&o.matrixRows),
        static_cast<const cl::Option *>(&o.matrixShapes),
        static_cast<const cl::Option *>(&o.writeTable)})
    if (option->getNumOccurrences() > 0)
      return driver::fail("--" + option->ArgStr +
                          ": expected with --matrix only");
  if (o.model.missing())
    return 1;
  std::optional<LoadOptions> load = o.load.loadOptions();
  if (!load)
    return 1;
  if (o.weights.given()) {
    load->compile.import.weights = parseFormats(o.weights);
    if (!load->compile.import.weights)
      return driver::fail("--weights: expected int8 or int4, perhaps with "
                          "':32', ':64' or ':128', found " +
                          o.weights);
  }
  if (o.contextSweep.given()) {
    if (o.output.empty())
      return driver::fail("--context-sweep: expected a name for the results: "
                          "-o NAME");
    driver::SweepRequest request;
    request.model = o.model;
    request.load = std::move(*load);
    request.randomWeights = o.randomWeights;
    request.quiet = o.quiet;
    request.tokens = o.contextSweep;
    request.output = o.output;
    request.earlier.assign(o.with.begin(), o.with.end());
    return driver::runSweep(request);
  }
  if (o.output.given() || !o.with.empty())
    return driver::fail("-o and --with: expected with --context-sweep only");
  BenchOptions bench;
  bench.load = std::move(*load);
  bench.randomWeights = o.randomWeights;
  bench.rounds.prefill = o.prefill;
  bench.rounds.decode = o.decode;
  bench.rounds.repeats = static_cast<unsigned>(int64_t(o.repeat));
  bench.profile = o.profile;

  commands::catchInterrupt();
  commands::Progress bar(!o.quiet);
  BenchResult result;
  std::string error;
  bool done = runBenchmark(
      o.model, bench, result, error,
      [&](double fraction, StringRef what) { bar.update(fraction, what); },
      [] { return !commands::interrupted(); },
      [&](StringRef note) {
        bar.clear();
        driver::printNote(note);
      });
  bar.clear();
  if (commands::interrupted())
    return commands::kInterruptedExitCode;
  if (!done)
    return driver::fail(error);
  if (o.json)
    printJson(result);
  else
    printText(result);
  return 0;
}

driver::Command driver::makeBenchCommand() { return {&options().sub, run}; }
