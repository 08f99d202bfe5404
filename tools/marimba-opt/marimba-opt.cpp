//===- marimba-opt.cpp - Runs passes on IR --------------------------------===//
//
// Part of Marimba. mlir-opt with the dialects and passes of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/Pipelines.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::marimba::registerPipelineDialects(registry);

  mlir::registerAllPasses();
  mlir::marimba::registerPipelines();

  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Marimba optimizer driver\n", registry));
}
