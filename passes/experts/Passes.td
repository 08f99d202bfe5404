//===- Passes.td - Mixtures of experts ---------------------*- tablegen -*-===//
//
// Part of Marimba. One pass, one file, one test file.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_PASSES_EXPERTS_PASSES_TD
#define MARIMBA_PASSES_EXPERTS_PASSES_TD

include "mlir/Pass/PassBase.td"

def DecomposeExperts : Pass<"decompose-experts", "::mlir::func::FuncOp"> {
  let summary = "experts become one group of rows and three matmuls each";
  let description = [{
    `experts` becomes a loop over the experts: gather the rows routed to this
    one, project them together, scatter them back weighted. An expert that no
    row chose costs one comparison. Groups are padded with rows of zeros to one
    of a few sizes. All threads work on one expert at a time, so an uneven
    routing does not matter.
  }];
  let statistics = [
    Statistic<"numDecomposed", "num-decomposed",
              "mixtures of experts that became loops">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::marimba::MarimbaDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // MARIMBA_PASSES_EXPERTS_PASSES_TD
