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

    One token of one sequence, as most calls of `decode` have, is a loop over its K
    experts, of one row each: what depends on a number of rows is known, and gate
    and up share a parallel region.
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

def GroupExperts : Pass<"group-experts", "::mlir::func::FuncOp"> {
  let summary = "many experts become two matmuls of all groups";
  let description = [{
    `experts` becomes `grouped_matmul`: one of gate and up, one of down, each for
    the groups of all experts, and a sum over each token's K rows. Weights are
    read as they are stored, matrix by matrix, and only those of experts that a
    row chose. So small groups share one parallel loop, nothing is packed when a
    model is loaded, and a model may be larger than memory.

    Mixtures of fewer than `fewest` experts, whose groups are large, and
    quantised ones, whose weights are stored in the kernels' order anyway, are
    left to `decompose-experts`.
  }];
  let options = [Option<"fewest", "fewest", "int64_t", "32",
                        "experts from which on a mixture is grouped">];
  let statistics = [
    Statistic<"numGrouped", "num-grouped",
              "mixtures of experts that became grouped matmuls">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::marimba::MarimbaDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // MARIMBA_PASSES_EXPERTS_PASSES_TD
