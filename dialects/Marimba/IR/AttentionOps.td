//===- AttentionOps.td - Attention over a cache ---------------*- tablegen -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_ATTENTION_OPS_TD
#define MARIMBA_ATTENTION_OPS_TD

include "MarimbaBase.td"

def Marimba_AttentionOp
    : Marimba_DestinationOp<"attention", [AttrSizedOperandSegments]> {
  let summary = "causal grouped-query attention over a key/value cache";
  let description = [{
    Writes this call's keys and values after the `past[b]` tokens of the cache.
    Then, for query head j and its key/value head g = j / (Hq/Hkv) (Vaswani et
    al. 2017; grouped queries: Ainslie et al. 2023):

    `y[b,t,j] = sum_s softmax_s(scale * q[b,t,j] . key[b,g,s]) value[b,g,s]`
    over `s <= past[b] + t`. With `window` a query sees at most that many
    tokens, its own included: `s > past[b] + t - window` (Beltagy et al. 2020).
    With `softcap` a score x becomes `softcap * tanh(x / softcap)` (Gemma 2). A
    token always sees itself, so no softmax is empty.

    Shapes: query, y `[B,T,Hq,dh]`; key, value `[B,T,Hkv,dh]`; caches
    `[B,Hkv,C,dh]`; past, valid `[B]`; Hq and Hkv at least 1. Precondition: past
    + valid <= C; the runtime grows the cache before it calls.

    Without a value there is one cache: the value of a token is the first dv
    elements of its key, and y is `[B,T,Hq,dv]`, dv <= dh. This is multi-head
    latent attention (DeepSeek-AI 2024) in the latent space: a key is the latent
    vector and what all heads share beside it, and queries and outputs have been
    through the heads' matrices.

    A cache is f32, bf16 or i8, keys and values alike. bf16: keys and values are
    rounded to nearest even when they are written, and read rounded, those of
    this call included. i8: one more destination for each cache, `[B,Hkv,C]` of
    f32, holds a scale for each key or value, max_i |x_i| / 127; an element is
    stored as the code x / scale, rounded to nearest even, and read as code *
    scale. A vector that is not finite is read as NaN.

    Example:

    ```mlir
    %y, %k1, %v1 = marimba.attention %q, %k, %v past(%past)
        outs(%empty, %k0, %v0 : tensor<?x?x6x32xf32>, tensor<?x2x?x32xf32>,
                                tensor<?x2x?x32xf32>)
        {scale = 0.17677669529663687 : f64}
        : tensor<?x?x6x32xf32>, tensor<?x?x2x32xf32>, tensor<?x?x2x32xf32>,
          tensor<?xi32>
       -> tensor<?x?x6x32xf32>, tensor<?x2x?x32xf32>, tensor<?x2x?x32xf32>
    %z, %l1 = marimba.attention %p, %latent past(%past)
        outs(%none, %l0 : tensor<?x?x32x512xf32>, tensor<?x1x?x576xf32>)
        {scale = 0.072168783648703216 : f64}
        : tensor<?x?x32x576xf32>, tensor<?x?x1x576xf32>, tensor<?xi32>
       -> tensor<?x?x32x512xf32>, tensor<?x1x?x576xf32>
    ```
  }];
  let arguments = (ins Marimba_AnyActivation:$query,
      Marimba_AnyActivation:$key, Optional<Marimba_AnyActivation>:$value,
      Marimba_AnyIds:$past, Optional<Marimba_AnyIds>:$valid,
      Variadic<Marimba_AnyKept>:$inits, F64Attr:$scale,
      OptionalAttr<I64Attr>:$window, OptionalAttr<F64Attr>:$softcap);
  let results = (outs Variadic<Marimba_Kept>:$results);
  let assemblyFormat = [{
    $query `,` $key (`,` $value^)? `past` `(` $past `)`
    (`valid` `(` $valid^ `:` type($valid) `)`)?
    `outs` `(` $inits `:` type($inits) `)`
    custom<Attributes>(attr-dict, "getOperationName()")
    `:` custom<AttentionTypes>(type($query), type($key), type($value),
                               type($past))
    (`->` type($results)^)?
  }];
  let extraClassDeclaration = baseDeclarations # [{
    ::mlir::Value getOutput() { return getInits()[0]; }
    ::mlir::Value getKeyCache() { return getInits()[1]; }
    /// The keys' own where values are a part of them.
    ::mlir::Value getValueCache() { return getInits()[getValue() ? 2 : 1]; }
    /// Null where caches are no codes.
    ::mlir::Value getKeyScales();
    ::mlir::Value getValueScales();
    /// dv, of the output's type, which is static.
    int64_t getValueSize();
  }];
}

#endif // MARIMBA_ATTENTION_OPS_TD
