//===- ContractionOps.td - Matmuls of generated kernels -------*- tablegen -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_CONTRACTION_OPS_TD
#define MARIMBA_CONTRACTION_OPS_TD

include "MarimbaBase.td"

def Marimba_PackedMatmulOp
    : Marimba_DestinationOp<"packed_matmul", [AttrSizedOperandSegments,
          DeclareOpInterfaceMethods<WeightOperandInterface>,
          PostOpsInterface]> {
  let summary = "y = x Wᵀ + b over the packed copy of a weight, then post-ops";
  let description = [{
    `r[..., n] = sum_k x[..., k] * weight[n, k] + bias[n]`, then the post-ops
    (PostOpsInterface), then `y = r`, rounded. Generated loops read the copy of the
    weight that the runtime packs when a model is loaded: elements of `packed`,
    f32 or bf16, in blocks of 64 channels (`rt.packed_weights`). Few rows and
    many read the same copy.

    1. x may be bf16 if `packed` is bf16, too: pairs of bf16 are then multiplied
       and added up in f32, as the target's dot products do. Otherwise products
       are of f32.
    2. A row of y has the same bits whatever other rows there are, in calls of
       its kind: one token of each sequence, [B, 1, K], or others
       (docs/same-bits.md).
    3. x, y and operands of post-ops may be strided in all but the last
       dimension.

    Example:

    ```mlir
    %y = marimba.packed_matmul %x, %w packed bf16 outs(%e : tensor<?x1x768xf32>)
        : tensor<?x1x192xf32>, tensor<768x192xbf16> -> tensor<?x1x768xf32>
    %h = marimba.packed_matmul %x, %w packed f32 post_ops [silu, mul(%m : tensor<?x768xf32>)]
        outs(%e : tensor<?x768xf32>)
        : tensor<?x192xf32>, tensor<768x192xf32> -> tensor<?x768xf32>
    ```
  }];
  let arguments = (ins Marimba_Shaped<[F32, BF16]>:$input,
      Marimba_AnyParameter:$weight, Optional<Marimba_AnyParameter>:$bias,
      Variadic<Marimba_Shaped<[F32, BF16]>>:$postOperands,
      Variadic<Marimba_Shaped<[F32, BF16]>>:$inits, TypeAttr:$packed,
      DefaultValuedAttr<Marimba_PostOpsAttr, "{}">:$postOps);
  let results = (outs Variadic<Marimba_Projected>:$results);
  let assemblyFormat = [{
    $input `,` $weight `packed` $packed (`bias` `(` $bias^ `:` type($bias) `)`)?
    (`post_ops` custom<PostOps>($postOps, $postOperands,
                                type($postOperands))^)?
    `outs` `(` $inits `:` type($inits) `)` attr-dict
    `:` type($input) `,` type($weight) (`->` type($results)^)?
  }];
}

def Marimba_PackedEmbeddingOp
    : Marimba_DestinationOp<"packed_embedding",
          [DeclareOpInterfaceMethods<WeightOperandInterface>]> {
  let summary = "looks up one row of a packed table per token";
  let description = [{
    `output[b,t,:] = table[ids[b,t],:]`, like `embedding`, out of the copy that
    `packed_matmul` reads of the same weight: a tied table is in memory once.
    Elements of `packed` are no less exact than the table's. Precondition:
    `0 <= ids < N`.

    Shapes: ids `[B, T]`; table `[N, K]`; output `[B, T, K]`.

    Example:

    ```mlir
    %x = marimba.packed_embedding %ids, %table packed bf16
        outs(%e : tensor<?x?x192xf32>) : tensor<?x?xi32>, tensor<2048x192xbf16>
        -> tensor<?x?x192xf32>
    ```
  }];
  let arguments = (ins Marimba_AnyIds:$ids, Marimba_AnyParameter:$weight,
      Variadic<Marimba_AnyActivation>:$inits, TypeAttr:$packed);
  let results = (outs Variadic<Marimba_Activation>:$results);
  let assemblyFormat = [{
    $ids `,` $weight `packed` $packed `outs` `(` $inits `:` type($inits) `)`
    attr-dict `:` type($ids) `,` type($weight) (`->` type($results)^)?
  }];
  let extraClassDeclaration = baseDeclarations # [{
    double getBytesRead(::mlir::OpOperand &operand,
                        ::mlir::marimba::DynamicSize size);
  }];
}

#endif // MARIMBA_CONTRACTION_OPS_TD
