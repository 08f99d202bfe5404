//===- QuantizedOps.td - Weights in 8 and 4 bits --------------*- tablegen -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_QUANTIZED_OPS_TD
#define MARIMBA_QUANTIZED_OPS_TD

include "MarimbaBase.td"

def Marimba_QuantizeRowsOp : Marimba_DestinationOp<"quantize_rows"> {
  let summary = "activations in 8 bits, with a scale for each group";
  let description = [{
    For each row and each group of `KP / G` inputs, with `m` the largest
    magnitude in the group:

    `scales = m / 127`, `codes = round(input / scales)` to the nearest, ties to
    even, and `sums = scales * sum(codes)`, which a matmul subtracts for weights
    whose codes are not centred at zero. Inputs from K on are 0. A group of
    zeros, or of numbers so small that its scale would be denormal, has scale 0;
    in a group with an infinity or a NaN, scale and sum are not finite, so that
    every result shows it. With `offset` codes are stored as unsigned bytes, 128
    larger.

    Shapes: input `[..., K]`; codes `[..., KP]`; scales, sums `[..., G]`.

    Example:

    ```mlir
    %q, %s, %sums = marimba.quantize_rows %x outs(%c, %d, %e
        : tensor<?x1x192xi8>, tensor<?x1x3xf32>, tensor<?x1x3xf32>)
        : tensor<?x1x192xf32>
        -> tensor<?x1x192xi8>, tensor<?x1x3xf32>, tensor<?x1x3xf32>
    ```
  }];
  let arguments = (ins Marimba_Shaped<[F32, BF16]>:$input,
      Variadic<Marimba_Shaped<[F32, I8]>>:$inits, UnitAttr:$offset);
  let results = (outs Variadic<RankedTensorOf<[F32, I8]>>:$results);
  let assemblyFormat = [{
    $input `outs` `(` $inits `:` type($inits) `)` attr-dict `:` type($input)
    (`->` type($results)^)?
  }];
  let extraClassDeclaration = baseDeclarations # [{
    ::mlir::Value getCodes() { return getInits()[0]; }
    ::mlir::Value getScales() { return getInits()[1]; }
    ::mlir::Value getSums() { return getInits()[2]; }
  }];
}

/// An op that reads a quantised matrix: `weight[matrix] as stored`. The weight
/// is a tensor of the type `stored`, or the bytes of one
/// (--quantized-as-bytes); `matrix` picks one of a stack.
class Marimba_QuantizedReader<string mnemonic, list<Trait> traits = []>
    : Marimba_DestinationOp<
          mnemonic,
          !listconcat(traits, [DeclareOpInterfaceMethods<WeightOperandInterface>])> {
  code readerDeclarations = baseDeclarations # [{
    ::mlir::RankedTensorType getStoredType() {
      return ::llvm::cast<::mlir::RankedTensorType>(getStored());
    }
  }];
  let extraClassDeclaration = readerDeclarations;
  let extraClassDefinition = baseDefinitions # [{
    ::mlir::marimba::WeightOperand $cppClass::getWeightOperand(
        ::mlir::OpOperand &operand) {
      if (&operand != &getWeightMutable())
        return {};
      return {.role = ::mlir::marimba::WeightRole::Stored, .readsBytes = true};
    }
  }];
}

def Marimba_QuantizedMatmulOp
    : Marimba_QuantizedReader<"quantized_matmul",
                              [AttrSizedOperandSegments, PostOpsInterface]> {
  let summary = "y = x Wᵀ + b straight from quantised weights, then post-ops";
  let description = [{
    `r[..., n] = sum_k input[..., k] * W[n, k] + bias[n]`, accumulated in f32,
    where W are the numbers that the codes stand for (docs/quantization.md);
    then the post-ops (PostOpsInterface), then `output = r`, rounded to its
    type. With an input of
    bf16 the products may be of bf16, to which W is rounded.

    With scales and sums the input is a result of `quantize_rows`. Integers are
    then multiplied, exactly within a group of weights or of inputs, whichever
    is shorter; each group's sum is multiplied by both scales and added up in
    f32.

    Shapes: input `[..., K]`, or codes `[..., KP]` with scales and sums
    `[..., G]`; W `[N, K]`; bias `[N]`; output `[..., N]`.

    Example:

    ```mlir
    %y = marimba.quantized_matmul %x, %w
        as tensor<768x192xi4, #marimba.quantized<group 64, scale bf16>>
        outs(%e : tensor<?x1x768xf32>) : tensor<?x1x192xf32>, tensor<78336xi8>
        -> tensor<?x1x768xf32>
    %z = marimba.quantized_matmul %q scales(%s, %sums : tensor<?x1x3xf32>),
        %experts[%e] as tensor<4x768x192xi4, #marimba.quantized<group 64, scale bf16>>
        outs(%e : tensor<?x1x768xf32>)
        : tensor<?x1x192xi8>, tensor<313344xi8> -> tensor<?x1x768xf32>
    ```
  }];
  let arguments = (ins Marimba_Shaped<[F32, BF16, I8]>:$input,
      Optional<Marimba_AnyActivation>:$scales,
      Optional<Marimba_AnyActivation>:$sums, Marimba_AnyQuantized:$weight,
      Optional<Index>:$matrix, Optional<Marimba_AnyParameter>:$bias,
      Variadic<Marimba_Shaped<[F32, BF16]>>:$postOperands,
      Variadic<Marimba_Shaped<[F32, BF16]>>:$inits, TypeAttr:$stored,
      DefaultValuedAttr<Marimba_PostOpsAttr, "{}">:$postOps);
  let results = (outs Variadic<Marimba_Projected>:$results);
  let assemblyFormat = [{
    $input (`scales` `(` $scales^ `,` $sums `:` type($scales) `,` type($sums)
    `)`)? `,` $weight (`[` $matrix^ `]`)? `as` $stored
    (`bias` `(` $bias^ `:` type($bias) `)`)?
    (`post_ops` custom<PostOps>($postOps, $postOperands,
                                type($postOperands))^)?
    `outs` `(` $inits `:` type($inits) `)` attr-dict
    `:` type($input) `,` type($weight) (`->` type($results)^)?
  }];
}

def Marimba_DequantizeOp
    : Marimba_QuantizedReader<"dequantize", [AttrSizedOperandSegments]> {
  let summary = "a tile of a quantised matrix as floating point";
  let description = [{
    `output[k, i] = W[first + i, k]`, rounded to the output's type. `first` is
    a multiple of 64, the channels of a block.

    Shapes: W `[N, K]`; output `[K, C]`, first + C at most N.

    Example:

    ```mlir
    %tile = marimba.dequantize %w from %first
        as tensor<768x192xi4, #marimba.quantized<group 64, scale bf16>>
        outs(%e : tensor<192x256xbf16>) : tensor<78336xi8> -> tensor<192x256xbf16>
    ```
  }];
  let arguments = (ins Marimba_AnyQuantized:$weight, Optional<Index>:$matrix,
      Index:$first, Variadic<Marimba_Shaped<[F32, BF16]>>:$inits,
      TypeAttr:$stored);
  let results = (outs Variadic<RankedTensorOf<[F32, BF16]>>:$results);
  let assemblyFormat = [{
    $weight (`[` $matrix^ `]`)? `from` $first `as` $stored
    `outs` `(` $inits `:` type($inits) `)` attr-dict `:` type($weight)
    (`->` type($results)^)?
  }];
}

def Marimba_QuantizedEmbeddingOp
    : Marimba_QuantizedReader<"quantized_embedding"> {
  let summary = "looks up one row of a quantised table per token";
  let description = [{
    `output[b,t,:] = table[ids[b,t],:]`, like `embedding`, with a table of 8 or
    4 bits.

    Example:

    ```mlir
    %x = marimba.quantized_embedding %ids, %table
        as tensor<2048x192xi8, #marimba.quantized<group 64, scale bf16>>
        outs(%e : tensor<?x?x192xf32>) : tensor<?x?xi32>, tensor<405504xi8>
        -> tensor<?x?x192xf32>
    ```
  }];
  let arguments = (ins Marimba_AnyIds:$ids, Marimba_AnyQuantized:$weight,
      Variadic<Marimba_AnyActivation>:$inits, TypeAttr:$stored);
  let results = (outs Variadic<Marimba_Activation>:$results);
  let assemblyFormat = [{
    $ids `,` $weight `as` $stored `outs` `(` $inits `:` type($inits) `)`
    attr-dict `:` type($ids) `,` type($weight) (`->` type($results)^)?
  }];
  let extraClassDeclaration = readerDeclarations # [{
    double getBytesRead(::mlir::OpOperand &operand,
                        ::mlir::marimba::DynamicSize size);
  }];
}

def Marimba_ChannelTermsOp
    : Marimba_QuantizedReader<"channel_terms",
                              [AttrSizedOperandSegments]> {
  let summary = "scale and correction of each channel of an integer matmul";
  let description = [{
    For a weight of 8 bits with one scale per channel: `scales[n]` in f32 and
    `sums[n] = sum_k codes[n, k]`: products of codes that are 128 too large
    (`quantize_rows` with `offset`) are off by 128 times that.

    Shapes: W `[N, K]`; scales, sums `[N]`.

    Example:

    ```mlir
    %s, %sums = marimba.channel_terms %w
        as tensor<768x192xi8, #marimba.quantized<channel, scale f32>>
        outs(%e, %f : tensor<768xf32>, tensor<768xi32>) : tensor<150528xi8>
        -> tensor<768xf32>, tensor<768xi32>
    ```
  }];
  let arguments = (ins Marimba_AnyQuantized:$weight, Optional<Index>:$matrix,
      Variadic<Marimba_Shaped<[F32, I32]>>:$inits, TypeAttr:$stored);
  let results = (outs Variadic<RankedTensorOf<[F32, I32]>>:$results);
  let assemblyFormat = [{
    $weight (`[` $matrix^ `]`)? `as` $stored
    `outs` `(` $inits `:` type($inits) `)` attr-dict `:` type($weight)
    (`->` type($results)^)?
  }];
  let extraClassDeclaration = readerDeclarations # [{
    ::mlir::Value getScales() { return getInits()[0]; }
    ::mlir::Value getSums() { return getInits()[1]; }
  }];
}

#endif // MARIMBA_QUANTIZED_OPS_TD
