//===- MoEOps.td - Mixture of experts -------------------------*- tablegen -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_MOE_OPS_TD
#define MARIMBA_MOE_OPS_TD

include "MarimbaBase.td"

def Marimba_RouteOp : Marimba_DestinationOp<"route", [ComparesOperands]> {
  let summary = "softmax over the experts, then the top k";
  let description = [{
    `p = softmax(logits)` over all E experts in f32; the K largest (the lower
    index first if two are equal) with their indices, in descending order. With
    `normalize` the K weights are divided by their sum (Mixtral); Jamba leaves
    them as they are.

    Shapes: logits `[B,T,E]`; weights, experts `[B,T,K]`; 1 <= K <= E, both
    static.

    Example:

    ```mlir
    %weights, %experts = marimba.route %logits
        outs(%w, %e : tensor<?x?x2xf32>, tensor<?x?x2xi32>)
        : tensor<?x?x4xf32> -> tensor<?x?x2xf32>, tensor<?x?x2xi32>
    ```
  }];
  let arguments = (ins Marimba_AnyActivation:$logits,
      Variadic<Marimba_Shaped<[F32, I32]>>:$inits, UnitAttr:$normalize);
  let results = (outs Variadic<RankedTensorOf<[F32, I32]>>:$results);
  let assemblyFormat = [{
    $logits `outs` `(` $inits `:` type($inits) `)` attr-dict `:` type($logits)
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
    experts[b,t,k]` and `expert(x) = down(swiglu(gate x, up x))`.

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
    ```
  }];
  let arguments = (ins Marimba_Activation:$input, Marimba_Activation:$weights,
      Marimba_Ids:$experts, Marimba_Matrix:$gate, Marimba_Matrix:$up,
      Marimba_Matrix:$down);
  let results = (outs Marimba_Activation:$result);
  let assemblyFormat = [{
    $input `,` $weights `,` $experts `,` $gate `,` $up `,` $down attr-dict `:`
    type($input) `,` type($weights) `,` type($experts) `,` type($gate) `,`
    type($up) `,` type($down)
  }];
  let extraClassDeclaration = [{
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
