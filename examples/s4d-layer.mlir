// A diagonal state-space layer with complex states (S4D: Gu et al. 2022), written by
// hand as the paper has it: discretise once, then a time-invariant system.
//
//   marimba compile examples/s4d-layer.mlir --stop-after=specialize  # convolution to
//                                # read a prompt, recurrence to decode: by cost
//   marimba compile examples/s4d-layer.mlir --stop-after=tile        # one loop nest
//
// Sizes: 64 channels (D), 32 complex states per channel, one of each conjugate
// pair: 64 rows, real parts first. Batch and time are dynamic.

module @s4d_layer {
  // The continuous system. What is derived from it is computed once, by @prepare.
  marimba.weight @dt : tensor<64xf32> from ["dt"]
  marimba.weight @A : tensor<64x64xf32> from ["A"]
  marimba.weight @B : tensor<64x64xf32> from ["B"]
  marimba.weight @C : tensor<64x64xf32> from ["C"]
  marimba.weight @D : tensor<64xf32> from ["D"]
  marimba.weight @decay : tensor<64x64xf32> derived
  marimba.weight @gain : tensor<64x64xf32> derived

  // h' = A h + B u as h_t = decay h_{t-1} + gain u_t, by zero-order hold.
  func.func @prepare(%decay: tensor<64x64xf32> {marimba.weight = "decay"},
                     %gain: tensor<64x64xf32> {marimba.weight = "gain"})
      -> (tensor<64x64xf32>, tensor<64x64xf32>)
      attributes {marimba.entry = "prepare"} {
    %dt = marimba.get_weight @dt : tensor<64xf32>
    %A = marimba.get_weight @A : tensor<64x64xf32>
    %B = marimba.get_weight @B : tensor<64x64xf32>
    %a, %b = marimba.discretize_lti zoh %dt, %A, %B {complex}
        : tensor<64xf32>, tensor<64x64xf32>
    %0 = bufferization.materialize_in_destination %a in %decay
        : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
    %1 = bufferization.materialize_in_destination %b in %gain
        : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
    return %0, %1 : tensor<64x64xf32>, tensor<64x64xf32>
  }

  func.func @prefill(
      %u: tensor<?x?x64xf32> {marimba.input = "u"},
      %z: tensor<?x?x64xf32> {marimba.input = "z"},
      %valid: tensor<?xi32> {marimba.input = "valid"},
      %out: tensor<?x?x64xf32> {marimba.output = "y"},
      %state: tensor<?x64x64xf32> {marimba.state = "ssm"})
      -> (tensor<?x?x64xf32>, tensor<?x64x64xf32>)
      attributes {marimba.entry = "prefill"} {
    %decay = marimba.get_weight @decay : tensor<64x64xf32>
    %gain = marimba.get_weight @gain : tensor<64x64xf32>
    %C = marimba.get_weight @C : tensor<64x64xf32>
    %D = marimba.get_weight @D : tensor<64xf32>
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %batch = tensor.dim %u, %c0 : tensor<?x?x64xf32>
    %time = tensor.dim %u, %c1 : tensor<?x?x64xf32>
    %empty = tensor.empty(%batch, %time) : tensor<?x?x64xf32>

    // y_t = 2 Re(C h_t) + D u_t, gated as in today's layers.
    %y, %last = marimba.lti_scan %u, %decay, %gain, %C skip(%D : tensor<64xf32>)
        valid(%valid : tensor<?xi32>)
        outs(%empty, %state : tensor<?x?x64xf32>, tensor<?x64x64xf32>) {complex}
        : tensor<?x?x64xf32>, tensor<64x64xf32>, tensor<64x64xf32>,
          tensor<64x64xf32>
       -> tensor<?x?x64xf32>, tensor<?x64x64xf32>
    %gate = marimba.silu %z : tensor<?x?x64xf32>
    %gated = arith.mulf %y, %gate : tensor<?x?x64xf32>
    %result = bufferization.materialize_in_destination %gated in %out
        : (tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
    return %result, %last : tensor<?x?x64xf32>, tensor<?x64x64xf32>
  }
}
