//===- Logits.cpp - marimba logits ----------------------------------------===//
//
// Part of Marimba. Writes what a model computes, for comparisons.
//
//===----------------------------------------------------------------------===//

#include "marimba/OutputPath.h"
#include "tools/commands/Progress.h"
#include "tools/libmarimba/LogitsFile.h"
#include "tools/marimba/CompileFlags.h"
#include "tools/marimba/DirectoryModels.h"

#include "marimba/SavedState.h"

using namespace marimba;
using namespace llvm;

namespace {
struct Options {
  cl::SubCommand sub{"logits", "Writes the logits of token ids to a file"};
  driver::ModelArgument model{sub};
  driver::Value<std::string> ids{sub, "ids", "Token ids: 3,17,5", "ids"};
  driver::Value<std::string> idsFile{
      sub, "ids-file", "Reads the ids from this file ('-': stdin)", "file"};
  driver::Value<std::string> batch{
      sub, "batch",
      "Runs all cases of this JSON file, an array of {name, ids, split, "
      "greedy, hidden, state, beside, load_state, save_state}; tensors are "
      "named <name>.logits and so on; beside: ids of other sequences, which "
      "are computed in the same calls",
      "file"};
  driver::Value<std::string> output{
      sub, "o", "A safetensors file: logits, f32 [1, L, V]", "file"};
  driver::Value<std::string> split{
      sub, "split", "Feeds the ids in chunks of these sizes: 3,1,4", "sizes"};
  driver::Number<int64_t> greedy{
      sub,
      "greedy",
      "Adds n greedy tokens after the ids: tokens [1, n], greedy_logits [n, V]",
      "n",
      {0, kMostGreedy}};
  driver::Flag hidden{sub, "hidden",
                      "Adds hidden [layers+1, L, H], before the final norm"};
  driver::Flag state{sub, "state", "Adds every state after the ids, by name"};
  driver::Value<std::string> loadState{
      sub, "load-state", "Continues the session in this file", "file"};
  driver::Value<std::string> saveState{
      sub, "save-state", "Saves the session after the ids to this file",
      "file"};
  driver::SessionFlags load{sub};
};
} // namespace

static Options &options() {
  static Options instance;
  return instance;
}

/// The ids of --ids or --ids-file; nothing after an error.
static std::optional<std::vector<int32_t>> readIds() {
  const Options &o = options();
  if (o.ids.given())
    return driver::parseIds(o.ids, "--ids");
  std::optional<std::string> text = driver::readFile(o.idsFile);
  if (!text)
    return std::nullopt;
  return driver::parseIds(*text, o.idsFile);
}

/// The one request that the options spell out; nothing after an error.
static std::optional<LogitsRequest> readRequest() {
  const Options &o = options();
  std::optional<std::vector<int32_t>> ids = readIds(), split;
  if (!ids)
    return std::nullopt;
  LogitsRequest request;
  request.ids = *ids;
  request.greedy = o.greedy;
  request.hidden = o.hidden;
  request.state = o.state;
  request.loadState = o.loadState;
  request.saveState = o.saveState;
  if (!o.split.given())
    return request;
  if (!(split = driver::parseIds(o.split, "--split")))
    return std::nullopt;
  request.split = *split;
  std::string problem = checkSplit(request);
  if (problem.empty())
    return request;
  driver::fail("--split: " + problem);
  return std::nullopt;
}

/// The requests of --batch, or the one of the other options; none after an
/// error.
static std::vector<LogitsRequest> readRequests() {
  const Options &o = options();
  std::vector<LogitsRequest> requests;
  if (!o.batch.given()) {
    if (std::optional<LogitsRequest> request = readRequest())
      requests.push_back(std::move(*request));
    return requests;
  }
  std::optional<std::string> text = driver::readFile(o.batch);
  std::string error;
  if (text && !parseLogitsRequests(*text, o.batch, requests, error)) {
    driver::fail(error);
    requests.clear();
  }
  return requests;
}

static int run() {
  const Options &o = options();
  if (o.model.missing())
    return 1;
  if (o.ids.given() + o.idsFile.given() + o.batch.given() != 1)
    return driver::fail(
        "logits: expected one of --ids, --ids-file and --batch");
  if (o.batch.given() &&
      (o.split.given() || o.greedy.given() || o.hidden || o.state ||
       o.loadState.given() || o.saveState.given()))
    return driver::fail("--batch: the file says for every case whether to "
                        "split, go on, add hidden or state, load or save");
  if (o.output.empty())
    return driver::fail("logits: expected an output file: -o FILE");
  std::vector<LogitsRequest> requests = readRequests();
  std::optional<LoadOptions> load = o.load.loadOptions();
  if (requests.empty() || !load)
    return 1;
  if (o.saveState.given() && o.saveState.empty())
    return driver::fail("--save-state: expected the name of a file");
  std::string error;
  // Before anything is compiled.
  std::vector<std::string> inputs = {o.idsFile, o.batch};
  for (const LogitsRequest &request : requests) {
    if (!request.saveState.empty() &&
        (!rt::checkOutput(request.saveState, {o.idsFile, o.batch, o.output},
                          o.model, error) ||
         !rt::canSaveState(request.saveState, error)))
      return driver::fail(error);
    inputs.push_back(request.loadState);
  }
  if (!rt::checkOutput(o.output, inputs, o.model, error) ||
      !rt::canReplace(o.output, error))
    return driver::fail(error);
  load->compile.import.collectHidden = any_of(
      requests, [](const LogitsRequest &request) { return request.hidden; });
  std::unique_ptr<LoadedModel> model = driver::loadModel(o.model, *load, error);
  if (!model ||
      !writeLogits(*model, requests, o.output, driver::printNote, error))
    return driver::fail(error);
  return 0;
}

driver::Command driver::makeLogitsCommand() { return {&options().sub, run}; }
