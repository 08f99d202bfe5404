//===- Inspect.cpp - marimba inspect --------------------------------------===//
//
// Part of Marimba. What a model is made of, from its description; what a saved
// session or a package holds.
//
//===----------------------------------------------------------------------===//

#include "importer/hub/ModelDirectory.h"
#include "tools/commands/Interrupt.h"
#include "tools/commands/Progress.h"
#include "tools/libmarimba/Compiler.h"
#include "tools/libmarimba/Memory.h"
#include "tools/libmarimba/ModelFiles.h"
#include "tools/marimba/CompileFlags.h"
#include "tools/marimba/DirectoryModels.h"
#include "tools/marimba/InspectGguf.h"
#include "tools/marimba/InspectPackage.h"

#include "marimba/Package.h"
#include "marimba/SavedState.h"
#include "marimba/Tokenizer.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace marimba;
using namespace llvm;
using mlir::marimba::ModelInfo;

namespace {
struct Options {
  cl::SubCommand sub{"inspect",
                     "Layers, parameters and sizes of a model, or what a "
                     "saved session or a package holds"};
  driver::ModelArgument model{sub};
  driver::Flag json{sub, "json", "Answers in JSON"};
  driver::Number<int64_t> context{
      sub,
      "context",
      "Loads the model and reports the memory for this many tokens",
      "n",
      {1, driver::kMostTokens}};
  driver::SessionFlags load{sub};
};
} // namespace

static Options &options() {
  static Options instance;
  return instance;
}

/// The layers of each kind, kinds in the order of their first layer.
static MapVector<StringRef, std::vector<unsigned>>
groupLayers(const ModelInfo &info) {
  MapVector<StringRef, std::vector<unsigned>> groups;
  for (auto [index, kind] : enumerate(info.layerKinds))
    groups[kind].push_back(index);
  return groups;
}

/// The bytes of `needs`, and what is there for them.
static json::Object jsonNeeds(const MemoryNeeds &needs) {
  std::optional<int64_t> available = availableMemory();
  return json::Object{
      {"tokens", int64_t(options().context)},
      {"weight_bytes", needs.weights},
      {"packed_bytes", needs.packed},
      {"state_bytes", needs.states},
      {"kv_bytes", needs.keyValues},
      {"scratch_bytes", needs.scratch},
      {"rest_bytes", needs.rest},
      {"total_bytes", needs.total()},
      {"available_bytes",
       available ? json::Value(*available) : json::Value(nullptr)},
  };
}

/// What ends an answer, and the tokenizer that knows its texts: null where
/// there is none.
struct Ends {
  std::vector<rt::EndToken> tokens;
  std::unique_ptr<rt::Tokenizer> tokenizer;
};

/// A tokenizer that cannot be read is no part of what a model is made of.
static std::optional<Ends> findEnds(const ModelInfo &info, std::string &error) {
  Ends ends;
  StringRef model = options().model.getValue();
  if (std::string ignored; hasTokenizer(model))
    ends.tokenizer = loadTokenizer(model, ignored);
  auto found = endTokens(model, info.eosIds, ends.tokenizer.get(), error);
  if (!found)
    return std::nullopt;
  ends.tokens = std::move(*found);
  return ends;
}

static void printAsText(const Ends &ends) {
  StringRef label = "ends";
  for (const rt::EndToken &end : ends.tokens) {
    std::string text =
        ends.tokenizer ? ends.tokenizer->idToToken(end.id).value_or("") : "";
    outs() << left_justify(label, 12) << end.id << (text.empty() ? "" : " ")
           << text << " (" << end.from << ")\n";
    label = "";
  }
}

/// The memory that is available, where the weights' files are larger.
static std::optional<int64_t> exceedsMemory(const ModelInfo &info) {
  std::optional<int64_t> available = availableMemory();
  if (!info.hasWeights || !available ||
      static_cast<int64_t>(info.weightBytes) <= *available)
    return std::nullopt;
  return available;
}

static void printAsJson(const ModelInfo &info, const Ends &ends,
                        const std::optional<driver::GgufReport> &gguf,
                        const std::optional<MemoryNeeds> &needs) {
  json::Array endIds;
  for (const rt::EndToken &end : ends.tokens)
    endIds.push_back(end.id);
  json::Object kinds;
  for (const auto &[kind, layers] : groupLayers(info))
    kinds[kind] = layers.size();
  json::Object sizes;
  for (const auto &[name, size] : info.sizes)
    sizes[name] = size;
  auto optionalId = [](std::optional<int64_t> id) -> json::Value {
    return id ? json::Value(*id) : json::Value(nullptr);
  };
  json::Object answer{
      {"name", info.name},
      {"family", info.family},
      {"layers", json::Array(info.layerKinds)},
      {"layer_kinds", std::move(kinds)},
      {"vocab_size", info.vocabSize},
      {"hidden_size", info.hiddenSize},
      {"sizes", std::move(sizes)},
      {"tied_embeddings", info.tiedEmbeddings},
      {"eos_token_ids", json::Array(info.eosIds)},
      {"end_token_ids", std::move(endIds)},
      {"bos_token_id", optionalId(info.bosId)},
      {"pad_token_id", optionalId(info.padId)},
      {"has_weights", info.hasWeights},
      {"parameters", static_cast<int64_t>(info.parameters)},
      {"weight_bytes", static_cast<int64_t>(info.weightBytes)},
      {"derived_bytes", static_cast<int64_t>(info.derivedBytes)},
      {"state_bytes_per_sequence", static_cast<int64_t>(info.stateBytes)},
      {"kv_bytes_per_token", static_cast<int64_t>(info.cacheBytesPerToken)},
      {"unused_tensors", json::Array(info.unusedTensors)},
  };
  if (info.hasWeights)
    answer["larger_than_memory"] = exceedsMemory(info).has_value();
  if (gguf)
    answer["gguf"] = gguf->asJson();
  if (needs)
    answer["context"] = jsonNeeds(*needs);
  driver::printJson(std::move(answer));
}

static void printAsText(const MemoryNeeds &needs) {
  auto row = [&](StringRef label, int64_t bytes) {
    outs() << formatv("{0,-12}{1,20:N} bytes, {2}\n", label, bytes,
                      mebibytes(bytes));
  };
  outs() << formatv("context of {0:N} tokens\n", int64_t(options().context));
  row("  weights", needs.weights);
  row("  packed", needs.packed);
  row("  states", needs.states);
  row("  KV", needs.keyValues);
  row("  scratch", needs.scratch);
  row("  rest", needs.rest);
  row("  total", needs.total());
  if (std::optional<int64_t> available = availableMemory())
    row("  available", *available);
}

static void printAsText(const ModelInfo &info) {
  raw_ostream &os = outs();
  auto row = [&](StringRef label) -> raw_ostream & {
    return os << left_justify(label, 12);
  };
  row("model") << info.name << ", family " << info.family << '\n';
  row("layers") << info.layerKinds.size() << '\n';
  for (const auto &[kind, layers] : groupLayers(info)) {
    std::string numbers = join(
        map_range(layers, [](unsigned layer) { return std::to_string(layer); }),
        " ");
    row("") << formatv("{0,3} x {1}: {2}\n", layers.size(), kind, numbers);
  }
  row("sizes") << join(map_range(info.sizes,
                                 [](const auto &size) {
                                   return size.first + " " +
                                          std::to_string(size.second);
                                 }),
                       ", ")
               << '\n';
  row("parameters") << formatv("{0:N}", info.parameters)
                    << (info.tiedEmbeddings ? " (embeddings tied)\n" : "\n");
  row("weights") << formatv(
      "{0:N} bytes{1}, {2:N} bytes derived on loading\n", info.weightBytes,
      info.hasWeights ? "" : " (no files here)", info.derivedBytes);
  if (std::optional<int64_t> available = exceedsMemory(info))
    row("") << "more than the " << mebibytes(*available)
            << " of memory that are available: they are read from their files "
               "while the model runs, at the disk's speed\n";
  row("state") << formatv("{0:N} bytes per sequence\n", info.stateBytes);
  row("KV") << formatv("{0:N} bytes per token\n", info.cacheBytesPerToken);
  if (!info.unusedTensors.empty())
    row("unused") << join(info.unusedTensors, ", ") << '\n';
}

/// "f32 [16, 384]"
static std::string typeText(const rt::TensorSpec &spec) {
  return std::string(rt::dtypeName(spec.dtype)) + " " +
         rt::shapeText(spec.shape);
}

static void printAsJson(const rt::SavedState &saved) {
  json::Array states;
  for (const rt::TensorSpec &spec : saved.states())
    states.push_back(
        json::Object{{"name", spec.name},
                     {"dtype", StringRef(rt::dtypeName(spec.dtype))},
                     {"shape", json::Array(spec.shape)}});
  json::Object arithmetic;
  for (const auto &[name, value] : saved.origin().arithmetic)
    arithmetic[name] = value;
  driver::printJson(json::Object{
      {"model", saved.origin().model},
      {"weights", saved.origin().weights},
      {"configuration", saved.origin().configuration},
      {"arithmetic", std::move(arithmetic)},
      {"tokens",
       driver::jsonIds({saved.tokens().data(), saved.tokens().size()})},
      {"states", std::move(states)},
      {"bytes", saved.bytes()},
  });
}

static void printAsText(const rt::SavedState &saved) {
  raw_ostream &os = outs();
  auto row = [&](StringRef label) -> raw_ostream & {
    return os << left_justify(label, 12);
  };
  row("session") << "of " << saved.origin().model << ", "
                 << saved.tokens().size() << " tokens, "
                 << formatv("{0:N}", saved.bytes()) << " bytes\n";
  row("weights") << saved.origin().weights << '\n';
  row("arithmetic") << join(map_range(saved.origin().arithmetic,
                                      [](const auto &entry) {
                                        return entry.first + " " + entry.second;
                                      }),
                            ", ")
                    << '\n';
  // States of a kind are alike: layers.0.conv and layers.1.conv.
  MapVector<StringRef, std::vector<const rt::TensorSpec *>> kinds;
  for (const rt::TensorSpec &spec : saved.states())
    kinds[StringRef(spec.name).rsplit('.').second].push_back(&spec);
  for (const auto &[kind, specs] : kinds)
    row("") << formatv("{0,3} x {1} {2}\n", specs.size(), kind,
                       typeText(*specs.front()));
}

static int inspectState() {
  std::string error;
  std::optional<rt::SavedState> saved =
      rt::SavedState::read(options().model.getValue(), error);
  if (!saved)
    return driver::fail(error);
  if (options().json)
    printAsJson(*saved);
  else
    printAsText(*saved);
  return 0;
}

/// Loads the model as a run would, its tokenizer too, and reads one piece.
/// Nothing, and an exit code, where that fails.
static std::optional<MemoryNeeds> measure(const LoadOptions &load, int &code) {
  std::string error;
  commands::catchInterrupt();
  std::unique_ptr<rt::Tokenizer> tokenizer;
  if (hasTokenizer(options().model.getValue())) {
    tokenizer =
        loadTokenizer(options().model.getValue(), error, driver::printNote);
    if (!tokenizer) {
      code = driver::fail(error);
      return std::nullopt;
    }
  }
  std::unique_ptr<LoadedModel> model =
      driver::loadModel(options().model, load, error);
  std::optional<MemoryNeeds> needs;
  if (model && !commands::interrupted())
    needs = measureNeeds(*model, options().context, error);
  if (!needs)
    code = commands::interrupted() ? commands::kInterruptedExitCode
                                   : driver::fail(error);
  return needs;
}

/// What the file says, though it cannot be run, then the error.
static int refuseGguf(const std::string &error) {
  if (auto report =
          driver::GgufReport::read(options().model.getValue(), nullptr)) {
    if (options().json)
      driver::printJson(json::Object{{"gguf", report->asJson()}});
    else
      report->printAsText();
  }
  return driver::fail(error);
}

static int run() {
  const Options &o = options();
  if (o.model.missing())
    return 1;
  bool package = rt::isPackage(o.model.getValue());
  if (package || rt::isSavedState(o.model.getValue())) {
    if (o.context.given())
      return driver::fail("--context: expected with a model, found with a " +
                          Twine(package ? "package" : "saved session"));
    return package ? driver::inspectPackage(o.model, o.json) : inspectState();
  }
  std::optional<LoadOptions> load = o.load.loadOptions();
  if (!load)
    return 1;
  std::string error;
  std::unique_ptr<Compilation> compilation =
      Compilation::createFromModel(o.model, load->compile, error);
  bool isGguf = mlir::marimba::ModelDirectory::isGguf(o.model.getValue());
  if (!compilation)
    return isGguf ? refuseGguf(error) : driver::fail(error);
  std::optional<driver::GgufReport> gguf;
  if (isGguf)
    gguf = driver::GgufReport::read(o.model.getValue(), compilation.get());
  ModelInfo info = compilation->imported()->info;
  if (!o.context.given()) // loading says them, too
    llvm::for_each(info.notes, driver::printNote);
  compilation.reset(); // no part of what is measured
  std::optional<Ends> ends = findEnds(info, error);
  if (!ends)
    return driver::fail(error);
  std::optional<MemoryNeeds> needs;
  int code = 0;
  if (o.context.given() && !(needs = measure(*load, code)))
    return code;
  if (o.json) {
    printAsJson(info, *ends, gguf, needs);
    return 0;
  }
  printAsText(info);
  printAsText(*ends);
  if (gguf)
    gguf->printAsText();
  if (needs)
    printAsText(*needs);
  return 0;
}

driver::Command driver::makeInspectCommand() { return {&options().sub, run}; }
