//===- Passes.td - Entries of a module ---------------------*- tablegen -*-===//
//
// Part of Marimba. One pass, one file, one test file.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_PASSES_ENTRIES_PASSES_TD
#define MARIMBA_PASSES_ENTRIES_PASSES_TD

include "mlir/Pass/PassBase.td"

def SpecializeDecode : Pass<"specialize-decode", "::mlir::ModuleOp"> {
  let summary = "clones the prefill entry for one token per row";
  let description = [{
    Adds the entry `@decode`, a copy of the `prefill` entry and of the layer
    functions that it calls, for one token a row. The dimensions of arguments
    that `marimba.time` names become 1, and what follows is inferred: from
    destinations, from the ops' shape reification, from sizes that ops carry as
    operands, through loops and calls. An op that says nothing of its results
    keeps its types. Loops over time fold away. The marks go: later stages ask
    for no time.

    In an entry without marks, written by hand, time is the second of two leading
    dynamic dimensions (after a static one: `[layers, B, T, H]`). Where a state
    looks like that, too, there is no telling and no decode entry.
  }];
  let statistics = [
    Statistic<"numCopies", "num-copies",
              "functions that were copied for one token">,
  ];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
}

def WriteResults : Pass<"write-results", "::mlir::func::FuncOp"> {
  let summary = "results of entries keep their destinations";
  let description = [{
    A result of an entry is what was written to an output or a state. Which one
    follows from the chain of destinations, from the result back to an argument.
    Ops that copy (an identity of linalg, an insert_slice of the whole) fold
    into their source, which breaks the chain. So this pass, which runs on
    hand-written modules before anything folds, ends each chain with a
    `bufferization.materialize_in_destination`. Ops of marimba do not fold;
    their results stay as they are, and so do those of loops, which
    bufferisation would see as overwritten. A result that was written to an
    input, to no argument, or to one that already has a result is an error.
    Results of branches and calls are not followed.
  }];
  let statistics = [
    Statistic<"numWritten", "num-written",
              "results that name where they are written">,
  ];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect"];
}

#endif // MARIMBA_PASSES_ENTRIES_PASSES_TD
