//===- Passes.td - Weights of few bits ---------------------*- tablegen -*-===//
//
// Part of Marimba. One pass, one file, one test file.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_PASSES_QUANTIZED_PASSES_TD
#define MARIMBA_PASSES_QUANTIZED_PASSES_TD

include "mlir/Pass/PassBase.td"

def ChooseQuantizedKernels
    : Pass<"choose-quantized-kernels", "::mlir::func::FuncOp"> {
  let summary = "kernels for linear and embedding with quantised weights";
  let description = [{
    `embedding` with a quantised table becomes `quantized_embedding`. `linear`
    with a quantised weight becomes `quantized_matmul` if it has few rows (one
    token of each sequence, or `few_rows`), with activations of 8 bits if
    `integers` is set; without `library`, or with `integers` and `any-rows`,
    every `linear` does, with `any-rows` all with activations of 8 bits. The
    remaining ones have many rows and become calls of the library. Matmuls of
    the same input share its rounded rows.
  }];
  let options = [
    Option<"library", "library", "bool", "true",
           "many rows go to the library">,
    Option<"integers", "integers", "bool", "false",
           "few rows multiply integers">,
    Option<"anyRows", "any-rows", "bool", "false",
           "so do many, by generated code">,
    Option<"wholeRows", "whole-rows", "bool", "false",
           "so do many where weights have one scale for each channel, with one "
           "scale for each row">,
    Option<"bf16", "bf16", "bool", "false",
           "many rows of bf16 are multiplied as such">,
  ];
  let statistics = [
    Statistic<"numMatmuls", "num-matmuls", "projections by generated code">,
    Statistic<"numEmbeddings", "num-embeddings",
              "embeddings with a quantised table">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::marimba::MarimbaDialect",
                           "::mlir::tensor::TensorDialect"];
}

def MultiplyIntegers : Pass<"multiply-integers", "::mlir::func::FuncOp"> {
  let summary = "int8 matmuls of oneDNN for many rows and weights of 8 bits";
  let description = [{
    A `linear` over a weight of i8 with one scale for each channel becomes
    `quantize_rows`, with one scale for each row, `onednn.integer_matmul`, and
    a loop nest that scales its sums by both (`channel_terms`). Weights in
    groups, and few rows, are left to --choose-quantized-kernels, which runs
    after it.
  }];
  let statistics = [
    Statistic<"numMultiplied", "num-multiplied",
              "projections that multiply integers">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::marimba::MarimbaDialect",
                           "::mlir::onednn::OneDNNDialect",
                           "::mlir::tensor::TensorDialect"];
}

def WidenQuantizedWeights
    : Pass<"widen-quantized-weights", "::mlir::func::FuncOp"> {
  let summary = "widens quantised weights for oneDNN's matmul, tile by tile";
  let description = [{
    An `onednn.matmul` with a quantised weight becomes a loop over tiles of
    `channels`: `dequantize` into scratch in the input's type, then the matmul
    of that tile with the same post-ops. A tile is read while it is still in the
    processor's cache. If a call has `few-rows` rows or fewer, which is known
    only at run time, `quantized_matmul` computes it instead, and the post-ops
    become ops of their own.
  }];
  let options = [
    Option<"channels", "channels", "int64_t", "512",
           "channels of a tile, a multiple of 64">,
    Option<"fewRows", "few-rows", "int64_t", "0",
           "most rows for which widening is not worth it">,
    Option<"integers", "integers", "bool", "false",
           "few rows multiply integers">,
  ];
  let statistics = [
    Statistic<"numWidened", "num-widened", "matmuls whose weight is widened">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::bufferization::BufferizationDialect",
                           "::mlir::marimba::MarimbaDialect",
                           "::mlir::onednn::OneDNNDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

def QuantizedAsBytes : Pass<"quantized-as-bytes", "::mlir::ModuleOp"> {
  let summary = "quantised tensors become tensors of bytes";
  let description = [{
    After this pass a quantised tensor is the bytes that the runtime maps
    (docs/quantization.md); ops that read it keep its type as an attribute, as
    does its `marimba.weight`. A reader that cannot is an error.
  }];
  let statistics = [
    Statistic<"numWeights", "num-weights", "weights that became bytes">,
  ];
}

#endif // MARIMBA_PASSES_QUANTIZED_PASSES_TD
