//===- StageInstrumentation.h - What hears where stages end -----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_TARGET_STAGEINSTRUMENTATION_H
#define MARIMBA_LOWERING_TARGET_STAGEINSTRUMENTATION_H

#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Support/LLVM.h"
#include "llvm/ADT/StringRef.h"

namespace mlir {
class ModuleOp;
} // namespace mlir

namespace mlir::marimba {

/// Hears of a pipeline's stages by the pass end-stage behind each.
class StageInstrumentation : public PassInstrumentation {
public:
  /// The passes of `stage` have run, and `module` is what they made; "import"
  /// is the module before the first stage. Failure ends the pipeline.
  virtual LogicalResult stageEnded(llvm::StringRef stage, ModuleOp module) = 0;

  void runBeforePass(Pass *pass, Operation *op) final;
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_TARGET_STAGEINSTRUMENTATION_H
