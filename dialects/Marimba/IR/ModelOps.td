//===- ModelOps.td - Weights, projections, norms --------------*- tablegen -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_MODEL_OPS_TD
#define MARIMBA_MODEL_OPS_TD

include "MarimbaBase.td"
include "mlir/IR/SymbolInterfaces.td"

def Marimba_WeightOp : Marimba_Op<"weight", [Symbol]> {
  let summary = "declares a tensor of the checkpoint";
  let description = [{
    Names a weight. Its data never enters the IR: the runtime maps the files and
    binds pointers. `from` lists the tensors of the checkpoint; with more than
    one, they are stacked along a new first dimension (the experts of a mixture
    stored one by one). A `derived` weight is in no file: `@prepare` computes it
    once, after loading. The sources of a quantised weight are codes, scales
    and, if it has them, zero points of each matrix, in this order. If its type
    is that of the bytes, `as` has the quantised type. A vector of i32 is the
    order of a matrix's inputs (`permute_channels`).

    Example:

    ```mlir
    marimba.weight @layers.0.mamba.in_proj : tensor<768x192xbf16>
        from ["model.layers.0.mamba.in_proj.weight"]
    marimba.weight @layers.0.mamba.A : tensor<16x384xf32> derived
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttr:$type,
      OptionalAttr<StrArrayAttr>:$sources, UnitAttr:$derived,
      OptionalAttr<TypeAttr>:$stored);
  let assemblyFormat = [{
    $sym_name `:` $type (`as` $stored^)? (`from` $sources^)?
    (`derived` $derived^)? attr-dict
  }];
  let hasVerifier = 1;
}

/// Tensor before bufferisation, row-major memref after.
def Marimba_WeightValue
    : AnyTypeOf<[RankedTensorOf<[F32, BF16, F16, I8, I32]>, Marimba_Quantized,
                 MemRefOf<[F32, BF16, F16, I8, I32]>]>;

def Marimba_GetWeightOp
    : Marimba_Op<"get_weight",
                 [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the value of a weight";
  let description = [{
    Refers to a `marimba.weight` of the module. The result is read only.
    Bufferisation makes it a memref in row-major order.

    Example:

    ```mlir
    %w = marimba.get_weight @layers.0.mamba.in_proj : tensor<768x192xbf16>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$weight);
  let results = (outs Marimba_WeightValue:$result);
  let assemblyFormat = "$weight attr-dict `:` type($result)";
}

def Marimba_EmbeddingOp
    : Marimba_ValueOp<"embedding", [DeclareOpInterfaceMethods<WeightOperandInterface>]> {
  let summary = "looks up one row of a table per token";
  let description = [{
    `result[b,t,:] = table[ids[b,t],:]`, widened to f32. Precondition:
    `0 <= ids < V`; the runtime checks it before it calls generated code.

    Example:

    ```mlir
    %x = marimba.embedding %ids, %table
        : tensor<?x?xi32>, tensor<2048x192xbf16> -> tensor<?x?x192xf32>
    ```
  }];
  let arguments = (ins Marimba_Ids:$ids, Marimba_Matrix:$table);
  let results = (outs Marimba_Activation:$result);
  let assemblyFormat = [{
    $ids `,` $table attr-dict `:` type($ids) `,` type($table) `->` type($result)
  }];
  let extraClassDeclaration = [{
    double getBytesRead(::mlir::OpOperand &operand,
                        ::mlir::marimba::DynamicSize size);
  }];
}

def Marimba_GatherTokensOp : Marimba_ValueOp<"gather_tokens"> {
  let summary = "picks the tokens whose logits are wanted";
  let description = [{
    `result[b,p,:] = input[b, positions[b,p], :]`. Prefill needs the head for
    one token of each row, not for all: `positions` says which.

    Example:

    ```mlir
    %last = marimba.gather_tokens %x, %positions
        : tensor<?x?x192xf32>, tensor<?x?xi32> -> tensor<?x?x192xf32>
    ```
  }];
  let arguments = (ins Marimba_Activation:$input, Marimba_Ids:$positions);
  let results = (outs Marimba_Activation:$result);
  let assemblyFormat = [{
    $input `,` $positions attr-dict
    `:` type($input) `,` type($positions) `->` type($result)
  }];
  let extraClassDeclaration = [{
    double getBytesRead(::mlir::OpOperand &operand,
                        ::mlir::marimba::DynamicSize size);
  }];
}

def Marimba_PermuteChannelsOp
    : Marimba_ValueOp<"permute_channels", [AllTypesMatch<["input", "result"]>]> {
  let summary = "puts the last dimension into another order";
  let description = [{
    `result[..., j] = input[..., order[j]]`. A matrix whose groups of codes are
    of inputs that do not follow each other (GPTQ's `desc_act`, Frantar et al.
    2022, section 3.3: the inputs of the largest activations first) is kept with
    its inputs sorted by group, and its projection reads permuted activations.
    Precondition: `0 <= order[j] < K`; what the runtime makes of a checkpoint's
    groups is a permutation.

    Shapes: input, result `[...,K]`, order `[K]`.

    Example:

    ```mlir
    %p = marimba.permute_channels %h, %order
        : tensor<?x?x192xf32>, tensor<192xi32>
    ```
  }];
  let arguments = (ins Marimba_Activation:$input, Marimba_Ids:$order);
  let results = (outs Marimba_Activation:$result);
  let assemblyFormat = [{
    $input `,` $order attr-dict `:` type($input) `,` type($order)
  }];
}

def Marimba_LinearOp
    : Marimba_ValueOp<"linear", [DeclareOpInterfaceMethods<WeightOperandInterface>]> {
  let summary = "y = x Wᵀ + b, a projection";
  let description = [{
    `result[..., o] = sum_i input[..., i] * weight[o, i] + bias[o]`, accumulated
    in f32. The weight is `[out, in]`, as PyTorch's `nn.Linear` stores it, in
    its storage type. A bf16 input says that bf16 may be multiplied: the weight
    is then rounded to bf16, too, if the kernel is faster with it.

    Example:

    ```mlir
    %y = marimba.linear %x, %w
        : tensor<?x?x192xf32>, tensor<768x192xbf16> -> tensor<?x?x768xf32>
    %z = marimba.linear %x, %w bias(%b : tensor<768xbf16>)
        : tensor<?x?x192xf32>, tensor<768x192xbf16> -> tensor<?x?x768xf32>
    ```
  }];
  let arguments = (ins Marimba_Projected:$input, Marimba_Matrix:$weight,
      Optional<Marimba_Parameter>:$bias, UnitAttr:$few_rows);
  let results = (outs Marimba_Activation:$result);
  let hasCanonicalizer = 1;
  let assemblyFormat = [{
    $input `,` $weight (`bias` `(` $bias^ `:` type($bias) `)`)? attr-dict
    `:` type($input) `,` type($weight) `->` type($result)
  }];
}

def Marimba_RMSNormOp
    : Marimba_ValueOp<"rms_norm", [AllTypesMatch<["input", "result"]>]> {
  let summary = "root-mean-square normalisation of the last dimension";
  let description = [{
    `result = weight * input / sqrt(mean(input^2) + eps)` over the last
    dimension (Zhang and Sennrich 2019). Without a weight it is 1
    (FalconMamba's norms of dt, B and C). With `groups(G)` the last dimension H
    is G parts of H/G elements, each of which has a mean of its own (Mamba-2's
    gated norm, Dao and Gu 2024); the weight is `[H]` all the same. The input may
    be the heads `[B,T,Hx,dh]` of queries or keys, each of which is normed by
    itself (Dehghani et al. 2023; Qwen3).

    With `zero_centered` the factor is `1 + weight`: the weight is stored as its
    distance from 1 (Gemma, Qwen3-Next, Qwen3.5).

    Example:

    ```mlir
    %h = marimba.rms_norm %x weight(%w : tensor<192xbf16>) eps(1.0e-6)
        : tensor<?x?x192xf32>
    %g = marimba.rms_norm %y weight(%v : tensor<384xbf16>) groups(8) eps(1.0e-5)
        : tensor<?x?x384xf32>
    %q = marimba.rms_norm %query weight(%u : tensor<64xbf16>) eps(1.0e-6)
        {zero_centered} : tensor<?x?x16x64xf32>
    ```
  }];
  let arguments = (ins Marimba_Activation:$input,
      Optional<Marimba_Parameter>:$weight, F64Attr:$eps,
      DefaultValuedAttr<I64Attr, "1">:$groups, UnitAttr:$zero_centered);
  let results = (outs Marimba_Activation:$result);
  let hasCanonicalizer = 1;
  let builders = [OpBuilder<(ins "::mlir::Value":$input,
      "::mlir::Value":$weight, "double":$eps, CArg<"int64_t", "1">:$groups,
      CArg<"bool", "false">:$zeroCentered)>];
  let assemblyFormat = [{
    $input (`weight` `(` $weight^ `:` type($weight) `)`)?
    (`groups` `(` $groups^ `)`)? `eps` `(` custom<Number>($eps) `)`
    attr-dict `:` type($input)
  }];
}

def Marimba_L2NormOp
    : Marimba_ValueOp<"l2_norm", [AllTypesMatch<["input", "result"]>]> {
  let summary = "makes vectors of the last dimension one long";
  let description = [{
    `result = scale * input / sqrt(sum(input^2) + eps)` over the last dimension:
    of queries and keys before a delta rule (Yang et al. 2024). `eps` is added
    to the sum, not to the mean. `scale` is rounded to f32.

    Shapes: input, result `[...,N]`.

    Example:

    ```mlir
    %k = marimba.l2_norm %keys eps(1.0e-6) : tensor<?x?x16x128xf32>
    %q = marimba.l2_norm %queries eps(1.0e-6) scale(0.088388347648318447)
        : tensor<?x?x16x128xf32>
    ```
  }];
  let arguments = (ins Marimba_Activation:$input, F64Attr:$eps,
      DefaultValuedAttr<F64Attr, "1.0">:$scale);
  let results = (outs Marimba_Activation:$result);
  let builders = [OpBuilder<(ins "::mlir::Value":$input, "double":$eps,
      CArg<"double", "1.0">:$scale)>];
  let assemblyFormat = [{
    $input `eps` `(` custom<Number>($eps) `)`
    (`scale` `(` custom<Number>($scale)^ `)`)? attr-dict `:` type($input)
  }];
}

class Marimba_UnaryOp<string mnemonic>
    : Marimba_PureOp<mnemonic, [SameOperandsAndResultType]> {
  let arguments = (ins Marimba_Activation:$input);
  let results = (outs Marimba_Activation:$result);
  let assemblyFormat = "$input attr-dict `:` type($input)";
}

def Marimba_SiluOp : Marimba_UnaryOp<"silu"> {
  let summary = "x * sigmoid(x)";
  let description = [{
    `silu(x) = x / (1 + exp(-x))`, element by element (Elfwing et al. 2017).

    Example:

    ```mlir
    %g = marimba.silu %z : tensor<?x?x384xf32>
    ```
  }];
}

def Marimba_SigmoidOp : Marimba_UnaryOp<"sigmoid"> {
  let summary = "1 / (1 + exp(-x))";
  let description = [{
    `sigmoid(x) = 1 / (1 + exp(-x))`, element by element.

    Example:

    ```mlir
    %g = marimba.sigmoid %z : tensor<?x?x384xf32>
    ```
  }];
}

def Marimba_Relu2Op : Marimba_UnaryOp<"relu2"> {
  let summary = "max(x, 0) squared";
  let description = [{
    `relu2(x) = max(x, 0)^2`, element by element (So et al. 2021).

    Example:

    ```mlir
    %h = marimba.relu2 %up : tensor<?x?x384xf32>
    ```
  }];
}

def Marimba_SoftplusOp
    : Marimba_ValueOp<"softplus", [AllTypesMatch<["input", "result"]>]> {
  let summary = "log(1 + exp(x + bias)), within bounds";
  let description = [{
    `softplus(x) = log(1 + exp(x))`, element by element, computed as
    `max(x, 0) + log1p(exp(-|x|))`, which neither overflows nor cancels.
    (PyTorch returns x for x > 20; the difference is below 2.1e-9.)

    The step of Mamba-2 (Dao and Gu 2024) is that of `x + bias`, the bias being
    `[H]`, H the last dimension, and not below `min` nor above `max`; NaN stays
    NaN.

    Example:

    ```mlir
    %delta = marimba.softplus %dt : tensor<?x?x384xf32>
    %step = marimba.softplus %dt bias(%b : tensor<80xbf16>) min(1.0e-3) max(0.1)
        : tensor<?x?x80xf32>
    ```
  }];
  let arguments = (ins Marimba_Activation:$input,
      Optional<Marimba_Parameter>:$bias, OptionalAttr<F64Attr>:$minimum,
      OptionalAttr<F64Attr>:$maximum);
  let results = (outs Marimba_Activation:$result);
  let builders = [OpBuilder<(ins "::mlir::Value":$input)>];
  let assemblyFormat = [{
    $input (`bias` `(` $bias^ `:` type($bias) `)`)?
    (`min` `(` custom<Number>($minimum)^ `)`)?
    (`max` `(` custom<Number>($maximum)^ `)`)?
    attr-dict `:` type($input)
  }];
}

def Marimba_GeluOp
    : Marimba_PureOp<"gelu", [SameOperandsAndResultType]> {
  let summary = "x times the normal distribution up to x";
  let description = [{
    `gelu(x) = x / 2 * (1 + erf(x / sqrt(2)))`, element by element (Hendrycks
    and Gimpel 2016). Below about -5.6 the result is 0 (docs/numerics.md).
    `with_tanh` is the same authors' approximation, which Gemma was trained with:
    `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))`.

    Example:

    ```mlir
    %g = marimba.gelu %gate : tensor<?x?x384xf32>
    %h = marimba.gelu %gate {with_tanh} : tensor<?x?x384xf32>
    ```
  }];
  let arguments = (ins Marimba_Activation:$input, UnitAttr:$with_tanh);
  let results = (outs Marimba_Activation:$result);
  let assemblyFormat = "$input attr-dict `:` type($input)";
}

def Marimba_ScaleOp
    : Marimba_PureOp<"scale", [SameOperandsAndResultType]> {
  let summary = "x times a number";
  let description = [{
    `result = factor * input`, element by element; the factor is rounded to f32.
    The multipliers of maximal update parametrisation (Yang et al. 2022), as
    Falcon-H1 and Granite have them. `--fuse-matmul-post-ops` makes it a post-op
    of the projection before it.

    Example:

    ```mlir
    %k = marimba.scale %projected by(0.4375) : tensor<?x?x384xf32>
    ```
  }];
  let arguments = (ins Marimba_Activation:$input, F64Attr:$factor);
  let results = (outs Marimba_Activation:$result);
  let hasVerifier = 1;
  let hasFolder = 1;
  let assemblyFormat = [{
    $input `by` `(` custom<Number>($factor) `)` attr-dict `:` type($input)
  }];
}

def Marimba_SoftcapOp
    : Marimba_PureOp<"softcap", [SameOperandsAndResultType]> {
  let summary = "bends numbers into (-cap, cap)";
  let description = [{
    `result = cap * tanh(input / cap)`, element by element: what Gemma 2 does to
    its logits (Gemma Team 2024). Attention has the same of its scores as an
    attribute.

    Example:

    ```mlir
    %l = marimba.softcap %logits cap(30.0) : tensor<?x?x256000xf32>
    ```
  }];
  let arguments = (ins Marimba_Activation:$input, F64Attr:$cap);
  let results = (outs Marimba_Activation:$result);
  let hasVerifier = 1;
  let assemblyFormat = [{
    $input `cap` `(` custom<Number>($cap) `)` attr-dict `:` type($input)
  }];
}

def Marimba_SwiGLUOp
    : Marimba_PureOp<"swiglu", [SameOperandsAndResultType]> {
  let summary = "silu(gate) * up";
  let description = [{
    The gated activation of the feed-forward block (Shazeer 2020):
    `result = silu(gate) * up`, element by element.

    Example:

    ```mlir
    %h = marimba.swiglu %gate, %up : tensor<?x?x384xf32>
    ```
  }];
  let arguments = (ins Marimba_Activation:$gate, Marimba_Activation:$up);
  let results = (outs Marimba_Activation:$result);
  let assemblyFormat = "$gate `,` $up attr-dict `:` type($gate)";
}

#endif // MARIMBA_MODEL_OPS_TD
