//===- Passes.td - Projections and what follows them -------*- tablegen -*-===//
//
// Part of Marimba. One pass, one file, one test file.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_PASSES_CONTRACTION_PASSES_TD
#define MARIMBA_PASSES_CONTRACTION_PASSES_TD

include "mlir/Pass/PassBase.td"

def NarrowProjections : Pass<"narrow-projections", "::mlir::func::FuncOp"> {
  let summary = "projections multiply bf16";
  let description = [{
    Rounds the input of every `linear` to bf16, once for all its readers. bf16
    is then multiplied, with sums in f32. The router's logits stay f32: the
    choice of experts is a comparison. Norms, scans, attention, the residual
    stream and states are not touched.

    With `for-bytes` only those of many rows are rounded whose weights are
    quantised and could be multiplied by bytes: bf16 takes the place of these.
  }];
  let options = [
    Option<"forBytes", "for-bytes", "bool", "false",
           "only what would be rounded to bytes">,
  ];
  let statistics = [
    Statistic<"numNarrowed", "num-narrowed", "projections that multiply bf16">,
    Statistic<"numRounded", "num-rounded", "tensors that are rounded for them">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def FuseMatmulPostOps
    : Pass<"fuse-matmul-post-ops", "::mlir::func::FuncOp"> {
  let summary = "activations, factors and the residual become post-ops of matmuls";
  let description = [{
    An op that is the only reader of a matmul with PostOpsInterface becomes its post-op:
    `silu` and `relu2`; `scale`, but for the library's; `swiglu` of two matmuls (`silu` on the gate, `mul` on the other); an
    addition, in place (`sum`) if the other summand is not read later, otherwise
    with an operand (`add`).
  }];
  let statistics = [
    Statistic<"numFused", "num-fused", "ops that became post-ops of a matmul">,
  ];
}

def FuseConversions : Pass<"fuse-conversions", "::mlir::func::FuncOp"> {
  let summary = "values are rounded where they are computed";
  let description = [{
    An `arith.truncf` of a tensor without other readers is fused into the loop
    nest (parallel in all dimensions) or the matmul that produces the tensor,
    of the library only one of bf16. With `reorder` all others become `onednn.reorder`.
  }];
  let options = [Option<"reorder", "reorder", "bool", "false",
                        "the library converts the rest">];
  let statistics = [
    Statistic<"numFused", "num-fused",
              "conversions that joined what makes the value">,
    Statistic<"numReorders", "num-reorders", "conversions by the library">,
  ];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::mlir::onednn::OneDNNDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // MARIMBA_PASSES_CONTRACTION_PASSES_TD
