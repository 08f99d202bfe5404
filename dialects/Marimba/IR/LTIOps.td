//===- LTIOps.td - Linear time-invariant systems: S4, S4D -----*- tablegen -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LTI_OPS_TD
#define MARIMBA_LTI_OPS_TD

include "SSMOps.td"

// A system whose decay does not depend on the token. With `complex` the state
// is complex, one of each conjugate pair, and every tensor of states has 2N
// rows where a real one has N: the real parts, then the imaginary parts. The
// output is then 2 Re(C h).

def Marimba_DiscretizeLTIOp
    : Marimba_ValueOp<"discretize_lti", [AllTypesMatch<["A", "B", "decay",
                                                        "gain"]>]> {
  let summary = "discretises a time-invariant system to decay and gain";
  let description = [{
    Turns `h' = A h + B u`, A diagonal, with one step dt per channel into
    `h_t = decay * h_{t-1} + gain * u_t` (S4D: Gu et al. 2022, section 3).

    | rule | decay | gain |
    |---|---|---|
    | `zoh` (zero-order hold) | exp(dt A) | (exp(dt A) - 1) / A * B |
    | `bilinear` (Tustin) | (1 + dt A/2) / (1 - dt A/2) | dt / (1 - dt A/2) * B |
    | `euler` (as Mamba) | exp(dt A) | dt B |

    Shapes: dt `[D]`; A, B, decay, gain `[N,D]`; with `complex` N counts real
    and imaginary parts. Computed in f64, because an error of decay grows with
    time. Its operands are weights, so it belongs in an entry that runs once
    (`prepare`).

    Example:

    ```mlir
    %decay, %gain = marimba.discretize_lti zoh %dt, %A, %B {complex}
        : tensor<64xf32>, tensor<32x64xf32>
    ```
  }];
  let arguments = (ins Marimba_DiscretizationRuleAttr:$rule,
      Marimba_Activation:$dt, Marimba_Activation:$A, Marimba_Activation:$B,
      UnitAttr:$complex);
  let results = (outs Marimba_Activation:$decay, Marimba_Activation:$gain);
  let assemblyFormat = [{
    $rule $dt `,` $A `,` $B attr-dict `:` type($dt) `,` type($A)
  }];
}

def Marimba_LTIPowersOp
    : Marimba_ValueOp<"lti_powers", [AllTypesMatch<["input", "decay"]>]> {
  let summary = "x decay^j for consecutive j";
  let description = [{
    `result[j,n,d] = input[n,d] * decay[n,d]^(first + j)` for j below L: the
    Vandermonde matrix that S4D's kernel is made of. Complex products with
    `complex`.

    Shapes: input, decay `[N,D]`; result `[L,N,D]`.

    Example:

    ```mlir
    %inject = marimba.lti_powers %gain, %decay from 0
        : tensor<16x64xf32> -> tensor<8x16x64xf32>
    ```
  }];
  let arguments = (ins Marimba_Activation:$input, Marimba_Activation:$decay,
      ConfinedAttr<I64Attr, [IntNonNegative]>:$first, UnitAttr:$complex);
  let results = (outs Marimba_Activation:$result);
  let assemblyFormat = [{
    $input `,` $decay `from` $first attr-dict `:` type($input) `->` type($result)
  }];
}

def Marimba_LTIKernelOp : Marimba_ValueOp<"lti_kernel"> {
  let summary = "the convolution kernel of a time-invariant system";
  let description = [{
    `result[j,d] = sum_n C[n,d] * powers[j,n,d]`, with powers = gain decay^j:
    K = (C B, C A B, C A^2 B, ...) of the discrete system (S4: Gu et al. 2021,
    equation 5); 2 Re(...) with `complex`.

    Shapes: C `[N,D]`; powers `[L,N,D]`; result `[L,D]`.

    Example:

    ```mlir
    %K = marimba.lti_kernel %C, %inject
        : tensor<16x64xf32>, tensor<8x16x64xf32> -> tensor<8x64xf32>
    ```
  }];
  let arguments = (ins Marimba_Activation:$C, Marimba_Activation:$powers,
      UnitAttr:$complex);
  let results = (outs Marimba_Activation:$result);
  let assemblyFormat = [{
    $C `,` $powers attr-dict `:` type($C) `,` type($powers) `->` type($result)
  }];
}

def Marimba_LTIScanOp
    : Marimba_RecurrenceOp<"lti_scan", [AttrSizedOperandSegments]> {
  let summary = "a time-invariant system as recurrence";
  let description = [{
    ```
    h_t = decay * h_{t-1} + gain u_t
    y_t = sum_n C h_t + D u_t        (2 Re(C h_t) with `complex`)
    ```

    The form for few tokens: its work is proportional to T N. `long_convolution`
    computes the same; `--choose-lti-form` chooses the cheaper of the two.

    Shapes: u, y `[B,T,D]`; decay, gain, C `[N,D]`; D `[D]`; state `[B,N,D]`;
    valid `[B]`.

    Example:

    ```mlir
    %y, %last = marimba.lti_scan %u, %decay, %gain, %C skip(%D : tensor<64xf32>)
        outs(%empty, %state : tensor<?x?x64xf32>, tensor<?x16x64xf32>)
        : tensor<?x?x64xf32>, tensor<16x64xf32>, tensor<16x64xf32>,
          tensor<16x64xf32>
       -> tensor<?x?x64xf32>, tensor<?x16x64xf32>
    ```
  }];
  let arguments = (ins Marimba_AnyActivation:$u, Marimba_AnyActivation:$decay,
      Marimba_AnyActivation:$gain, Marimba_AnyActivation:$C,
      Optional<Marimba_AnyParameter>:$D, Optional<Marimba_AnyIds>:$valid,
      Variadic<Marimba_AnyActivation>:$inits, UnitAttr:$complex);
  let results = (outs Variadic<Marimba_Activation>:$results);
  let assemblyFormat = [{
    $u `,` $decay `,` $gain `,` $C (`skip` `(` $D^ `:` type($D) `)`)?
    (`valid` `(` $valid^ `:` type($valid) `)`)?
    `outs` `(` $inits `:` type($inits) `)` attr-dict
    `:` type($u) `,` type($decay) `,` type($gain) `,` type($C)
    (`->` type($results)^)?
  }];
  let extraClassDeclaration = recurrenceDeclarations # [{
    ::mlir::Value getOutput() { return getInits()[0]; }
    ::mlir::Value getState() { return getInits()[1]; }
  }];
}

def Marimba_LongConvolutionOp
    : Marimba_RecurrenceOp<"long_convolution", [AttrSizedOperandSegments]> {
  let summary = "a time-invariant system as convolution";
  let description = [{
    In blocks of L tokens, with h the state before the block and t counted from
    its first token:

    ```
    y_t = sum_{j<=t} kernel[j] u_{t-j} + readout[t] h + D u_t
    h'  = decay^L h + sum_{j<L} inject[L-1-j] u_j
    ```

    (S4: Gu et al. 2021, equation 4, plus the contribution of the state before
    the block.) Given kernel = lti_kernel(C, inject), inject = lti_powers(gain)
    from 0 and readout = lti_powers(C) from 1 this equals `lti_scan`, also for a
    complex state. The last block may have fewer tokens.

    Shapes: u, y `[B,T,D]`; kernel `[L,D]`; decay `[N,D]`; inject, readout
    `[L,N,D]`; D `[D]`; state `[B,N,D]`; valid `[B]`.

    Example:

    ```mlir
    %y, %last = marimba.long_convolution %u, %kernel, %decay, %inject, %readout
        outs(%empty, %state : tensor<?x?x64xf32>, tensor<?x16x64xf32>)
        : tensor<?x?x64xf32>, tensor<8x64xf32>, tensor<16x64xf32>,
          tensor<8x16x64xf32>, tensor<8x16x64xf32>
       -> tensor<?x?x64xf32>, tensor<?x16x64xf32>
    ```
  }];
  let arguments = (ins Marimba_AnyActivation:$u, Marimba_AnyActivation:$kernel,
      Marimba_AnyActivation:$decay, Marimba_AnyActivation:$inject,
      Marimba_AnyActivation:$readout, Optional<Marimba_AnyParameter>:$D,
      Optional<Marimba_AnyIds>:$valid, Variadic<Marimba_AnyActivation>:$inits,
      UnitAttr:$complex);
  let results = (outs Variadic<Marimba_Activation>:$results);
  let assemblyFormat = [{
    $u `,` $kernel `,` $decay `,` $inject `,` $readout
    (`skip` `(` $D^ `:` type($D) `)`)?
    (`valid` `(` $valid^ `:` type($valid) `)`)?
    `outs` `(` $inits `:` type($inits) `)` attr-dict
    `:` type($u) `,` type($kernel) `,` type($decay) `,` type($inject) `,`
        type($readout)
    (`->` type($results)^)?
  }];
  let extraClassDeclaration = recurrenceDeclarations # [{
    ::mlir::Value getOutput() { return getInits()[0]; }
    ::mlir::Value getState() { return getInits()[1]; }
    /// Tokens of a block, L.
    int64_t getBlockLength();
    int64_t getTileWeight() { return 8; }
  }];
}

#endif // MARIMBA_LTI_OPS_TD
