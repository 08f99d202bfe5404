//===- EndStage.cpp - Where a stage ends ------------------------*- C++ -*-===//
//
// Part of Marimba. See lowering/Target/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "lowering/Target/Passes.h"
#include "lowering/Target/StageInstrumentation.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Verifier.h"

namespace mlir::marimba {
#define GEN_PASS_DEF_ENDSTAGE
#include "lowering/Target/EndStage.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {
struct EndStage : public mlir::marimba::impl::EndStageBase<EndStage> {
  using EndStageBase::EndStageBase;

  void runOnOperation() override {
    if (refused || failed(verify(getOperation())))
      return signalPassFailure();
    markAllAnalysesPreserved();
  }

  StringRef ended() const { return stage; }

  /// What timing and printed IR call it.
  StringRef getName() const override { return title; }
  LogicalResult initialize(MLIRContext *) override {
    title = "end of stage " + stage;
    return success();
  }

  /// An instrumentation cannot fail; the pass does for it.
  bool refused = false;
  std::string title = "EndStage";
};
} // namespace

void StageInstrumentation::runBeforePass(Pass *pass, Operation *op) {
  if (pass->getTypeID() != TypeID::get<EndStage>())
    return;
  auto *end = static_cast<EndStage *>(pass);
  if (failed(stageEnded(end->ended(), cast<ModuleOp>(op))))
    end->refused = true;
}
