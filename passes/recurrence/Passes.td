//===- Passes.td - Scans and other recurrences -------------*- tablegen -*-===//
//
// Part of Marimba. One pass, one file, one test file.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_PASSES_RECURRENCE_PASSES_TD
#define MARIMBA_PASSES_RECURRENCE_PASSES_TD

include "mlir/Pass/PassBase.td"

def FuseDiscretizeScan : Pass<"fuse-discretize-scan", "::mlir::func::FuncOp"> {
  let summary = "discretize + scan + readout become selective_scan";
  let description = [{
    The importer describes a state-space layer as the papers do: `discretize`,
    then the recurrence `scan`, then the output equation `readout`. Between them
    are tensors of size T x N x D. This pass makes one `selective_scan` of the
    three, which needs none of them. It leaves alone: states that have
    another reader, a `readout` that skips another input than `discretize`
    reads, complex states, and rules other than `euler`, which `selective_scan`
    does not express.
  }];
  let statistics = [
    Statistic<"numFused", "num-fused", "state-space layers that became one op">,
  ];
  let dependentDialects = ["::mlir::tensor::TensorDialect",
                           "::mlir::marimba::MarimbaDialect"];
}

def FuseDiscretizeLinearAttention
    : Pass<"fuse-discretize-linear-attention", "::mlir::func::FuncOp"> {
  let summary = "discretize_heads goes into linear_attention, as its step";
  let description = [{
    The importer describes Mamba-2 as the paper does: `discretize_heads`, then
    the recurrence of its values and log-decays. This pass gives the recurrence
    the step, A and the input instead, so that no other values of size T x Hv x P
    are made. It leaves alone: values and decays of different systems, and
    `delta_rule`, which has no step.
  }];
  let statistics = [
    Statistic<"numFused", "num-fused", "recurrences that took in their step">,
  ];
  let dependentDialects = ["::mlir::marimba::MarimbaDialect"];
}

def ChooseLtiForm : Pass<"choose-lti-form", "::mlir::func::FuncOp"> {
  let summary = "time-invariant systems as recurrence or as convolution";
  let description = [{
    Turns `lti_scan` into `long_convolution` with its tables if that takes fewer
    vector instructions per token, and back if it does not. The recurrence costs
    3 per state (8 if complex). The convolution costs 2 products (4), each with
    a load from a table, half a block for the kernel, and its tables once per
    call. With one token per call (decoding) the recurrence always wins, and so
    it does with few states. A convolution with tables of another origin stays.
  }];
  let options = [
    Option<"tokens", "tokens", "int64_t", "512",
           "tokens of a call if time is dynamic">,
    Option<"length", "length", "int64_t", "8", "tokens of a block, L">,
    Option<"loadCost", "load-cost", "double", "0.33",
           "cost of a value of a table, in products">,
    Option<"form", "form", "std::string", "\"cheapest\"",
           "cheapest, or always recurrence or convolution">,
  ];
  let statistics = [
    Statistic<"numConvolutions", "num-convolutions",
              "recurrences that became convolutions">,
    Statistic<"numRecurrences", "num-recurrences",
              "convolutions that became recurrences">,
  ];
  let dependentDialects = ["::mlir::marimba::MarimbaDialect"];
}

def ParallelizeScanInTime
    : Pass<"parallelize-scan-in-time", "::mlir::func::FuncOp"> {
  let summary = "few channels, many tokens: segments of time in parallel";
  let description = [{
    If the channels of a `selective_scan` cannot fill the threads, its tokens
    are split into segments that do. Each segment is summarised from a state of
    zeros (`scan_summary`, in parallel), the states before each segment are
    computed one after the other, and each segment is scanned from its state (in
    parallel).

    A summary costs nearly what the scan does, so this pays with more than 1.8
    threads for each vector of channels. Segments are so long that those of one
    row and 512 tokens are threads / vectors of channels, and at least 64
    tokens. They do not depend on the rows and tokens of a call, so that a row
    has the same sums in any company. With one segment only the scan remains.
  }];
  let options = [
    Option<"threads", "threads", "int64_t", "1", "threads to fill">,
    Option<"lanes", "lanes", "int64_t", "16", "channels of a vector">,
  ];
  let statistics = [
    Statistic<"numSplit", "num-split", "scans that are split in time">,
  ];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::marimba::MarimbaDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

def DecomposeLinearAttention
    : Pass<"decompose-linear-attention", "::mlir::func::FuncOp"> {
  let summary = "a chunk of linear attention becomes products of matrices";
  let description = [{
    Rewrites a `linear_attention` on one row and at most `chunk` tokens, which
    is what `tile-recurrences` makes of it, as linalg ops: for each group the
    products of queries and keys, then for each head

    ```
    M[t,j] = exp(G_t - G_j) q_t k_j for j <= t, else 0
    Y      = M U + diag(exp(G)) (Q S)
    S      = exp(G_C) S + K^T (diag(exp(G_C - G)) U)
    ```

    with G_t the sum of log-decays up to token t and U = d V for steps d. With the
    delta rule (Yang et al. 2024 and 2025) U is the solution of

    ```
    L[t,j] = -beta_t exp(G_t - G_j) k_t k_j for j < t, else 0
    U      = beta (V - diag(exp(G)) (K S)) + L U
    ```

    by forward substitution: 16 tokens at a time lose the product of L with what
    is known, and then depend on each other in registers. The solution is f32 with
    `bf16`, too. Every exponent is a difference of sums and not above 0. Rows of
    the products are scaled, not queries or keys, so that heads of a group share
    those.

    Where key channels have log-decays, exp(G_t[i] - G_j[i]) is no product of two
    numbers that stay finite. There 16 tokens are a chunk, and the decayed keys of
    all of them go from token to token (ChannelDecayChunk.cpp).

    One token of a row stays what it is: the recurrence computes it. So does, but
    for `always`, what takes fewer instructions so: small heads, the delta rule
    where products are of f32, and most decays of key channels.
  }];
  let options = [
    Option<"chunk", "chunk", "int64_t", "64",
           "most tokens of a chunk, 1 to 256">,
    Option<"bf16", "bf16", "bool", "false",
           "multiply bf16, with sums in f32">,
    Option<"always", "always", "bool", "true",
           "whatever the cost of the recurrence">,
    Option<"lanes", "lanes", "int64_t", "16", "channels of a vector">,
  ];
  let statistics = [
    Statistic<"numDecomposed", "num-decomposed",
              "chunks that became products">,
  ];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect",
                           "::mlir::vector::VectorDialect"];
}

def ExpandHeads : Pass<"expand-heads", "::mlir::func::FuncOp"> {
  let summary = "what reads a recurrence by channels reads it by heads";
  let description = [{
    Behind a recurrence of heads with matrices stands a collapse of its values
    `[B,T,Hv,P]` to channels `[B,T,D]`, as projections read them. Elementwise ops
    between both (the gate and its SiLU) are written over `[B,T,Hv,P]` and the
    collapse moves behind them, by linalg's fusion of reshapes by expansion, so
    that `tile-recurrences` finds them next to the recurrence. It leaves alone
    what sums over channels: norms over all heads.
  }];
  let statistics = [
    Statistic<"numExpanded", "num-expanded", "ops that go by heads">,
  ];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def TileRecurrences : Pass<"tile-recurrences", "::mlir::func::FuncOp"> {
  let summary = "one loop nest for a recurrence and the ops around it";
  let description = [{
    Tiles every op that runs along time (`selective_scan`, `scan`,
    `causal_conv1d`, `linear_attention`) by its TilingInterface: rows and groups
    of `channels` by scf.forall, blocks of `tokens` by scf.for inside it, with the
    state as iter_arg. Where a channel is a head with a matrix, a group has so
    many heads that their matrices stay in the second-level cache
    (`state-bytes`), all of the same keys or of whole groups of them, and a block
    is a `chunk`. Into both loops it fuses, by the same interface, first the linalg
    ops that read the result (SiLU, gate, D skip, readout), then those that
    produce the operands (softplus, discretisation, norms). The recurrence is
    tiled first and its consumers are fused into it: as the producer of a tiled
    consumer it would start each block of tokens from the initial state.

    A consumer is fused if it is the only reader of the result and all its loops
    except those over states are parallel; a producer is fused if nothing
    outside the nest reads it. Other operands of a consumer must not depend on
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
    Option<"chunk", "chunk", "int64_t", "64",
           "tokens of one block where heads have matrices">,
    Option<"stateBytes", "state-bytes", "int64_t", "262144",
           "most bytes of the matrices of a group">,
  ];
  let statistics = [
    Statistic<"numTiled", "num-tiled", "loops around recurrences">,
    Statistic<"numFused", "num-fused", "ops that joined such a loop">,
  ];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // MARIMBA_PASSES_RECURRENCE_PASSES_TD
