//===- Passes.td - Parts of every pipeline -----------------*- tablegen -*-===//
//
// Part of Marimba. One pass, one file, one test file.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_TARGET_PASSES_TD
#define MARIMBA_LOWERING_TARGET_PASSES_TD

include "mlir/Pass/PassBase.td"

def EndStage : Pass<"end-stage", "::mlir::ModuleOp"> {
  let summary = "marks the end of a stage and changes nothing";
  let description = [{
    A pipeline has one behind the passes of each stage, so that one pass manager
    runs them all and an instrumentation (StageInstrumentation) still hears where
    a stage ends: dumps, progress. It fails where that instrumentation does, and
    where the module is invalid: the pipeline verifies here, not behind each pass.
  }];
  let options = [Option<"stage", "stage", "std::string", /*default=*/"",
                        "The stage that ends here">];
}

#endif // MARIMBA_LOWERING_TARGET_PASSES_TD
