//===- Quantize.cpp - marimba quantize ------------------------------------===//
//
// Part of Marimba. A model directory with weights of 8 or 4 bits, or a GGUF
// file.
//
//===----------------------------------------------------------------------===//

#include "tools/commands/Interrupt.h"
#include "tools/commands/Progress.h"
#include "tools/marimba/Driver.h"
#include "tools/quantize/QuantizeGguf.h"
#include "tools/quantize/QuantizeModel.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace marimba;
using namespace llvm;

namespace {
/// Of a directory's weights; the others are GgufMix, in its order.
enum Weights : int { None = -3, Eight, Four };

cl::OptionEnumValue mix(GgufMix value, StringRef name, StringRef description) {
  return cl::OptionEnumValue{name, int(value), description};
}
enum class Head { Int8, Int4, Keep };

template <typename T> struct Choice : cl::opt<T> {
  Choice(cl::SubCommand &sub, StringRef name, StringRef description, T init,
         const cl::ValuesClass &values)
      : cl::opt<T>(name, cl::desc(description), cl::init(init), values,
                   cl::sub(sub), cl::cat(driver::category())) {}
  bool given() const { return this->getNumOccurrences() > 0; }
};

struct Options {
  cl::SubCommand sub{"quantize", "Writes a model with weights of fewer bits, "
                                 "or as a GGUF file"};
  driver::ModelArgument model{sub};
  driver::Value<std::string> output{
      sub, "o", "The new model's directory, or FILE.gguf", "path"};
  Choice<Weights> weights{
      sub, "weights",
      "Format of projections and experts; all but the first two are of GGUF "
      "files, called as llama-quantize calls them",
      Weights::None,
      cl::values(clEnumValN(Weights::Eight, "int8", "8 bits"),
                 clEnumValN(Weights::Four, "int4", "4 bits"),
                 mix(GgufMix::F32, "f32", "32 bits"),
                 mix(GgufMix::F16, "f16", "16 bits"),
                 mix(GgufMix::BF16, "bf16", "16 bits"),
                 mix(GgufMix::Q8_0, "q8_0", "8 bits"),
                 mix(GgufMix::Q4_0, "q4_0", "4 bits, the head 6"),
                 mix(GgufMix::Q4_K_M, "q4_k", "as q4_k_m"),
                 mix(GgufMix::Q4_K_S, "q4_k_s", "4 bits, few tensors 5"),
                 mix(GgufMix::Q4_K_M, "q4_k_m", "4 bits, some tensors 6"),
                 mix(GgufMix::Q5_K_M, "q5_k", "as q5_k_m"),
                 mix(GgufMix::Q5_K_S, "q5_k_s", "5 bits, the head 6"),
                 mix(GgufMix::Q5_K_M, "q5_k_m", "5 bits, some tensors 6"),
                 mix(GgufMix::Q6_K, "q6_k", "6 bits"))};
  driver::Number<int64_t> group{
      sub,
      "group",
      "Inputs that share a scale: 32, 64, 128, or 0 for all of a channel "
      "(default: 64 of int4, 0 of int8)",
      "n",
      {0, 128}};
  driver::Flag zeroPoint{sub, "zero-point",
                         "Each group of int4 has a zero point of its own"};
  Choice<Scalar> scales{
      sub, "scales", "Type of the scales of groups (a channel's are f32)",
      Scalar::BF16,
      cl::values(clEnumValN(Scalar::BF16, "bf16", "bf16 (default)"),
                 clEnumValN(Scalar::F16, "f16", "f16"))};
  Choice<QuantMethod> method{
      sub, "method", "How scales are found", QuantMethod::Search,
      cl::values(
          clEnumValN(QuantMethod::Search, "search", "smallest error (default)"),
          clEnumValN(QuantMethod::Nearest, "nearest",
                     "by the largest weight of a group"))};
  Choice<Head> head{
      sub, "head", "Format of the embedding and the output head", Head::Int8,
      cl::values(clEnumValN(Head::Int8, "int8", "8 bits (default)"),
                 clEnumValN(Head::Int4, "int4", "4 bits"),
                 clEnumValN(Head::Keep, "keep", "what they are"))};
  cl::list<std::string> keep{
      "keep",
      cl::desc("Regular expression: tensors with a match in their names are "
               "not quantised; may be repeated"),
      cl::value_desc("pattern"), cl::sub(sub), cl::cat(driver::category())};
  driver::Value<std::string> calibrate{
      sub, "calibrate",
      "A text like those that the model will read: errors are compensated by "
      "its activations on this text (GPTQ)",
      "file"};
  driver::Number<int64_t> calibrateTokens{
      sub,
      "calibrate-tokens",
      "Tokens of the text that are read (default: 16384)",
      "n",
      {1, 1 << 30},
      16384};
  driver::Number<int64_t> calibrateMemory{
      sub,
      "calibrate-memory",
      "MiB for statistics, K x K x 4 bytes of K inputs (default: 4096); beyond "
      "this, the widest inputs first, only the diagonal is kept, to weight the "
      "search",
      "n",
      {0, 1 << 30},
      4096};
  driver::Flag json{sub, "json", "Answers in JSON"};
};
} // namespace

static Options &options() {
  static Options instance;
  return instance;
}

/// What the options ask for; prints an error and returns nothing where they do
/// not go together.
static std::optional<QuantizeOptions> quantizeOptions() {
  const Options &o = options();
  auto fail = [](const Twine &message) {
    driver::fail(message);
    return std::nullopt;
  };
  if (o.weights != Weights::Eight && o.weights != Weights::Four)
    return fail("quantize: expected --weights=int8 or --weights=int4, or "
                "-o FILE.gguf with the other formats");
  Encoding format;
  format.bits = o.weights == Weights::Eight ? 8 : 4;
  format.group = o.group.given() ? int64_t(o.group) : format.bits == 8 ? 0 : 64;
  if (!is_contained({0, 32, 64, 128}, format.group))
    return fail("--group: expected 32, 64, 128 or 0, found " +
                Twine(format.group));
  bool wholeChannel = format.group == 0;
  if (wholeChannel && format.bits == 4)
    return fail("--group: expected 32, 64 or 128 with --weights=int4, found 0");
  if (wholeChannel && o.scales.given())
    return fail("--scales: expected --group of 32, 64 or 128 with it; the "
                "scale of a whole channel is f32");
  if (o.zeroPoint && format.bits == 8)
    return fail("--zero-point: expected --weights=int4 with it");
  if (o.head == Head::Int4 && wholeChannel)
    return fail("--head: expected --group of 32, 64 or 128 with int4");
  format.offset = o.zeroPoint ? Offset::ZeroPoint : Offset::None;
  format.scale = wholeChannel ? Scalar::F32 : Scalar(o.scales);

  if (!o.calibrate.given() &&
      (o.calibrateTokens.given() || o.calibrateMemory.given()))
    return fail(Twine(o.calibrateTokens.given() ? "--calibrate-tokens"
                                                : "--calibrate-memory") +
                ": expected --calibrate with it");
  if (o.calibrate.given() && o.method == QuantMethod::Nearest)
    return fail("--calibrate: expected --method=search with it");

  QuantizeOptions result;
  result.layers = format;
  if (o.head != Head::Keep) {
    Encoding head = format;
    head.bits = o.head == Head::Int8 ? 8 : 4;
    if (head.bits == 8)
      head.offset = Offset::None;
    else
      head.offset = o.zeroPoint ? Offset::ZeroPoint : Offset::None;
    result.head = head;
  }
  result.method = o.method;
  if (o.calibrate.given()) {
    std::optional<std::string> text = driver::readFile(o.calibrate);
    if (!text)
      return std::nullopt;
    result.calibrate = {o.calibrate, std::move(*text), o.calibrateTokens,
                        uint64_t(o.calibrateMemory) << 20};
  }
  result.keep.assign(o.keep.begin(), o.keep.end());
  return result;
}

/// As above, of a GGUF file.
static std::optional<GgufOptions> ggufOptions() {
  const Options &o = options();
  auto fail = [](const Twine &message) {
    driver::fail(message);
    return std::nullopt;
  };
  if (o.weights < 0)
    return fail("quantize: expected --weights=f32, f16, bf16, q8_0, q4_0, "
                "q4_k_s, q4_k_m, q5_k_s, q5_k_m or q6_k with -o FILE.gguf");
  const std::pair<StringRef, bool> others[] = {
      {"--group", o.group.given()},
      {"--zero-point", o.zeroPoint},
      {"--scales", o.scales.given()},
      {"--head", o.head.given()},
      {"--calibrate", o.calibrate.given()},
      {"--calibrate-tokens", o.calibrateTokens.given()},
      {"--calibrate-memory", o.calibrateMemory.given()}};
  for (auto [option, given] : others)
    if (given)
      return fail(option + ": expected an output directory with it, found "
                           "-o FILE.gguf");
  GgufOptions result;
  result.mix = GgufMix(int(o.weights));
  result.method = o.method;
  result.keep.assign(o.keep.begin(), o.keep.end());
  return result;
}

static void printReport(const QuantizeReport &report) {
  raw_ostream &os = outs();
  auto row = [&](StringRef label) -> raw_ostream & {
    return os << left_justify(label, 12);
  };
  if (report.matrices)
    row("quantised") << formatv(
        "{0:N} matrices, {1:N} weights of {2:f3} bits, scales included\n",
        report.matrices, report.weights, report.bitsPerWeight());
  if (!report.types.empty()) {
    std::string types;
    for (const auto &[type, count] : report.types)
      types += (types.empty() ? "" : ", ") + std::to_string(count) + " " + type;
    row("types") << types << "\n";
  }
  if (report.calibrationTokens)
    row("calibrated") << formatv(
        "{0:N} matrices by GPTQ, {1:N} by weighted searches, {2:N} tokens\n",
        report.calibrated, report.weighed, report.calibrationTokens);
  row("kept") << formatv("{0:N} tensors, {1:N} bytes\n", report.keptTensors,
                         report.keptBytes);
  row("bytes") << formatv("{0:N} before, {1:N} after\n", report.bytesBefore,
                          report.bytesAfter());
  if (report.matrices)
    row("error") << formatv(
        "{0:P4} of the weights' mean square; at most {1:P4}, in {2}\n",
        report.relativeError, report.worstError, report.worstMatrix);
  row("seconds") << formatv("{0:f1}\n", report.seconds);
}

static void printAsJson(const QuantizeReport &report) {
  json::Object types;
  for (const auto &[type, count] : report.types)
    types[type] = count;
  driver::printJson(json::Object{
      {"matrices", report.matrices},
      {"weights", report.weights},
      {"bits_per_weight", report.bitsPerWeight()},
      {"kept_tensors", report.keptTensors},
      {"kept_bytes", report.keptBytes},
      {"bytes_before", report.bytesBefore},
      {"bytes_after", report.bytesAfter()},
      {"relative_error", report.relativeError},
      {"worst_relative_error", report.worstError},
      {"worst_matrix", report.worstMatrix},
      {"calibration_tokens", report.calibrationTokens},
      {"calibrated", report.calibrated},
      {"weighed", report.weighed},
      {"left_out", json::Array(report.dropped)},
      {"types", std::move(types)},
      {"seconds", report.seconds},
  });
}

static int run() {
  const Options &o = options();
  if (o.model.missing())
    return 1;
  if (o.output.empty())
    return driver::fail("quantize: expected an output directory: -o DIR, or "
                        "-o FILE.gguf");
  bool isGguf = StringRef(o.output).ends_with(".gguf");
  std::optional<GgufOptions> file;
  std::optional<QuantizeOptions> wanted;
  if (isGguf)
    file = ggufOptions();
  else
    wanted = quantizeOptions();
  if (!file && !wanted)
    return 1;
  commands::catchInterrupt();
  commands::Progress bar;
  QuantizeReport report;
  std::string error;
  auto progress = [&](double fraction, StringRef what) {
    bar.update(fraction, what);
  };
  auto goOn = [] { return !commands::interrupted(); };
  bool done = isGguf ? quantizeToGguf(o.model, o.output, *file, progress, goOn,
                                      report, error)
                     : quantizeModel(o.model, o.output, *wanted, progress, goOn,
                                     report, error);
  bar.clear();
  llvm::for_each(report.notes, driver::printNote);
  if (!done)
    return commands::interrupted() ? commands::kInterruptedExitCode
                                   : driver::fail(error);
  if (!report.dropped.empty())
    driver::printNote("the model has no use for " + join(report.dropped, ", ") +
                      ": left out");
  if (o.json)
    printAsJson(report);
  else
    printReport(report);
  return 0;
}

driver::Command driver::makeQuantizeCommand() { return {&options().sub, run}; }
