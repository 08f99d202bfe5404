//===- MovedOptions.cpp - Options that are declared elsewhere -------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/marimba/MovedOptions.h"

#include "lowering/Pipelines.h"
#include "lowering/UsedPasses.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"
#include "llvm/ADT/StringSet.h"

using namespace marimba;
using namespace llvm;

void driver::moveOption(cl::Option &option, cl::SubCommand &sub,
                        cl::OptionCategory &category) {
  option.removeArgument();
  option.Subs.clear();
  option.addSubCommand(sub);
  option.addCategory(category);
  option.addArgument();
}

cl::OptionCategory &driver::mlirCategory() {
  static cl::OptionCategory options("Pass managers (options of MLIR)");
  return options;
}

void driver::addPassManagerOptions(cl::SubCommand &sub) {
  // The names that --mlir-print-ir-before takes.
  mlir::marimba::registerUsedPasses();
  mlir::marimba::registerPipelines();
  auto &registered = cl::getRegisteredOptions();
  StringSet<> others;
  for (auto &entry : registered)
    others.insert(entry.first);
  mlir::registerPassManagerCLOptions();
  mlir::registerDefaultTimingManagerCLOptions();
  mlir::registerMLIRContextCLOptions();
  SmallVector<cl::Option *> options;
  for (auto &entry : registered)
    if (!others.contains(entry.first))
      options.push_back(entry.second);
  for (cl::Option *option : options) {
    StringRef name = option->ArgStr;
    // How diagnostics look is ours to say.
    if (name.ends_with("-on-diagnostic")) {
      option->removeArgument();
      continue;
    }
    moveOption(*option, sub, mlirCategory());
    if (name == "mlir-disable-threading")
      option->setDescription("Nothing: passes run on one thread anyhow");
    // Help would list every pass that there is.
    if (name == "mlir-print-ir-before" || name == "mlir-print-ir-after")
      option->setHiddenFlag(cl::Hidden);
  }
}

mlir::LogicalResult driver::applyPassManagerOptions(mlir::PassManager &passes) {
  if (mlir::failed(mlir::applyPassManagerCLOptions(passes)))
    return mlir::failure();
  mlir::applyDefaultTimingPassManagerCLOptions(passes);
  return mlir::success();
}
