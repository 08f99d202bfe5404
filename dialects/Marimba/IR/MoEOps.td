//===- MoEOps.td - Mixture of experts -------------------------*- tablegen -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_MOE_OPS_TD
#define MARIMBA_MOE_OPS_TD

include "MarimbaBase.td"

def Marimba_RouteOp : Marimba_DestinationOp<"route", [AttrSizedOperandSegments,
                                                      ComparesOperands]> {
  let summary = "scores of the experts, then the top k";
  let description = [{
    Chooses K of E experts for each token, all in f32:

    ```
    s = softmax(logits)         over all E experts; with `sigmoid`: sigmoid(logits)
    c = s + bias                bias, if there is one, only chooses
    with groups > 1:            the experts are `groups` equal runs. A group counts as the
                                sum of its two largest c; only experts of the `top_groups`
                                best groups can be chosen
    experts = the K largest c   in descending order
    weights = s of those        with `normalize` divided by their sum + epsilon,
                                then times `scale`
    ```

    The lower index comes first where two are equal. Softmax: Shazeer et al.
    2017; bias and groups: DeepSeek-V3 (DeepSeek-AI 2024).

    | model | operands and attributes |
    |---|---|
    | Jamba | |
    | Mixtral, MiniMax | normalize |
    | Granite's softmax of the K chosen logits | normalize: the same weights |
    | Nemotron 3, Kimi Linear | sigmoid, bias, groups, normalize, epsilon = 1e-20, scale |
    | LFM2 | sigmoid, bias, normalize, epsilon = 1e-6, scale |

    Shapes: logits `[B,T,E]`; bias `[E]`; weights, experts `[B,T,K]`; 1 <= K <=
    E, both static; E / groups is at least 2 where there are groups, and K at
    most the experts of `top_groups`.

    Example:

    ```mlir
    %weights, %experts = marimba.route %logits
        outs(%w, %e : tensor<?x?x2xf32>, tensor<?x?x2xi32>)
        : tensor<?x?x4xf32> -> tensor<?x?x2xf32>, tensor<?x?x2xi32>
    %p, %chosen = marimba.route %logits bias(%b : tensor<8xf32>)
        outs(%w, %e : tensor<?x?x2xf32>, tensor<?x?x2xi32>)
        {sigmoid, normalize, epsilon = 1.0e-20 : f64, groups = 4 : i64,
         top_groups = 2 : i64, scale = 2.5 : f64}
        : tensor<?x?x8xf32> -> tensor<?x?x2xf32>, tensor<?x?x2xi32>
    ```
  }];
  let arguments = (ins Marimba_AnyActivation:$logits,
      Optional<Marimba_AnyParameter>:$bias,
      Variadic<Marimba_Shaped<[F32, I32]>>:$inits, UnitAttr:$sigmoid,
      UnitAttr:$normalize, DefaultValuedAttr<F64Attr, "0.0">:$epsilon,
      DefaultValuedAttr<F64Attr, "1.0">:$scale,
      DefaultValuedAttr<I64Attr, "1">:$groups,
      DefaultValuedAttr<I64Attr, "1">:$top_groups);
  let results = (outs Variadic<RankedTensorOf<[F32, I32]>>:$results);
  let assemblyFormat = [{
    $logits (`bias` `(` $bias^ `:` type($bias) `)`)?
    `outs` `(` $inits `:` type($inits) `)` attr-dict `:` type($logits)
    (`->` type($results)^)?
  }];
  let extraClassDeclaration = baseDeclarations # [{
    ::mlir::Value getWeights() { return getInits()[0]; }
    ::mlir::Value getExperts() { return getInits()[1]; }
  }];
}

def Marimba_ExpertsOp
    : Marimba_ValueOp<"experts", [AllTypesMatch<["input", "result"]>,
                                  DeclareOpInterfaceMethods<WeightOperandInterface>]> {
  let summary = "the weighted sum of each token's chosen experts";
  let description = [{
    `result[b,t] = sum_k weights[b,t,k] * expert_e(input[b,t])` with `e =
    experts[b,t,k]`. The matrices say what an expert is:

    | matrices | `expert(x)` |
    |---|---|
    | gate, up, down | `down(swiglu(gate x, up x))` (Jamba, Mixtral) |
    | up, down | `down(relu2(up x))` (Nemotron 3) |

    Shapes: input, result `[B,T,H]`; weights, experts `[B,T,K]`; gate, up
    `[E,I,H]`; down `[E,H,I]`.

    `--decompose-experts` groups the rows by expert: one matmul per expert and
    projection. An expert that no row chose has no matmul, and its weights are
    not read.

    Example:

    ```mlir
    %y = marimba.experts %x, %weights, %experts, %gate, %up, %down
        : tensor<?x?x192xf32>, tensor<?x?x2xf32>, tensor<?x?x2xi32>,
          tensor<4x384x192xbf16>, tensor<4x384x192xbf16>, tensor<4x192x384xbf16>
    %z = marimba.experts %x, %weights, %experts, %up, %down
        : tensor<?x?x192xf32>, tensor<?x?x2xf32>, tensor<?x?x2xi32>,
          tensor<4x384x192xbf16>, tensor<4x192x384xbf16>
    ```
  }];
  let arguments = (ins Marimba_Activation:$input, Marimba_Activation:$weights,
      Marimba_Ids:$experts, Variadic<Marimba_Matrix>:$matrices);
  let results = (outs Marimba_Activation:$result);
  let assemblyFormat = [{
    $input `,` $weights `,` $experts `,` $matrices attr-dict `:`
    type($input) `,` type($weights) `,` type($experts) `,` type($matrices)
  }];
  let extraClassDeclaration = [{
    /// Null where the experts have no gate.
    ::mlir::Value getGate() {
      return getMatrices().size() == 3 ? getMatrices().front()
                                       : ::mlir::Value();
    }
    ::mlir::TypedValue<::mlir::RankedTensorType> getUp() {
      return ::llvm::cast<::mlir::TypedValue<::mlir::RankedTensorType>>(
          getMatrices().drop_back().back());
    }
    ::mlir::TypedValue<::mlir::RankedTensorType> getDown() {
      return ::llvm::cast<::mlir::TypedValue<::mlir::RankedTensorType>>(
          getMatrices().back());
    }
    double getBytesRead(::mlir::OpOperand &operand,
                        ::mlir::marimba::DynamicSize size);
  }];
}

def Marimba_GroupByExpertOp : Marimba_DestinationOp<"group_by_expert"> {
  let summary = "sorts the chosen (token, k) pairs by expert";
  let description = [{
    A stable counting sort. `experts` `[R,K]` names each row's K experts; pair p
    = row * K + k. `pairs` `[R*K]` lists all p in ascending order of their
    experts; expert e has `pairs[offsets[e] .. offsets[e+1])`, offsets `[E+1]`.
    `order` `[E]`, where it is asked for, lists the experts: those with pairs
    first, then the others, each in ascending order.

    Example:

    ```mlir
    %pairs, %offsets = marimba.group_by_expert %experts
        outs(%p, %o : tensor<?xi32>, tensor<5xi32>)
        : tensor<?x2xi32> -> tensor<?xi32>, tensor<5xi32>
    ```
  }];
  let arguments = (ins Marimba_AnyIds:$experts,
      Variadic<Marimba_AnyIds>:$inits);
  let results = (outs Variadic<Marimba_Ids>:$results);
  let assemblyFormat = [{
    $experts `outs` `(` $inits `:` type($inits) `)` attr-dict `:` type($experts)
    (`->` type($results)^)?
  }];
  let extraClassDeclaration = baseDeclarations # [{
    ::mlir::Value getPairs() { return getInits()[0]; }
    ::mlir::Value getOffsets() { return getInits()[1]; }
    /// Null where it is not asked for.
    ::mlir::Value getOrder() {
      return getInits().size() > 2 ? getInits()[2] : ::mlir::Value();
    }
  }];
}

def Marimba_GroupedMatmulOp
    : Marimba_DestinationOp<"grouped_matmul", [AttrSizedOperandSegments,
          DeclareOpInterfaceMethods<WeightOperandInterface>]> {
  let summary = "each group of rows times the matrix of its expert";
  let description = [{
    For each expert e and each `p` of `pairs[offsets[e] .. offsets[e+1])`:

    ```
    output[p, :] = up_e x                        x = input[p / top_k, :]
    output[p, :] = silu(gate_e x) * (up_e x)     with `gate`
    output[p, :] = max(up_e x, 0)^2              with `relu2`
    ```

    The matrices are read as they are stored, and only those of experts with
    pairs (`rt.stored_matrices`): they may lie apart, in files that do not fit
    into memory. `pairs`, `offsets` and `order` are what `group_by_expert` gives.

    1. Products are of f32; of bf16, with sums in f32, where both sides are bf16
       and the target multiplies it.
    2. A row has the same bits whatever other rows there are.

    Shapes: input `[R,D]`; up, gate `[E,N,D]`, E, N and D static; pairs `[G]`;
    offsets `[E+1]`; order `[E]`; output `[G,N]`.

    Example:

    ```mlir
    %h = marimba.grouped_matmul %x, %up gate(%gate : tensor<256x512x2048xbf16>)
        groups(%pairs, %offsets, %order : tensor<?xi32>, tensor<257xi32>, tensor<256xi32>)
        outs(%e : tensor<?x512xbf16>) {top_k = 8 : i64}
        : tensor<?x2048xbf16>, tensor<256x512x2048xbf16> -> tensor<?x512xbf16>
    ```
  }];
  let arguments = (ins Marimba_Shaped<[F32, BF16]>:$input,
      Marimba_AnyParameter:$up, Optional<Marimba_AnyParameter>:$gate,
      Marimba_AnyIds:$pairs, Marimba_AnyIds:$offsets, Marimba_AnyIds:$order,
      Variadic<Marimba_Shaped<[F32, BF16]>>:$inits, I64Attr:$top_k,
      UnitAttr:$relu2);
  let results = (outs Variadic<Marimba_Projected>:$results);
  let assemblyFormat = [{
    $input `,` $up (`gate` `(` $gate^ `:` type($gate) `)`)?
    `groups` `(` $pairs `,` $offsets `,` $order `:` type($pairs) `,`
    type($offsets) `,` type($order) `)`
    `outs` `(` $inits `:` type($inits) `)` attr-dict
    `:` type($input) `,` type($up) (`->` type($results)^)?
  }];
  let extraClassDeclaration = baseDeclarations # [{
    double getBytesRead(::mlir::OpOperand &operand,
                        ::mlir::marimba::DynamicSize size);
  }];
}

def Marimba_GatherRowsOp : Marimba_DestinationOp<"gather_rows"> {
  let summary = "gathers the rows of one group";
  let description = [{
    `output[i,:] = input[pairs[i] / K, :]` for each pair of the group; K is the
    attribute `top_k`. The output may have more rows than the group, so that
    groups of similar sizes share a kernel: the additional rows are zero.

    Shapes: input `[R,H]`; pairs `[G]`; output `[P,H]`, P at least G.

    Example:

    ```mlir
    %xe = marimba.gather_rows %x, %pairs outs(%empty : tensor<?x192xf32>)
        {top_k = 2 : i64} : tensor<?x192xf32>, tensor<?xi32>
       -> tensor<?x192xf32>
    ```
  }];
  let arguments = (ins Marimba_AnyActivation:$input, Marimba_AnyIds:$pairs,
      Variadic<Marimba_AnyActivation>:$inits, I64Attr:$top_k);
  let results = (outs Variadic<Marimba_Activation>:$results);
  let assemblyFormat = [{
    $input `,` $pairs `outs` `(` $inits `:` type($inits) `)` attr-dict
    `:` type($input) `,` type($pairs) (`->` type($results)^)?
  }];
}

def Marimba_ScatterAddRowsOp : Marimba_DestinationOp<"scatter_add_rows"> {
  let summary =
      "adds the weighted rows of one group to the rows they came from";
  let description = [{
    `output[pairs[i] / K, :] += weights[pairs[i]] * input[i, :]`; the output is
    accumulated in place. Within a group no row occurs twice, so rows may be
    added in any order.

    Shapes: input `[G,H]`; pairs `[G]`; weights `[R*K]`; output `[R,H]`.

    Example:

    ```mlir
    %acc = marimba.scatter_add_rows %ye, %pairs, %weights
        outs(%sum : tensor<?x192xf32>) {top_k = 2 : i64}
        : tensor<?x192xf32>, tensor<?xi32>, tensor<?xf32> -> tensor<?x192xf32>
    ```
  }];
  let arguments = (ins Marimba_AnyActivation:$input, Marimba_AnyIds:$pairs,
      Marimba_AnyActivation:$weights, Variadic<Marimba_AnyActivation>:$inits,
      I64Attr:$top_k);
  let results = (outs Variadic<Marimba_Activation>:$results);
  let assemblyFormat = [{
    $input `,` $pairs `,` $weights `outs` `(` $inits `:` type($inits) `)`
    attr-dict `:` type($input) `,` type($pairs) `,` type($weights)
    (`->` type($results)^)?
  }];
}

#endif // MARIMBA_MOE_OPS_TD
