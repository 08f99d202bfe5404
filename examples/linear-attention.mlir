// Recurrences with a matrix for each head, in four variants that differ in what
// becomes of the matrix S before a token's key and value are added and a query
// reads it (marimba.linear_attention):
//
//     S <- decay S,   S <- S + k u^T,   y = scale S^T q
//
//   marimba compile examples/linear-attention.mlir --stop-after=fuse   # one op each
//   marimba compile examples/linear-attention.mlir --stop-after=tile   # its loops
//   marimba compile examples/linear-attention.mlir --emit=asm          # the whole way
//
// Sizes: 8 heads with values of 32 (Hv, P), which share keys and queries of 16
// (N) in 2 groups (G); batch and time are dynamic.

!keys = tensor<?x?x2x16xf32>
!values = tensor<?x?x8x32xf32>
!heads = tensor<?x?x8xf32>
!channels = tensor<?x?x8x16xf32>
!states = tensor<?x8x16x32xf32>

module @linear_attention {
  marimba.weight @A : tensor<8xf32> from ["A"]
  marimba.weight @D : tensor<8xf32> from ["D"]
  marimba.weight @slopes : tensor<8xf32> from ["slopes"]
  marimba.weight @bias : tensor<8xf32> from ["bias"]
  marimba.weight @norm : tensor<32xf32> from ["norm"]

  // Mamba-2 (Dao and Gu 2024): a step for each token and head, which scales the
  // values and, times A, is the log of the decay; D v past the recurrence. The
  // two ops become one, and no discretised values are made.
  func.func @mamba2(
      %q: !keys {marimba.input = "q"}, %k: !keys {marimba.input = "k"},
      %v: !values {marimba.input = "v"},
      %dt: !heads {marimba.input = "dt"},
      %out: !values {marimba.output = "y"},
      %state: !states {marimba.state = "mamba2"}) -> (!values, !states)
      attributes {marimba.entry = "mamba2"} {
    %A = marimba.get_weight @A : tensor<8xf32>
    %D = marimba.get_weight @D : tensor<8xf32>
    %delta = marimba.softplus %dt : !heads
    %g, %x = marimba.discretize_heads %delta, %A, %v
        : !heads, tensor<8xf32>, !values -> !heads, !values
    %y, %last = marimba.linear_attention %q, %k, %x decay(%g : !heads)
        skip(%D, %v : tensor<8xf32>, !values)
        outs(%out, %state : !values, !states)
        : !keys, !keys, !values -> !values, !states
    return %y, %last : !values, !states
  }

  // Lightning attention (Qin et al. 2024): each head forgets at a rate of its own,
  // the same for all tokens. The weight is minus the slope.
  func.func @lightning(
      %q: !keys {marimba.input = "q"}, %k: !keys {marimba.input = "k"},
      %v: !values {marimba.input = "v"},
      %out: !values {marimba.output = "y"},
      %state: !states {marimba.state = "lightning"}) -> (!values, !states)
      attributes {marimba.entry = "lightning"} {
    %slopes = marimba.get_weight @slopes : tensor<8xf32>
    %y, %last = marimba.linear_attention %q, %k, %v decay(%slopes : tensor<8xf32>)
        outs(%out, %state : !values, !states)
        : !keys, !keys, !values -> !values, !states
    return %y, %last : !values, !states
  }

  // Gated delta net (Yang et al. 2025): what the matrix already gives for a key is
  // taken from the value before it is written: u = beta (v - S^T k). With what
  // stands around it in Qwen3-Next: queries and keys of length one, decays of a
  // projection, a norm of each head and a gate. All of it ends in one loop nest.
  func.func @gated_delta_net(
      %q: !keys {marimba.input = "q"}, %k: !keys {marimba.input = "k"},
      %v: !values {marimba.input = "v"},
      %a: !heads {marimba.input = "a"}, %b: !heads {marimba.input = "b"},
      %z: !values {marimba.input = "z"},
      %out: !values {marimba.output = "y"},
      %state: !states {marimba.state = "gated_delta_net"}) -> (!values, !states)
      attributes {marimba.entry = "gated_delta_net"} {
    %A = marimba.get_weight @A : tensor<8xf32>
    %bias = marimba.get_weight @bias : tensor<8xf32>
    %norm = marimba.get_weight @norm : tensor<32xf32>
    %queries = marimba.l2_norm %q eps(1.0e-6) scale(0.25) : !keys
    %keys = marimba.l2_norm %k eps(1.0e-6) : !keys
    %g = marimba.log_decay %a, %A bias(%bias : tensor<8xf32>)
        : !heads, tensor<8xf32>
    %beta = marimba.sigmoid %b : !heads
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %rows = tensor.dim %v, %c0 : !values
    %time = tensor.dim %v, %c1 : !values
    %empty = tensor.empty(%rows, %time) : !values
    %y, %last = marimba.linear_attention %queries, %keys, %v
        decay(%g : !heads) beta(%beta : !heads)
        outs(%empty, %state : !values, !states) {delta_rule}
        : !keys, !keys, !values -> !values, !states
    %normed = marimba.rms_norm %y weight(%norm : tensor<32xf32>) eps(1.0e-6)
        : !values
    %gate = marimba.silu %z : !values
    %gated = arith.mulf %normed, %gate : !values
    %result = bufferization.materialize_in_destination %gated in %out
        : (!values, !values) -> !values
    return %result, %last : !values, !states
  }

  // Kimi delta attention (Kimi 2025): the same with a decay for each channel of
  // the keys, which is a row of the matrix.
  func.func @kimi(
      %q: !keys {marimba.input = "q"}, %k: !keys {marimba.input = "k"},
      %v: !values {marimba.input = "v"},
      %g: !channels {marimba.input = "g"},
      %beta: !heads {marimba.input = "beta"},
      %out: !values {marimba.output = "y"},
      %state: !states {marimba.state = "kimi"}) -> (!values, !states)
      attributes {marimba.entry = "kimi"} {
    %y, %last = marimba.linear_attention %q, %k, %v decay(%g : !channels)
        beta(%beta : !heads)
        outs(%out, %state : !values, !states)
        {scale = 0.25 : f64, delta_rule}
        : !keys, !keys, !values -> !values, !states
    return %y, %last : !values, !states
  }
}
