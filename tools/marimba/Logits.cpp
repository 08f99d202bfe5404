//===- Logits.cpp - marimba logits ----------------------------------------===//
//
// Part of Marimba. Writes what a model computes, for comparisons.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/LogitsFile.h"
#include "tools/marimba/CompileFlags.h"
#include "tools/marimba/Progress.h"

using namespace marimba;
using namespace llvm;

namespace {
struct Options {
  cl::SubCommand sub{"logits", "Writes the logits of token ids to a file"};
  driver::ModelArgument model{sub};
  driver::Value<std::string> ids{sub, "ids", "Token ids: 3,17,5", "ids"};
  driver::Value<std::string> idsFile{
      sub, "ids-file", "Reads the ids from this file ('-': stdin)", "file"};
  driver::Value<std::string> output{
      sub, "o", "A safetensors file: logits, f32 [1, L, V]", "file"};
  driver::Value<std::string> split{
      sub, "split", "Feeds the ids in pieces of these sizes: 3,1,4", "sizes"};
  driver::Value<int64_t> greedy{
      sub, "greedy",
      "Adds n greedy tokens after the ids: tokens [1, n], greedy_logits [n, V]",
      "n"};
  driver::Flag hidden{sub, "hidden",
                      "Adds hidden [layers+1, L, H], before the final norm"};
  driver::Flag state{sub, "state", "Adds every state after the ids, by name"};
  driver::CompileFlags compile{sub};
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

/// The sizes of --split, one size for all where it is not given.
static std::optional<std::vector<int32_t>> readSplit(size_t count) {
  const Options &o = options();
  if (!o.split.given())
    return std::vector<int32_t>{static_cast<int32_t>(count)};
  std::optional<std::vector<int32_t>> sizes =
      driver::parseIds(o.split, "--split");
  if (!sizes)
    return std::nullopt;
  uint64_t sum = 0;
  for (int32_t size : *sizes)
    sum += size;
  if (sum == count && !is_contained(*sizes, 0))
    return sizes;
  driver::fail("--split: expected sizes of at least 1 that add up to the " +
               Twine(count) + " ids; the sum is " + Twine(sum));
  return std::nullopt;
}

static int run() {
  const Options &o = options();
  if (o.model.empty())
    return driver::fail("logits: expected MODEL, a model directory");
  if (o.ids.given() == o.idsFile.given())
    return driver::fail("logits: expected one of --ids and --ids-file");
  if (o.output.empty())
    return driver::fail("logits: expected an output file: -o FILE");
  if (o.greedy < 0)
    return driver::fail("--greedy: expected 0 or more, found " +
                        Twine(o.greedy));
  std::optional<std::vector<int32_t>> ids = readIds();
  if (!ids)
    return 1;
  LogitsRequest request;
  request.ids = *ids;
  request.greedy = o.greedy;
  request.hidden = o.hidden;
  request.state = o.state;
  std::optional<std::vector<int32_t>> split = readSplit(ids->size());
  std::optional<LoadOptions> load = o.compile.loadOptions();
  if (!split || !load)
    return 1;
  request.split = *split;
  load->compile.import.collectHidden = o.hidden;

  std::string error;
  driver::Progress bar;
  std::unique_ptr<LoadedModel> model = LoadedModel::load(
      o.model, *load, error,
      [&](double fraction, StringRef what) { bar.update(fraction, what); });
  bar.clear();
  if (!model || !writeLogits(*model, request, o.output, error))
    return driver::fail(error);
  return 0;
}

driver::Command driver::makeLogitsCommand() { return {&options().sub, run}; }
