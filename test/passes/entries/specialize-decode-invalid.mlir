// RUN: marimba-opt %s -specialize-decode -verify-diagnostics

// Sizes that one token contradicts.

func.func @prefill(%x: tensor<?x?x8xf32> {marimba.time = 1 : i64},
    %w: tensor<?x7x2xf32>, %e: tensor<?x7x2xi32>, %gate: tensor<4x6x8xf32>,
    %down: tensor<4x8x6xf32>)
    -> tensor<?x?x8xf32> attributes {marimba.entry = "prefill"} {
  // expected-error@+1 {{weights has size 7 in dimension 1 (T), expected 1: dimension 1 of input}}
  %y = marimba.experts %x, %w, %e, %gate, %gate, %down
      : tensor<?x?x8xf32>, tensor<?x7x2xf32>, tensor<?x7x2xi32>,
        tensor<4x6x8xf32>, tensor<4x6x8xf32>, tensor<4x8x6xf32>
  return %y : tensor<?x?x8xf32>
}
