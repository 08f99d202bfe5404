//===- Passes.td - Tensor IR to tensor IR ---------------------*- tablegen -*-===//
//
// Part of Marimba. One pass, one file, one test file.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_PASSES_TD
#define MARIMBA_PASSES_TD

include "mlir/Pass/PassBase.td"

def FuseDiscretizeScan : Pass<"fuse-discretize-scan", "::mlir::func::FuncOp"> {
  let summary = "discretize + scan + readout become selective_scan";
  let description = [{
    The importer describes a state-space layer as the papers do: `discretize`,
    then the recurrence `scan`, then the output equation `readout`. Between them
    stand tensors of size T x N x D. This pass makes one `selective_scan` of the
    three, which needs none of them. It keeps its hands off where the states
    have another reader, where `readout` skips another input than `discretize`
    reads, and off rules other than `euler`, which `selective_scan` does not
    express.
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect",
                           "::mlir::marimba::MarimbaDialect"];
}

def FuseScanActivations
    : Pass<"fuse-scan-activations", "::mlir::func::FuncOp"> {
  let summary = "softplus and the SiLU gate move into selective_scan";
  let description = [{
    `selective_scan(delta = softplus(x))` becomes `selective_scan(delta = x)
    {delta_softplus}`; `selective_scan(...) * silu(z)` becomes
    `selective_scan(...) gate(z)`. One pass over memory less for each.
  }];
  let dependentDialects = ["::mlir::marimba::MarimbaDialect"];
}

def FuseConvSilu : Pass<"fuse-conv-silu", "::mlir::func::FuncOp"> {
  let summary = "silu behind causal_conv1d moves into it";
  let description = [{
    `silu(causal_conv1d(x))` becomes `causal_conv1d(x) {silu}` where the
    convolution's output has no other reader.
  }];
  let dependentDialects = ["::mlir::marimba::MarimbaDialect"];
}

def DecomposeExperts : Pass<"decompose-experts", "::mlir::func::FuncOp"> {
  let summary = "experts become one group of rows and three matmuls each";
  let description = [{
    `experts` becomes a loop over the experts: gather the rows that chose this
    one, project them together, scatter them back weighted. Experts that nobody
    chose cost one comparison.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::marimba::MarimbaDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

def SpecializeDecode : Pass<"specialize-decode", "::mlir::ModuleOp"> {
  let summary = "clones the prefill entry for one token a row";
  let description = [{
    Adds the entry `@decode`, a copy of the `prefill` entry and of the layer
    functions it calls in which time is 1: every tensor that begins with a
    dynamic batch and a dynamic time gets time 1. Loops over time fold away.
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
}

#endif // MARIMBA_PASSES_TD
