//===- marimba-lsp-server.cpp - IR in an editor ---------------------------===//
//
// Part of Marimba. mlir-lsp-server with the dialects of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/OneDNN/IR/OneDNN.h"
#include "dialects/Runtime/IR/Runtime.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<mlir::marimba::MarimbaDialect, mlir::onednn::OneDNNDialect,
                  mlir::rt::RuntimeDialect>();
  return mlir::failed(mlir::MlirLspServerMain(argc, argv, registry));
}
