//===- LinearAttentionOps.td - Recurrences with a matrix state -*- tablegen -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LINEAR_ATTENTION_OPS_TD
#define MARIMBA_LINEAR_ATTENTION_OPS_TD

include "MarimbaBase.td"

def Marimba_DiscretizeHeadsOp : Marimba_ValueOp<"discretize_heads"> {
  let summary = "discretises a system with one decay for each head";
  let description = [{
    Turns `S' = a S + k u^T` with step `delta` into the log-decays and values of
    `S_t = exp(log_decay_t) S_{t-1} + k_t value_t^T` (Mamba-2: Dao and Gu 2024,
    as implemented):

    ```
    log_decay[b,t,h] = delta[b,t,h] * A[h]
    values[b,t,h,p]  = delta[b,t,h] * u[b,t,h,p]
    ```

    Shapes: delta, log_decay `[B,T,Hv]`; A `[Hv]`; u, values `[B,T,Hv,P]`.
    `--fuse-discretize-linear-attention` puts this op into the
    `linear_attention` after it, as its `step`.

    Example:

    ```mlir
    %g, %v = marimba.discretize_heads %delta, %A, %u
        : tensor<?x?x80xf32>, tensor<80xf32>, tensor<?x?x80x64xf32>
       -> tensor<?x?x80xf32>, tensor<?x?x80x64xf32>
    ```
  }];
  let arguments = (ins Marimba_Activation:$delta, Marimba_Activation:$A,
      Marimba_Activation:$u);
  let results = (outs Marimba_Activation:$log_decay, Marimba_Activation:$values);
  let assemblyFormat = [{
    $delta `,` $A `,` $u attr-dict
    `:` type($delta) `,` type($A) `,` type($u)
    `->` type($log_decay) `,` type($values)
  }];
}

def Marimba_LogDecayOp
    : Marimba_ValueOp<"log_decay", [AllTypesMatch<["input", "result"]>]> {
  let summary = "log-decays of a projection";
  let description = [{
    `result[b,t,h] = A[h] * softplus(input[b,t,h] + bias[h])`, the log-decay of
    gated delta nets (Yang et al. 2025), with A = -exp(A_log) below 0; of Kimi
    delta attention (Kimi 2025), where each key channel n has its own,
    `result[b,t,h,n] = A[h] * softplus(input[b,t,h,n] + bias[h,n])`.

    Shapes: input, result `[B,T,Hv]` and bias `[Hv]`, or `[B,T,Hv,N]` and
    `[Hv,N]`; A `[Hv]`.

    Example:

    ```mlir
    %g = marimba.log_decay %a, %A bias(%b : tensor<32xbf16>)
        : tensor<?x?x32xf32>, tensor<32xf32>
    ```
  }];
  let arguments = (ins Marimba_Activation:$input, Marimba_Activation:$A,
      Optional<Marimba_Parameter>:$bias);
  let results = (outs Marimba_Activation:$result);
  let assemblyFormat = [{
    $input `,` $A (`bias` `(` $bias^ `:` type($bias) `)`)? attr-dict
    `:` type($input) `,` type($A)
  }];
}

def Marimba_LinearAttentionOp
    : Marimba_RecurrenceOp<"linear_attention", [AttrSizedOperandSegments]> {
  let summary = "recurrence of a matrix for each head, with or without delta rule";
  let description = [{
    Each head keeps a matrix S, the sum of the products of keys and values so
    far, each decayed since it was written; a query reads it. For each row and
    head h, which reads the keys and queries of group h / (Hv/G), in order of t:

    ```
    S   = diag(exp(g_t)) S               g: the log-decay
    u_t = v_t                            or with delta_rule, after the decay,
    u_t = beta_t (v_t - S^T k_t)
    S   = S + k_t u_t^T
    y_t = scale * S^T q_t + D x_t
    ```

    Shapes: queries, keys `[B,T,G,N]`; values, x, y `[B,T,Hv,P]`; the state S
    `[B,Hv,N,P]`; beta, step `[B,T,Hv]`; D `[Hv]`; valid `[B]`; G divides Hv. The
    log-decay is not above 0 and has one of the shapes

    | decay | of | g_t |
    |---|---|---|
    | none | linear attention (Katharopoulos et al. 2020), DeltaNet | 0 |
    | `[Hv]` | lightning attention (Qin et al. 2024) | decay[h] |
    | `[B,T,Hv]` | Mamba-2 (Dao and Gu 2024), gated delta net (Yang et al. 2025) | decay[b,t,h] |
    | `[B,T,Hv,N]` | gated linear attention (Yang et al. 2024), Kimi delta attention (Kimi 2025) | decay[b,t,h,n] |

    `step` is Mamba-2's discretisation, fused (`discretize_heads`): the values
    are v_t = step[b,t,h] * x_t, and the log-decay, which is `[Hv]`, is
    step[b,t,h] * decay[h]. `skip(%D, %x)` adds D x_t; x are the values
    themselves where they are not discretised yet.

    | model | queries, keys, values | decay | more |
    |---|---|---|---|
    | Mamba-2, Bamba, Granite 4 hybrid, Nemotron-H, Falcon-H1, Zamba2 | C, B, x | A | step, skip |
    | MiniMax-Text-01 | q, k, v | `[Hv]`, slopes | |
    | Qwen3-Next, Qwen3.5, OLMo hybrid | q, k, v | `[B,T,Hv]` | delta_rule, scale |
    | Kimi Linear | q, k, v | `[B,T,Hv,N]` | delta_rule, scale |

    A product of decays that underflows is 0: no form of this op divides by a
    decay.

    Example:

    ```mlir
    %y, %last = marimba.linear_attention %C, %B, %x decay(%A : tensor<80xf32>)
        step(%delta : tensor<?x?x80xf32>)
        skip(%D, %x : tensor<80xf32>, tensor<?x?x80x64xf32>)
        outs(%empty, %state : tensor<?x?x80x64xf32>, tensor<?x80x128x64xf32>)
        : tensor<?x?x1x128xf32>, tensor<?x?x1x128xf32>, tensor<?x?x80x64xf32>
       -> tensor<?x?x80x64xf32>, tensor<?x80x128x64xf32>
    ```
  }];
  // The values first: their dimensions are the iteration space.
  let arguments = (ins Marimba_AnyActivation:$values,
      Marimba_AnyActivation:$queries, Marimba_AnyActivation:$keys,
      Optional<Marimba_AnyActivation>:$decay,
      Optional<Marimba_AnyActivation>:$step,
      Optional<Marimba_AnyActivation>:$beta,
      Optional<Marimba_AnyParameter>:$D, Optional<Marimba_AnyActivation>:$x,
      Optional<Marimba_AnyIds>:$valid, Variadic<Marimba_AnyActivation>:$inits,
      DefaultValuedAttr<F64Attr, "1.0">:$scale, UnitAttr:$delta_rule);
  let results = (outs Variadic<Marimba_Activation>:$results);
  let assemblyFormat = [{
    $queries `,` $keys `,` $values
    (`decay` `(` $decay^ `:` type($decay) `)`)?
    (`step` `(` $step^ `:` type($step) `)`)?
    (`beta` `(` $beta^ `:` type($beta) `)`)?
    (`skip` `(` $D^ `,` $x `:` type($D) `,` type($x) `)`)?
    (`valid` `(` $valid^ `:` type($valid) `)`)?
    `outs` `(` $inits `:` type($inits) `)` attr-dict
    `:` type($queries) `,` type($keys) `,` type($values)
    (`->` type($results)^)?
  }];
  let extraClassDeclaration = baseDeclarations # [{
    ::mlir::Value getOutput() { return getInits()[0]; }
    ::mlir::Value getState() { return getInits()[1]; }
    /// Hv, G, N and P of the types, which are static.
    int64_t getHeads();
    int64_t getGroups();
    int64_t getKeySize();
    int64_t getValueSize();
    /// Heads are what tiles are made of.
    int64_t getChannelDimension() { return 2; }
    int64_t getChannelGroup();
    ::llvm::SmallVector<int64_t> getMatrixSizes() {
      return {getKeySize(), getValueSize()};
    }
    /// Whether each key channel has a log-decay of its own.
    bool hasChannelDecay();
  }];
}

#endif // MARIMBA_LINEAR_ATTENTION_OPS_TD
