//===- ServeExplorer.cpp - What the server says of a compiled model -------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/marimba/ServeExplorer.h"

#include "lowering/Pipelines.h"
#include "lowering/Target/StageInstrumentation.h"
#include "tools/libmarimba/Memory.h"
#include "tools/marimba/BenchProfile.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <sys/resource.h>

using namespace marimba;
using namespace marimba::driver;
using llvm::StringRef;
namespace json = llvm::json;

/// Of the thread that measures, and of those that it starts.
static constexpr int kMeasureNice = 5;

static std::string print(json::Object object) {
  return llvm::formatv("{0}", json::Value(std::move(object)));
}

ServeExplorer::ServeExplorer(std::string modelDir, const LoadOptions &options,
                             std::shared_ptr<const LoadedModel> model)
    : ReadyExplorer(model), modelDir(std::move(modelDir)), options(options),
      loaded(std::move(model)) {
  this->options.tokenizer = nullptr; // it was lent for the loading
  this->options.compile.dumpDir.clear();
}

ServeExplorer::~ServeExplorer() {
  ended = true;
  if (worker.joinable())
    worker.join();
}

bool ServeExplorer::model(std::string &text, std::string &why) {
  if (!ReadyExplorer::model(text, why))
    return false;
  llvm::Expected<json::Value> facts = json::parse(text);
  json::Object *answer = facts ? facts->getAsObject() : nullptr;
  if (!answer) {
    why = llvm::toString(facts.takeError());
    return false;
  }
  const mlir::marimba::ModelInfo &info = loaded->info();
  (*answer)["family"] = info.family;
  (*answer)["parameters"] = info.parameters;
  (*answer)["tied_embeddings"] = info.tiedEmbeddings;
  json::Object sizes;
  for (const auto &[name, size] : info.sizes)
    sizes[name] = size;
  (*answer)["sizes"] = std::move(sizes);
  for (json::Value &layer : *answer->getArray("layers")) {
    json::Object &members = *layer.getAsObject();
    auto index = static_cast<size_t>(*members.getInteger("index"));
    if (index < info.layerKinds.size())
      members["kind"] = info.layerKinds[index];
  }
  text = print(std::move(*answer));
  return true;
}

namespace {
/// Keeps the module's text after each stage.
class StageTexts : public mlir::marimba::StageInstrumentation {
public:
  using Keep = std::function<void(StringRef, std::string)>;
  explicit StageTexts(Keep keep) : keep(std::move(keep)) {}

  mlir::LogicalResult stageEnded(StringRef stage,
                                 mlir::ModuleOp module) override {
    std::string text;
    llvm::raw_string_ostream os(text);
    // %in_proj instead of %arg5: names are in the locations.
    module.print(os, mlir::OpPrintingFlags().printNameLocAsPrefix());
    keep(stage, std::move(text));
    return mlir::success();
  }

private:
  Keep keep;
};
} // namespace

static std::string summaryOf(StringRef stage) {
  for (const mlir::marimba::Stage &known : mlir::marimba::stages())
    if (known.name == stage)
      return known.summary.str();
  return "a model directory or a file becomes a module";
}

bool ServeExplorer::makeStages(std::string &why) {
  if (!made.empty())
    return true;
  std::vector<Stage> stages;
  CompileOptions compile = options.compileForTeam();
  compile.instrument = [&](mlir::PassManager &passes) {
    passes.addInstrumentation(
        std::make_unique<StageTexts>([&](StringRef stage, std::string text) {
          auto lines = llvm::count(text, '\n') + 1;
          stages.push_back(
              {stage.str(), summaryOf(stage), std::move(text), lines});
        }));
    return mlir::success();
  };
  std::unique_ptr<Compilation> compilation =
      Compilation::createFromModel(modelDir, compile, why);
  if (!compilation || !compilation->lower(/*stopAfter=*/"", why))
    return false;
  compilation.reset();
  releaseCompilerMemory();
  made = std::move(stages);
  return true;
}

bool ServeExplorer::stages(std::string &text, std::string &why) {
  std::lock_guard guard(stagesLock);
  if (!makeStages(why))
    return false;
  json::Array list;
  for (size_t i = 0; i < made.size(); ++i)
    list.push_back(json::Object{{"number", i},
                                {"name", made[i].name},
                                {"summary", made[i].summary},
                                {"lines", made[i].lines},
                                {"bytes", made[i].text.size()}});
  text = print(json::Object{{"available", true}, {"stages", std::move(list)}});
  return true;
}

bool ServeExplorer::stage(int64_t number, std::string &text, std::string &why) {
  std::lock_guard guard(stagesLock);
  if (!makeStages(why))
    return false;
  if (number >= static_cast<int64_t>(made.size())) {
    why = "stage " + std::to_string(number) + ": expected one from 0 to " +
          std::to_string(made.size() - 1);
    return false;
  }
  const Stage &stage = made[number];
  text = print(json::Object{{"available", true},
                            {"number", number},
                            {"name", stage.name},
                            {"summary", stage.summary},
                            {"lines", stage.lines},
                            {"text", json::fixUTF8(stage.text)}});
  return true;
}

std::string ServeExplorer::rooflineText() const {
  switch (state) {
  case State::Done:
    return result;
  case State::Failed:
    return print(json::Object{{"available", true},
                              {"state", "failed"},
                              {"error", json::fixUTF8(result)}});
  case State::Running:
    return print(json::Object{{"available", true},
                              {"state", "running"},
                              {"fraction", fraction},
                              {"what", what},
                              {"prompt_tokens", asked.prompt},
                              {"decode_tokens", asked.decode}});
  case State::None:
    break;
  }
  return print(json::Object{{"available", true}, {"state", "none"}});
}

bool ServeExplorer::roofline(std::string &text, std::string & /*why*/) {
  std::lock_guard guard(lock);
  text = rooflineText();
  return true;
}

bool ServeExplorer::measureRoofline(const server::RooflineRequest &request,
                                    std::string &text, std::string &why) {
  std::lock_guard guard(lock);
  if (state == State::Running) {
    text = rooflineText();
    return true;
  }
  int64_t needed = ProbeOptions::kMostReadBytes +
                   static_cast<int64_t>(loaded->info().weightBytes +
                                        loaded->info().derivedBytes);
  if (auto available = availableMemory(); available && *available < needed) {
    why = "A measurement needs up to " + mebibytes(needed) +
          " of memory for a second copy of the model and for probes; " +
          mebibytes(*available) + " are available.";
    return false;
  }
  if (worker.joinable())
    worker.join();
  state = State::Running;
  fraction = 0;
  what.clear();
  asked = request;
  worker = std::thread([this, request] { measure(request); });
  text = rooflineText();
  return true;
}

void ServeExplorer::measure(server::RooflineRequest request) {
  // Of Linux: of this thread, and of the team that it starts. Requests go on.
  setpriority(PRIO_PROCESS, 0, kMeasureNice);
  std::string error;
  std::string answer = measured(request, error);
  releaseCompilerMemory();
  std::lock_guard guard(lock);
  state = answer.empty() ? State::Failed : State::Done;
  result = answer.empty() ? error : answer;
}

std::string ServeExplorer::measured(const server::RooflineRequest &request,
                                    std::string &error) {
  auto progress = [this](double done, StringRef now) {
    std::lock_guard guard(lock);
    fraction = done;
    what = now.str();
  };
  auto keepGoing = [this] { return !ended; };
  std::optional<Limits> known;
  {
    std::lock_guard guard(lock);
    known = limits;
  }
  if (!known) {
    progress(0, "limits of the machine");
    std::unique_ptr<LimitProbes> probes =
        LimitProbes::create(options.compile.target, error);
    Limits now;
    if (!probes || !probes->measure(static_cast<unsigned>(options.teamSize()),
                                    {}, now, error))
      return "";
    known = now;
    std::lock_guard guard(lock);
    limits = now;
  }
  BenchRounds rounds;
  rounds.prefill = request.prompt;
  rounds.decode = request.decode;
  rounds.repeats = 3;
  std::optional<Profile> profile =
      runProfile(modelDir, options, rounds, *known, error, progress, keepGoing);
  if (!profile) {
    if (error.empty())
      error = "the server ends";
    return "";
  }
  // As bench --profile --json has them.
  json::Value told = jsonProfile(*profile);
  json::Object &phases = *told.getAsObject();
  return print(json::Object{
      {"available", true},
      {"state", "done"},
      {"prompt_tokens", request.prompt},
      {"decode_tokens", request.decode},
      {"threads", options.teamSize()},
      {"limits", json::Object{{"f32_gflops", known->f32Gflops.max},
                              {"bf16_gflops", known->bf16Gflops.max},
                              {"int8_gops", known->int8Gops.max},
                              {"dram_gbps", known->dramReadGbps.max},
                              {"exp_gops", known->expGops.max}}},
      {"prefill", std::move(phases["prefill"])},
      {"decode", std::move(phases["decode"])}});
}
