//===- Execute.cpp - marimba execute --------------------------------------===//
//
// Part of Marimba. A module written by hand, tensors in and tensors out.
//
//===----------------------------------------------------------------------===//

#include "marimba/OutputPath.h"
#include "tools/libmarimba/ModuleRunner.h"
#include "tools/marimba/CompileFlags.h"

using namespace marimba;
using namespace llvm;

namespace {
struct Options {
  cl::SubCommand sub{"execute", "Runs a file of IR on the tensors of a file"};
  cl::opt<std::string> module{cl::Positional, cl::desc("FILE.mlir"),
                              cl::sub(sub)};
  driver::Value<std::string> inputs{
      sub, "inputs",
      "A safetensors file: inputs, weights and states by their names", "file"};
  driver::Value<std::string> output{
      sub, "o", "A safetensors file: outputs, and states after the call",
      "file"};
  driver::Value<std::string> entry{
      sub, "entry", "The entry to call (default: prefill)", "name", "prefill"};
  driver::Flag all{sub, "all",
                   "Calls all entries; tensors are named <entry>.<name>, or "
                   "<entry>@<case>.<name> to call one for each case"};
  driver::LoadFlags load{sub};
};
} // namespace

static Options &options() {
  static Options instance;
  return instance;
}

static int run() {
  const Options &o = options();
  if (o.module.empty())
    return driver::fail("execute: expected FILE.mlir");
  if (o.output.empty())
    return driver::fail("execute: expected an output file: -o FILE");
  if (o.all && o.entry.given())
    return driver::fail("execute: expected one of --entry and --all");
  if (!o.all && o.entry.empty())
    return driver::fail("--entry: expected the name of an entry");
  std::optional<LoadOptions> load = o.load.loadOptions();
  if (!load)
    return 1;
  ModuleRequest request{o.module, o.inputs, o.output,
                        o.all ? std::string() : o.entry.getValue()};
  std::string error;
  if (!rt::checkOutput(o.output, {o.module, o.inputs}, "", error) ||
      !rt::canReplace(o.output, error))
    return driver::fail(error);
  if (!runModule(request, *load, error, driver::printNote))
    return driver::fail(error);
  return 0;
}

driver::Command driver::makeExecuteCommand() { return {&options().sub, run}; }
