//===- marimba-opt.cpp - Runs passes on IR --------------------------------===//
//
// Part of Marimba. mlir-opt with the dialects and passes of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/Transforms/PassStatistic.h"
#include "lowering/Pipelines.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Debug.h"

/// --debug-only, which LLVM itself has in builds with assertions only.
static void registerDebugOnly() {
  static constexpr char name[] = "debug-only";
  if (llvm::cl::getRegisteredOptions().contains(name))
    return;
  static llvm::cl::opt<std::string> only(
      name, llvm::cl::value_desc("TYPE[:LEVEL],..."),
      llvm::cl::desc("what these passes decide, by DEBUG_TYPE"),
      llvm::cl::callback([](const std::string &value) {
        llvm::SmallVector<llvm::StringRef> parts;
        llvm::StringRef(value).split(parts, ',');
        std::vector<std::string> types(parts.begin(), parts.end());
        std::vector<const char *> texts;
        for (const std::string &type : types)
          texts.push_back(type.c_str());
        llvm::setCurrentDebugTypes(texts.data(), texts.size());
        llvm::DebugFlag = true;
      }));
}

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::marimba::registerPipelineDialects(registry);

  mlir::registerAllPasses();
  mlir::marimba::registerPipelines();

  registerDebugOnly();
  auto [input, output] = mlir::registerAndParseCLIOptions(
      argc, argv, "Marimba optimizer driver\n", registry);
  // MlirOptMain unregisters it.
  const llvm::cl::Option *option =
      llvm::cl::getRegisteredOptions().lookup("mlir-pass-statistics");
  bool statistics = option && option->getNumOccurrences();
  llvm::LogicalResult result =
      mlir::MlirOptMain(argc, argv, input, output, registry);
  if (statistics)
    mlir::marimba::printPassStatistics(llvm::errs());
  return mlir::asMainReturnCode(result);
}
