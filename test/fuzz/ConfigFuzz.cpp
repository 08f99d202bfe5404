//===- ConfigFuzz.cpp - Descriptions of models: config.json ---------------===//
//
// The input is the config.json of a directory without weights.
//
//===----------------------------------------------------------------------===//

#include "FuzzFile.h"
#include "importer/Importer.h"
#include "mlir/IR/MLIRContext.h"

#include <memory>

using namespace mlir::marimba;
using namespace marimba;

/// What MLIR keeps of types and attributes stays until the context goes: so
/// many models have one.
static constexpr int kModelsPerContext = 500;

static mlir::MLIRContext &nextContext() {
  static std::unique_ptr<mlir::MLIRContext> context;
  static int models = 0;
  if (models++ % kModelsPerContext == 0)
    context = std::make_unique<mlir::MLIRContext>(
        mlir::MLIRContext::Threading::DISABLED);
  return *context;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const fuzz::Folder folder;
  folder.write("config.json", fuzz::text(data, size));
  std::string message;
  ImportOptions options;
  options.keyValues = KeyValueType::AsStored;
  auto model =
      importModel(nextContext(), folder.path.string(), options,
                  [&](const llvm::Twine &text) { message = text.str(); });
  fuzz::check(succeeded(model) == message.empty(), "a failure has a message");
  // With what follows: the fuzzer knows the words, and models may be called so.
  fuzz::check(
      message.find(": internal error, the imported module is wrong: ") ==
          std::string::npos,
      "imported modules verify");
  if (failed(model))
    return 0;
  const ModelInfo &info = model->info;
  fuzz::check(info.vocabSize > 0 && info.hiddenSize > 0, "sizes are known");
  fuzz::check(!info.hasWeights && model->sources.empty(),
              "there are no weights");
  return 0;
}
