//===- marimba-opt.cpp - Runs passes on IR --------------------------------===//
//
// Part of Marimba. mlir-opt with the dialects and passes of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Marimba/Transforms/BufferizableOpInterfaceImpl.h"
#include "dialects/OneDNN/IR/OneDNN.h"
#include "dialects/Runtime/IR/Runtime.h"
#include "lowering/Passes.h"
#include "lowering/Pipelines.h"
#include "passes/Passes.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<mlir::marimba::MarimbaDialect, mlir::onednn::OneDNNDialect,
                  mlir::rt::RuntimeDialect>();
  mlir::marimba::registerBufferizableOpInterfaceExternalModels(registry);

  mlir::registerAllPasses();
  mlir::marimba::registerMarimbaPasses();
  mlir::marimba::registerMarimbaLoweringPasses();
  mlir::marimba::registerPipelines();

  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Marimba optimizer driver\n", registry));
}
