//===- RotaryOps.td - Rotary position embedding ---------------*- tablegen -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_ROTARY_OPS_TD
#define MARIMBA_ROTARY_OPS_TD

include "MarimbaBase.td"

def Marimba_RotaryTableOp : Marimba_DestinationOp<"rotary_table"> {
  let summary = "cosines and sines of this call's positions";
  let description = [{
    `cos[b,t,j] = cos((past[b] + t) * frequencies[j])` and `sin` likewise (Su et
    al. 2021), for `rotary_embedding`. Layers and heads share one table. The
    angle is rounded to f32 before the cosine, as in transformers. The
    frequencies are those of transformers, too: `theta^(-j/J)` in f32, scaled if
    the configuration says so.

    Shapes: past `[B]`; cos, sin `[B,T,J]`; J frequencies. Positions are exact
    up to 2^24; cosines and sines of angles up to 2^17 are within 1e-7.

    Example:

    ```mlir
    %cos, %sin = marimba.rotary_table %past
        outs(%c, %s : tensor<?x?x2xf32>, tensor<?x?x2xf32>)
        {frequencies = array<f32: 1.0, 0.01>}
        : tensor<?xi32> -> tensor<?x?x2xf32>, tensor<?x?x2xf32>
    ```
  }];
  let arguments = (ins Marimba_AnyIds:$past,
      Variadic<Marimba_AnyActivation>:$inits, DenseF32ArrayAttr:$frequencies);
  let results = (outs Variadic<Marimba_Activation>:$results);
  let assemblyFormat = [{
    $past `outs` `(` $inits `:` type($inits) `)`
    custom<Attributes>(attr-dict, "getOperationName()") `:` type($past)
    (`->` type($results)^)?
  }];
  let extraClassDeclaration = baseDeclarations # [{
    ::mlir::Value getCos() { return getInits()[0]; }
    ::mlir::Value getSin() { return getInits()[1]; }
  }];
}

def Marimba_RotaryEmbeddingOp : Marimba_DestinationOp<"rotary_embedding"> {
  let summary =
      "rotates pairs of a head's elements by the angle of their position";
  let description = [{
    Rotary position embedding (Su et al. 2021) in the order of Llama's
    checkpoints, where element j is paired with element j + J ("rotate half").
    For j < J:

    `y[j]   = x[j] * cos[j] - x[j+J] * sin[j]`
    `y[j+J] = x[j+J] * cos[j] + x[j] * sin[j]`

    and `y[i] = x[i]` for i >= 2J: with 2J < dh only a part of each head is
    rotated. The same cos[b,t] and sin[b,t] serve all heads of a token.

    Shapes: input, y `[B,T,Hx,dh]`, of queries or of keys; cos, sin `[B,T,J]`.

    Example:

    ```mlir
    %y = marimba.rotary_embedding %q, %cos, %sin
        outs(%empty : tensor<?x?x6x32xf32>)
        : tensor<?x?x6x32xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>
       -> tensor<?x?x6x32xf32>
    ```
  }];
  let arguments = (ins Marimba_AnyActivation:$input,
      Marimba_AnyActivation:$cos, Marimba_AnyActivation:$sin,
      Variadic<Marimba_AnyActivation>:$inits);
  let results = (outs Variadic<Marimba_Activation>:$results);
  let assemblyFormat = [{
    $input `,` $cos `,` $sin `outs` `(` $inits `:` type($inits) `)` attr-dict
    `:` type($input) `,` type($cos) `,` type($sin) (`->` type($results)^)?
  }];
  let extraClassDeclaration = baseDeclarations # [{
    ::mlir::Value getOutput() { return getInits()[0]; }
  }];
}

#endif // MARIMBA_ROTARY_OPS_TD
