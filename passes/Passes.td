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
    reads, off complex states, and off rules other than `euler`, which
    `selective_scan` does not express.
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect",
                           "::mlir::marimba::MarimbaDialect"];
}

def ChooseLtiForm : Pass<"choose-lti-form", "::mlir::func::FuncOp"> {
  let summary = "time-invariant systems as recurrence or as convolution";
  let description = [{
    Turns `lti_scan` into `long_convolution` with its tables where that takes
    fewer vector instructions a token, and back where it does not. The
    recurrence costs 3 a state (8 if complex), the convolution 2 products (4)
    with a load each from a table, half a block for the kernel, and its tables
    once a call. With one token a call, decoding, the recurrence always wins;
    with few states too. A convolution with tables of another origin stays.
  }];
  let options = [
    Option<"tokens", "tokens", "int64_t", "512",
           "tokens of a call where time is dynamic">,
    Option<"length", "length", "int64_t", "8", "tokens of a block, L">,
    Option<"loadCost", "load-cost", "double", "0.33",
           "cost of a value of a table, in products">,
    Option<"form", "form", "std::string", "\"cheapest\"",
           "cheapest, or always recurrence or convolution">,
  ];
  let dependentDialects = ["::mlir::marimba::MarimbaDialect"];
}

def ParallelizeScanInTime
    : Pass<"parallelize-scan-in-time", "::mlir::func::FuncOp"> {
  let summary = "few channels, many tokens: stretches of time at once";
  let description = [{
    Where the channels of a `selective_scan` cannot fill the threads, its tokens
    are cut into stretches that do. Each is summarised from nothing
    (`scan_summary`, in parallel), the states before each follow one from the
    other, and each is scanned from its state (in parallel).

    A summary costs nearly what the scan does, so this pays with more than 1.8
    threads for each vector of channels. How many stretches there are is decided
    at run time: threads / (rows * vectors of channels), none shorter than 64
    tokens. With one stretch what is left is the scan.
  }];
  let options = [
    Option<"threads", "threads", "int64_t", "1", "threads to fill">,
    Option<"lanes", "lanes", "int64_t", "16", "channels of a vector">,
  ];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::marimba::MarimbaDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

def TileRecurrences : Pass<"tile-recurrences", "::mlir::func::FuncOp"> {
  let summary = "one loop nest for a recurrence and what stands around it";
  let description = [{
    Tiles every op that runs along time (`selective_scan`, `scan`,
    `causal_conv1d`) by its TilingInterface: rows and groups of `channels` by
    scf.forall, blocks of `tokens` by scf.for inside it, with the state as
    iter_arg. Into both loops it fuses, by the same interface, first the linalg
    ops that read the result (SiLU, gate, D skip, readout), then those that
    produce the operands (softplus, discretisation, norms). The recurrence comes
    first and its consumers follow: as the producer of a tiled consumer it would
    start each block of time from the first state again.

    A consumer is fused where it is the only reader of the result and all its
    loops but those over states are parallel; a producer where nothing outside
    the nest reads it. What a consumer needs from elsewhere must not depend on
    the recurrence.
  }];
  let options = [
    Option<"channels", "channels", "int64_t", "1024",
           "most channels of one group, the unit of work of a thread">,
    Option<"threads", "threads", "int64_t", "1",
           "threads that the groups of a row should fill">,
    Option<"lanes", "lanes", "int64_t", "16",
           "channels of a vector, of which a group has whole ones">,
    Option<"tokens", "tokens", "int64_t", "32", "tokens of one block">,
  ];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

def DecomposeExperts : Pass<"decompose-experts", "::mlir::func::FuncOp"> {
  let summary = "experts become one group of rows and three matmuls each";
  let description = [{
    `experts` becomes a loop over the experts: gather the rows that chose this
    one, project them together, scatter them back weighted. Experts that nobody
    chose cost one comparison. Groups are padded with rows of zeros to one of
    few sizes. All threads work on one expert at a time, so it does not matter
    how many rows it got.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::marimba::MarimbaDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

def NarrowProjections : Pass<"narrow-projections", "::mlir::func::FuncOp"> {
  let summary = "products of projections in bf16";
  let description = [{
    Rounds the input of every `linear` to bf16, once for all that read it.
    Products are then of bf16 with sums in f32. The router's logits stay f32:
    the choice of experts is a comparison. Norms, scans, attention, the residual
    stream and states are not touched.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def ChooseQuantizedKernels
    : Pass<"choose-quantized-kernels", "::mlir::func::FuncOp"> {
  let summary = "linear and embedding with quantised weights find a kernel";
  let description = [{
    `embedding` with a quantised table becomes `quantized_embedding`. `linear`
    with a quantised weight becomes `quantized_matmul` where it has few rows (one
    token of each sequence, or `few_rows`), with `integer-dots` of activations
    in 8 bits; everywhere without `library`. What is left has many rows and
    goes to the library.
  }];
  let options = [
    Option<"library", "library", "bool", "true",
           "many rows go to the library">,
    Option<"integerDots", "integer-dots", "bool", "false",
           "few rows multiply integers">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::marimba::MarimbaDialect",
                           "::mlir::tensor::TensorDialect"];
}

def MultiplyIntegers : Pass<"multiply-integers", "::mlir::func::FuncOp"> {
  let summary = "many rows times weights of 8 bits in integers, by oneDNN";
  let description = [{
    A `linear` over a weight of i8 with one scale for each channel becomes
    `quantize_rows`, with one scale for each row, `onednn.integer_matmul`, and
    a loop nest that scales its sums by both (`channel_terms`). Weights in
    groups, and few rows, are left to --choose-quantized-kernels, which comes
    behind.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::marimba::MarimbaDialect",
                           "::mlir::onednn::OneDNNDialect",
                           "::mlir::tensor::TensorDialect"];
}

def WidenQuantizedWeights
    : Pass<"widen-quantized-weights", "::mlir::func::FuncOp"> {
  let summary = "matmuls of oneDNN get quantised weights widened, by tiles";
  let description = [{
    An `onednn.matmul` with a quantised weight becomes a loop over tiles of
    `channels`: `dequantize` into scratch in the input's type, then the matmul
    of that tile with the same post-ops. A tile is read again while the
    processor's cache has it yet. Where a call has `few-rows` rows or fewer, which
    is known at run time only, `quantized_matmul` computes it instead, and the
    post-ops become ops of their own.
  }];
  let options = [
    Option<"channels", "channels", "int64_t", "512",
           "channels of a tile, a multiple of 64">,
    Option<"fewRows", "few-rows", "int64_t", "0",
           "rows for which widening is not worth it">,
    Option<"integerDots", "integer-dots", "bool", "false",
           "few rows multiply integers">,
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
    Behind this pass a quantised tensor is the bytes that the runtime maps
    (docs/quantization.md); ops that read it keep its type as an attribute, as
    does its `marimba.weight`. A reader that cannot is an error.
  }];
}

def FuseMatmulPostOps
    : Pass<"fuse-matmul-post-ops", "::mlir::func::FuncOp"> {
  let summary = "SiLU, SwiGLU and the residual ride on matmuls of oneDNN";
  let description = [{
    An op that is the only reader of an `onednn.matmul` becomes its post-op:
    `silu`; `swiglu` of two matmuls (`silu` on the gate, `mul` on the other);
    an addition, in place (`sum`) where nobody reads the other summand later,
    with an operand (`add`) elsewhere.
  }];
  let dependentDialects = ["::mlir::onednn::OneDNNDialect"];
}

def FuseConversions : Pass<"fuse-conversions", "::mlir::func::FuncOp"> {
  let summary = "values are rounded where they are made";
  let description = [{
    An `arith.truncf` of a tensor that nobody else reads joins the loop nest
    (parallel in all dimensions) or the bf16 matmul of oneDNN that makes the
    tensor. With `reorder` all others become `onednn.reorder`.
  }];
  let options = [Option<"reorder", "reorder", "bool", "false",
                        "the library converts what no op can take along">];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::mlir::onednn::OneDNNDialect",
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

def WriteResults : Pass<"write-results", "::mlir::func::FuncOp"> {
  let summary = "results of entries stay where they were written";
  let description = [{
    A result of an entry is what was written to an output or a state, which the
    way from the result back through destinations says. Ops that copy (an
    identity of linalg, an insert_slice of the whole) fold into what they copy,
    and the way is lost: this pass, which runs on modules written by hand before
    anything folds, ends it with a `bufferization.materialize_in_destination`.
    Ops of marimba do not fold; their results stay as they are, and so do those
    of loops, which bufferisation would see overwritten. A result that
    was written to an input, to no argument or to one that has a result already
    is an error. What comes out of branches and calls is not followed.
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect"];
}

#endif // MARIMBA_PASSES_TD
