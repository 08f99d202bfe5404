//===- MovedOptions.h - Options that are declared elsewhere -----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MARIMBA_MOVEDOPTIONS_H
#define MARIMBA_TOOLS_MARIMBA_MOVEDOPTIONS_H

#include "mlir/Support/LLVM.h"
#include "llvm/Support/CommandLine.h"

namespace mlir {
class PassManager;
} // namespace mlir

namespace marimba::driver {

/// Makes an option that was registered elsewhere one of `sub` and of no other.
void moveOption(llvm::cl::Option &option, llvm::cl::SubCommand &sub,
                llvm::cl::OptionCategory &category);

/// Under what help lists those of MLIR.
llvm::cl::OptionCategory &mlirCategory();

/// Gives a subcommand MLIR's options of pass managers, --mlir-*, as mlir-opt
/// has them. At most one can have them: to MLIR they are global.
void addPassManagerOptions(llvm::cl::SubCommand &sub);

/// Does to a pass manager what they ask for.
mlir::LogicalResult applyPassManagerOptions(mlir::PassManager &passes);

} // namespace marimba::driver

#endif // MARIMBA_TOOLS_MARIMBA_MOVEDOPTIONS_H
