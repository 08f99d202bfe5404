//===- SSMOps.td - Discretisation, recurrence, convolution ----*- tablegen -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_SSM_OPS_TD
#define MARIMBA_SSM_OPS_TD

include "MarimbaBase.td"

def Marimba_DiscretizationRule
    : I32EnumAttr<"DiscretizationRule",
                  "how a continuous system becomes a recurrence",
                  [I32EnumAttrCase<"Euler", 0, "euler">,
                   I32EnumAttrCase<"ZeroOrderHold", 1, "zoh">,
                   I32EnumAttrCase<"Bilinear", 2, "bilinear">]> {
  let cppNamespace = "::mlir::marimba";
  let genSpecializedAttr = 0;
}
def Marimba_DiscretizationRuleAttr
    : EnumAttr<Marimba_Dialect, Marimba_DiscretizationRule, "rule">;

def Marimba_DiscretizeOp
    : Marimba_ValueOp<"discretize", [AllTypesMatch<["decay", "input"]>,
                                      AllTypesMatch<["delta", "u"]>]> {
  let summary = "discretises a continuous system to decay and input";
  let description = [{
    Turns `h' = A h + B u` with step `delta` into the two factors of
    `h_t = decay_t * h_{t-1} + input_t`. A is diagonal and real.

    | rule | decay | input |
    |---|---|---|
    | `euler` (Mamba: Gu and Dao 2023, as implemented) | exp(delta A) | delta B u |
    | `zoh` (zero-order hold) | exp(delta A) | (exp(delta A) - 1) / A * B u |
    | `bilinear` (Tustin; S4: Gu et al. 2021) | (1 + delta A/2) / (1 - delta A/2) | delta / (1 - delta A/2) * B u |

    Shapes: delta, u `[B,T,D]`; A `[N,D]`; B `[B,T,N]`; decay, input
    `[B,T,N,D]`. Channels are last, because they are in the vector lanes. The
    results are as large as all states of all tokens: `--fuse-discretize-scan`
    turns this op and the `scan` and `readout` after it into `selective_scan`.

    Example:

    ```mlir
    %decay, %input = marimba.discretize euler %delta, %A, %B, %u
        : tensor<?x?x384xf32>, tensor<16x384xf32>, tensor<?x?x16xf32>
       -> tensor<?x?x16x384xf32>
    ```
  }];
  let arguments = (ins Marimba_DiscretizationRuleAttr:$rule,
      Marimba_Activation:$delta, Marimba_Activation:$A, Marimba_Activation:$B,
      Marimba_Activation:$u);
  let results = (outs Marimba_Activation:$decay, Marimba_Activation:$input);
  let assemblyFormat = [{
    $rule $delta `,` $A `,` $B `,` $u attr-dict
    `:` type($delta) `,` type($A) `,` type($B) `->` type($decay)
  }];
}

def Marimba_ScanOp
    : Marimba_RecurrenceOp<"scan", [AttrSizedOperandSegments]> {
  let summary = "first-order linear recurrence";
  let description = [{
    `states_t = decay_t * states_{t-1} + input_t`, element by element, starting
    from the state in `outs`, whose result is the last state.

    Shapes: decay, input, states `[B,T,N,D]`; state `[B,N,D]`; valid `[B]`. With
    `complex` the first half of the N rows are real parts, the second half
    imaginary parts, and the products are complex (S4's diagonal systems).

    Example:

    ```mlir
    %states, %last = marimba.scan %decay, %input
        outs(%empty, %state : tensor<?x?x16x384xf32>, tensor<?x16x384xf32>)
        : tensor<?x?x16x384xf32>, tensor<?x?x16x384xf32>
       -> tensor<?x?x16x384xf32>, tensor<?x16x384xf32>
    ```
  }];
  let arguments = (ins Marimba_AnyActivation:$decay,
      Marimba_AnyActivation:$input, Optional<Marimba_AnyIds>:$valid,
      Variadic<Marimba_AnyActivation>:$inits, UnitAttr:$complex);
  let results = (outs Variadic<Marimba_Activation>:$results);
  let assemblyFormat = [{
    $decay `,` $input (`valid` `(` $valid^ `:` type($valid) `)`)?
    `outs` `(` $inits `:` type($inits) `)` attr-dict
    `:` type($decay) `,` type($input) (`->` type($results)^)?
  }];
  let extraClassDeclaration = recurrenceDeclarations # [{
    ::mlir::Value getStates() { return getInits()[0]; }
    ::mlir::Value getState() { return getInits()[1]; }
  }];
}

def Marimba_ReadoutOp
    : Marimba_ValueOp<"readout", [AttrSizedOperandSegments]> {
  let summary = "y = C h + D u, the output equation";
  let description = [{
    `result[b,t,d] = sum_n states[b,t,n,d] * C[b,t,n] + D[d] * u[b,t,d]`; the
    second term is present with `skip`.

    Example:

    ```mlir
    %y = marimba.readout %states, %C
        skip(%D, %u : tensor<384xbf16>, tensor<?x?x384xf32>)
        : tensor<?x?x16x384xf32>, tensor<?x?x16xf32> -> tensor<?x?x384xf32>
    ```
  }];
  let arguments = (ins Marimba_Activation:$states, Marimba_Activation:$C,
      Optional<Marimba_Parameter>:$D, Optional<Marimba_Activation>:$u);
  let results = (outs Marimba_Activation:$result);
  let assemblyFormat = [{
    $states `,` $C (`skip` `(` $D^ `,` $u `:` type($D) `,` type($u) `)`)? attr-dict
    `:` type($states) `,` type($C) `->` type($result)
  }];
}

def Marimba_SelectiveScanOp
    : Marimba_RecurrenceOp<"selective_scan", [AttrSizedOperandSegments]> {
  let summary = "discretisation, recurrence and output equation in one";
  let description = [{
    The selective state-space layer (Gu and Dao 2023, algorithm 2) without a
    tensor of size T x N x D:

    ```
    delta' = delta + delta_bias;  delta' = softplus(delta') with delta_softplus
    h_t    = exp(delta'_t A) * h_{t-1} + (delta'_t u_t) B_t
    y_t    = C_t h_t + D u_t;     y_t = y_t * silu(z_t) with z
    ```

    Shapes: u, delta, z, y, ahead `[B,T,D]`; A and the state `[N,D]` and
    `[B,N,D]`; B, C `[B,T,N]`; D, delta_bias `[D]`; valid `[B]`.

    `ahead` does not affect the result. It names what will be read after this
    op, the next block of tokens, so that it can be prefetched while this op
    computes.

    Example:

    ```mlir
    %y, %last = marimba.selective_scan %u, %delta, %A, %B, %C
        skip(%D : tensor<384xbf16>) gate(%z : tensor<?x?x384xf32>)
        outs(%empty, %state : tensor<?x?x384xf32>, tensor<?x16x384xf32>)
        {delta_softplus}
        : tensor<?x?x384xf32>, tensor<?x?x384xf32>, tensor<16x384xf32>,
          tensor<?x?x16xf32>, tensor<?x?x16xf32>
       -> tensor<?x?x384xf32>, tensor<?x16x384xf32>
    ```
  }];
  let arguments = (ins Marimba_AnyActivation:$u, Marimba_AnyActivation:$delta,
      Marimba_AnyActivation:$A, Marimba_AnyActivation:$B,
      Marimba_AnyActivation:$C, Optional<Marimba_AnyParameter>:$D,
      Optional<Marimba_AnyActivation>:$z,
      Optional<Marimba_AnyParameter>:$delta_bias,
      Optional<Marimba_AnyIds>:$valid, Variadic<Marimba_AnyActivation>:$ahead,
      Variadic<Marimba_AnyActivation>:$inits, UnitAttr:$delta_softplus);
  let results = (outs Variadic<Marimba_Activation>:$results);
  let assemblyFormat = [{
    $u `,` $delta `,` $A `,` $B `,` $C
    (`skip` `(` $D^ `:` type($D) `)`)? (`gate` `(` $z^ `:` type($z) `)`)?
    (`delta_bias` `(` $delta_bias^ `:` type($delta_bias) `)`)?
    (`valid` `(` $valid^ `:` type($valid) `)`)?
    (`ahead` `(` $ahead^ `:` type($ahead) `)`)?
    `outs` `(` $inits `:` type($inits) `)` attr-dict
    `:` type($u) `,` type($delta) `,` type($A) `,` type($B) `,` type($C)
    (`->` type($results)^)?
  }];
  let extraClassDeclaration = recurrenceDeclarations # [{
    ::mlir::Value getOutput() { return getInits()[0]; }
    ::mlir::Value getState() { return getInits()[1]; }
    int64_t getDInner();
    int64_t getDState();
    ::std::optional<::mlir::MutableOperandRange> getReadAheadMutable() {
      return getAheadMutable();
    }
    bool canSplitTime();
    ::llvm::SmallVector<int64_t> getStateSizes() {
      return {getDState(), getDInner()};
    }
    ::mlir::OpOperand *getStepOperand() { return &getDeltaMutable(); }
    ::mlir::marimba::RecurrenceOpInterface createSummary(
        ::mlir::OpBuilder &builder, ::mlir::Value step,
        ::mlir::ValueRange empties);
    ::mlir::Value createStateAfter(::mlir::OpBuilder &builder,
                                   ::mlir::Location loc, ::mlir::Value c,
                                   ::mlir::Value s, ::mlir::Value state);
  }];
}

def Marimba_ScanSummaryOp
    : Marimba_RecurrenceOp<"scan_summary", [AttrSizedOperandSegments]> {
  let summary = "the effect of some tokens on any state before them";
  let description = [{
    A selective scan over some tokens takes a state h to exp(s A) h + c: the
    element of the associative scan (Blelloch 1990; Gu and Dao 2023, section
    3.3.2). Here, for t in order,

    ```
    c = exp(delta_t A) * c + (delta_t u_t) B_t
    s = s + delta_t
    ```

    `--parallelize-scan-in-time` computes the summaries of all segments of time
    in parallel, and from them the state before each segment.

    Shapes: u, delta `[B,T,D]`; A `[N,D]`; B `[B,T,N]`; valid `[B]`; c
    `[B,N,D]`, s `[B,D]`, both updated in place.

    Example:

    ```mlir
    %c, %s = marimba.scan_summary %u, %delta, %A, %B
        outs(%c0, %s0 : tensor<?x16x64xf32>, tensor<?x64xf32>)
        : tensor<?x?x64xf32>, tensor<?x?x64xf32>, tensor<16x64xf32>,
          tensor<?x?x16xf32>
       -> tensor<?x16x64xf32>, tensor<?x64xf32>
    ```
  }];
  let arguments = (ins Marimba_AnyActivation:$u, Marimba_AnyActivation:$delta,
      Marimba_AnyActivation:$A, Marimba_AnyActivation:$B,
      Optional<Marimba_AnyIds>:$valid, Variadic<Marimba_AnyActivation>:$inits);
  let results = (outs Variadic<Marimba_Activation>:$results);
  let assemblyFormat = [{
    $u `,` $delta `,` $A `,` $B (`valid` `(` $valid^ `:` type($valid) `)`)?
    `outs` `(` $inits `:` type($inits) `)` attr-dict
    `:` type($u) `,` type($delta) `,` type($A) `,` type($B)
    (`->` type($results)^)?
  }];
  let extraClassDeclaration = recurrenceDeclarations # [{
    ::mlir::Value getState() { return getInits()[0]; }
    ::mlir::Value getElapsed() { return getInits()[1]; }
    ::mlir::OpOperand *getStepOperand() { return &getDeltaMutable(); }
  }];
}

def Marimba_CausalConv1dOp
    : Marimba_RecurrenceOp<"causal_conv1d", [AttrSizedOperandSegments]> {
  let summary = "depthwise convolution over the last W tokens";
  let description = [{
    `y_t = bias + sum_k weight[k] * x_{t-(W-1)+k}` for each channel. Inputs
    before the first token come from the state, which holds the last W-1 inputs,
    oldest first; its result is the new state. With `silu` the output is
    silu(y).

    Shapes: x, y `[B,T,D]`; weight `[W,D]`; bias `[D]`; state `[B,W-1,D]`;
    valid `[B]`.

    Example:

    ```mlir
    %y, %last = marimba.causal_conv1d %x, %w bias(%b : tensor<384xbf16>)
        outs(%empty, %state : tensor<?x?x384xf32>, tensor<?x3x384xf32>)
        : tensor<?x?x384xf32>, tensor<4x384xf32>
       -> tensor<?x?x384xf32>, tensor<?x3x384xf32>
    ```
  }];
  let arguments = (ins Marimba_AnyActivation:$input,
      Marimba_AnyActivation:$weight, Optional<Marimba_AnyParameter>:$bias,
      Optional<Marimba_AnyIds>:$valid, Variadic<Marimba_AnyActivation>:$inits,
      UnitAttr:$silu);
  let results = (outs Variadic<Marimba_Activation>:$results);
  let hasCanonicalizer = 1;
  let assemblyFormat = [{
    $input `,` $weight (`bias` `(` $bias^ `:` type($bias) `)`)?
    (`valid` `(` $valid^ `:` type($valid) `)`)?
    `outs` `(` $inits `:` type($inits) `)` attr-dict
    `:` type($input) `,` type($weight) (`->` type($results)^)?
  }];
  let extraClassDeclaration = recurrenceDeclarations # [{
    ::mlir::Value getOutput() { return getInits()[0]; }
    ::mlir::Value getState() { return getInits()[1]; }
  }];
}

#endif // MARIMBA_SSM_OPS_TD
