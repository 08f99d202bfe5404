// RUN: marimba-opt %s -specialize-decode -split-input-file | FileCheck %s

// The entry and the layers that it calls are cloned; what is there stays.

// CHECK-LABEL: func private @layer(
// CHECK-SAME: tensor<?x?x8xf32>, %{{.*}}: tensor<?x4x8xf32>)
// CHECK-LABEL: func @prefill(
// CHECK-SAME: %{{.*}}: tensor<?x?xi32>
// CHECK-SAME: marimba.entry = "prefill"
// CHECK: call @layer(
// CHECK-LABEL: func @decode(
// CHECK-SAME: %[[IDS:.*]]: tensor<?x1xi32> {marimba.input = "tokens"}, %{{.*}}: tensor<16x8xf32>,
// States [B,N,D] and caches [B,Hkv,C,dh] have no time.
// CHECK-SAME: tensor<?x4x8xf32> {marimba.state = "h"}, %{{.*}}: tensor<?x2x?x4xf32>)
// CHECK-SAME: -> (tensor<?x1x8xf32>, tensor<?x4x8xf32>, tensor<?x2x?x4xf32>)
// CHECK-SAME: marimba.entry = "decode"
// CHECK: marimba.embedding %[[IDS]], %{{.*}} -> tensor<?x1x8xf32>
// CHECK: call @layer_decode(%{{.*}}) : (tensor<?x1x8xf32>, tensor<?x4x8xf32>) -> (tensor<?x1x8xf32>, tensor<?x4x8xf32>)
// CHECK: tensor.empty(%{{[a-z0-9_]*}}) : tensor<?x1x8xf32>
// CHECK-LABEL: func private @layer_decode(
// CHECK: marimba.silu %{{.*}} : tensor<?x1x8xf32>
// CHECK-NOT: @unrelated_decode
func.func private @unrelated(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  return %x : tensor<?x?x8xf32>
}
func.func private @layer(%x: tensor<?x?x8xf32>, %h: tensor<?x4x8xf32>)
    -> (tensor<?x?x8xf32>, tensor<?x4x8xf32>) {
  %y = marimba.silu %x : tensor<?x?x8xf32>
  return %y, %h : tensor<?x?x8xf32>, tensor<?x4x8xf32>
}
func.func @prefill(%ids: tensor<?x?xi32> {marimba.input = "tokens"},
    %table: tensor<16x8xf32>, %h: tensor<?x4x8xf32> {marimba.state = "h"},
    %k: tensor<?x2x?x4xf32>)
    -> (tensor<?x?x8xf32>, tensor<?x4x8xf32>, tensor<?x2x?x4xf32>)
    attributes {marimba.entry = "prefill"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %ids, %c0 : tensor<?x?xi32>
  %t = tensor.dim %ids, %c1 : tensor<?x?xi32>
  %x = marimba.embedding %ids, %table
      : tensor<?x?xi32>, tensor<16x8xf32> -> tensor<?x?x8xf32>
  %y, %n = func.call @layer(%x, %h)
      : (tensor<?x?x8xf32>, tensor<?x4x8xf32>)
     -> (tensor<?x?x8xf32>, tensor<?x4x8xf32>)
  %e = tensor.empty(%b, %t) : tensor<?x?x8xf32>
  %g = linalg.add ins(%y, %x : tensor<?x?x8xf32>, tensor<?x?x8xf32>)
      outs(%e : tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %g, %n, %k
      : tensor<?x?x8xf32>, tensor<?x4x8xf32>, tensor<?x2x?x4xf32>
}

// -----

// The output "hidden" is [L,B,T,H]: time is behind a static dimension.

// CHECK-LABEL: func @decode(
// CHECK-SAME: tensor<3x?x1x8xf32>
// CHECK-SAME: -> tensor<3x?x1x8xf32>
// CHECK: tensor.insert_slice %{{.*}} into %{{.*}}[1, 0, 0, 0] [1, %{{.*}}, 1, 8] [1, 1, 1, 1] : tensor<?x1x8xf32> into tensor<3x?x1x8xf32>
func.func @prefill(%x: tensor<?x?x8xf32>, %hidden: tensor<3x?x?x8xf32>,
    %b: index, %t: index) -> tensor<3x?x?x8xf32>
    attributes {marimba.entry = "prefill"} {
  %0 = tensor.insert_slice %x into %hidden[1, 0, 0, 0] [1, %b, %t, 8]
      [1, 1, 1, 1] : tensor<?x?x8xf32> into tensor<3x?x?x8xf32>
  return %0 : tensor<3x?x?x8xf32>
}

// -----

// Slices and expansions carry sizes.

// CHECK-LABEL: func @decode(
// CHECK: tensor.extract_slice %{{.*}}[0, 0, 4] [%{{.*}}, 1, 4] [1, 1, 1] : tensor<?x1x8xf32> to tensor<?x1x4xf32>
// CHECK: tensor.expand_shape %{{.*}} {{.*}} output_shape [%{{.*}}, 1, 2, 2] : tensor<?x1x4xf32> into tensor<?x1x2x2xf32>
func.func @prefill(%x: tensor<?x?x8xf32>, %b: index)
    -> tensor<?x?x2x2xf32> attributes {marimba.entry = "prefill"} {
  %c1 = arith.constant 1 : index
  %t = tensor.dim %x, %c1 : tensor<?x?x8xf32>
  %0 = tensor.extract_slice %x[0, 0, 4] [%b, %t, 4] [1, 1, 1]
      : tensor<?x?x8xf32> to tensor<?x?x4xf32>
  %1 = tensor.expand_shape %0 [[0], [1], [2, 3]] output_shape [%b, %t, 2, 2]
      : tensor<?x?x4xf32> into tensor<?x?x2x2xf32>
  return %1 : tensor<?x?x2x2xf32>
}

// -----

// An entry `decode` is there: nothing to do.

// CHECK-LABEL: func @prefill(
// CHECK-LABEL: func @by_hand(
// CHECK-NOT: func.func
// CHECK: {{^// -+$}}
func.func @prefill(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
    attributes {marimba.entry = "prefill"} {
  return %x : tensor<?x?x8xf32>
}
func.func @by_hand(%x: tensor<?x1x8xf32>) -> tensor<?x1x8xf32>
    attributes {marimba.entry = "decode"} {
  return %x : tensor<?x1x8xf32>
}

// -----

// No prefill: `prepare` alone is no model.

// CHECK-LABEL: func @prepare(
// CHECK-NOT: func.func
// CHECK: {{^// -+$}}
func.func @prepare(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
    attributes {marimba.entry = "prepare"} {
  return %x : tensor<?x?x8xf32>
}

// -----

// The name of a layer's copy is taken.

// CHECK-LABEL: func private @layer_decode() -> i32
// CHECK-LABEL: func @decode(
// CHECK: call @[[COPY:layer_decode_[0-9]+]](
// CHECK: func private @[[COPY]](%{{.*}}: tensor<?x1x8xf32>)
func.func private @layer_decode() -> i32
func.func private @layer(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  return %x : tensor<?x?x8xf32>
}
func.func @prefill(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
    attributes {marimba.entry = "prefill"} {
  %0 = call @layer(%x) : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %0 : tensor<?x?x8xf32>
}

// -----

// Marks say what time is, wherever it is; what follows is inferred. Other
// dynamic dimensions stay, leading ones as well, and the marks go.

// CHECK-LABEL: func @prefill(
// CHECK-SAME: %{{.*}}: tensor<?x8x?xf32> {marimba.input = "x"}
// CHECK-LABEL: func @decode(
// CHECK-SAME: %[[X:.*]]: tensor<?x8x1xf32> {marimba.input = "x"},
// CHECK-SAME: %{{.*}}: tensor<?x?x8xf32> {marimba.input = "table"})
// CHECK-SAME: -> (tensor<1x?x8xf32>, tensor<?x?x8xf32>)
// CHECK: linalg.transpose ins(%[[X]] : tensor<?x8x1xf32>) outs(%{{.*}} : tensor<1x?x8xf32>)
// CHECK: marimba.silu %{{.*}} : tensor<1x?x8xf32>
// CHECK: marimba.silu %{{.*}} : tensor<?x?x8xf32>
func.func @prefill(%x: tensor<?x8x?xf32> {marimba.input = "x", marimba.time = 2 : i64},
    %table: tensor<?x?x8xf32> {marimba.input = "table"})
    -> (tensor<?x?x8xf32>, tensor<?x?x8xf32>)
    attributes {marimba.entry = "prefill"} {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %b = tensor.dim %x, %c0 : tensor<?x8x?xf32>
  %t = tensor.dim %x, %c2 : tensor<?x8x?xf32>
  %e = tensor.empty(%t, %b) : tensor<?x?x8xf32>
  %0 = linalg.transpose ins(%x : tensor<?x8x?xf32>)
      outs(%e : tensor<?x?x8xf32>) permutation = [2, 0, 1]
  %1 = marimba.silu %0 : tensor<?x?x8xf32>
  %2 = marimba.silu %table : tensor<?x?x8xf32>
  return %1, %2 : tensor<?x?x8xf32>, tensor<?x?x8xf32>
}

// -----

// A state that looks like an activation: nobody says what time is.

// CHECK-LABEL: func @prefill(
// CHECK-NOT: func.func
// CHECK: {{^// -+$}}
func.func @prefill(%x: tensor<?x?x8xf32>, %s: tensor<?x?x8xf32> {marimba.state = "s"})
    -> (tensor<?x?x8xf32>, tensor<?x?x8xf32>)
    attributes {marimba.entry = "prefill"} {
  return %x, %s : tensor<?x?x8xf32>, tensor<?x?x8xf32>
}

// -----

// With marks there is no doubt about it.

// CHECK-LABEL: func @decode(
// CHECK-SAME: tensor<?x1x8xf32>, %{{.*}}: tensor<?x?x8xf32> {marimba.state = "s"})
// CHECK-SAME: -> (tensor<?x1x8xf32>, tensor<?x?x8xf32>)
func.func @prefill(%x: tensor<?x?x8xf32> {marimba.time = 1 : i64},
    %s: tensor<?x?x8xf32> {marimba.state = "s"})
    -> (tensor<?x?x8xf32>, tensor<?x?x8xf32>)
    attributes {marimba.entry = "prefill"} {
  return %x, %s : tensor<?x?x8xf32>, tensor<?x?x8xf32>
}

// -----

// A layer that is called with tokens and with something else has two copies.

// CHECK-LABEL: func @decode(
// CHECK: call @layer_decode(%{{.*}}) : (tensor<?x1x8xf32>) -> tensor<?x1x8xf32>
// CHECK: call @[[OTHER:layer_decode_[0-9]+]](%{{.*}}) : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
// CHECK: call @layer_decode(%{{.*}}) : (tensor<?x1x8xf32>) -> tensor<?x1x8xf32>
// CHECK: func private @layer_decode(%{{.*}}: tensor<?x1x8xf32>)
// CHECK: func private @[[OTHER]](%{{.*}}: tensor<?x?x8xf32>)
func.func private @layer(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  %0 = marimba.silu %x : tensor<?x?x8xf32>
  return %0 : tensor<?x?x8xf32>
}
func.func @prefill(%x: tensor<?x?x8xf32> {marimba.time = 1 : i64},
    %s: tensor<?x?x8xf32>) -> (tensor<?x?x8xf32>, tensor<?x?x8xf32>)
    attributes {marimba.entry = "prefill"} {
  %0 = call @layer(%x) : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %1 = call @layer(%s) : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %2 = call @layer(%0) : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %2, %1 : tensor<?x?x8xf32>, tensor<?x?x8xf32>
}

// -----

// Through destinations, elementwise ops, loops and arithmetic of sizes.

// CHECK-LABEL: func @decode(
// CHECK: tensor.empty(%{{[a-z0-9_]*}}) : tensor<?x2x8xf32>
// CHECK: %[[F:.*]] = linalg.fill {{.*}} -> tensor<?x1x8xf32>
// CHECK: %[[LOOP:.*]] = scf.for {{.*}} iter_args(%[[A:.*]] = %[[F]]) -> (tensor<?x1x8xf32>)
// CHECK: %[[S:.*]] = arith.addf %[[A]], %{{.*}} : tensor<?x1x8xf32>
// CHECK: scf.yield %[[S]] : tensor<?x1x8xf32>
// CHECK: linalg.add ins(%[[LOOP]], %{{.*}} : tensor<?x1x8xf32>, tensor<?x1x8xf32>) outs(%{{.*}} : tensor<?x1x8xf32>)
func.func @prefill(%x: tensor<?x?x8xf32> {marimba.time = 1 : i64}, %n: index,
    %rows: index, %tokens: index)
    -> (tensor<?x?x8xf32>, tensor<?x?x8xf32>)
    attributes {marimba.entry = "prefill"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %x, %c0 : tensor<?x?x8xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x8xf32>
  %t1 = arith.addi %t, %c1 : index
  %padded = tensor.empty(%b, %t1) : tensor<?x?x8xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%a = %f) -> tensor<?x?x8xf32> {
    %s = arith.addf %a, %x : tensor<?x?x8xf32>
    scf.yield %s : tensor<?x?x8xf32>
  }
  // The sizes of this one are known from what is written to it.
  %unknown = tensor.empty(%rows, %tokens) : tensor<?x?x8xf32>
  %y = linalg.add ins(%sum, %x : tensor<?x?x8xf32>, tensor<?x?x8xf32>)
      outs(%unknown : tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %y, %padded : tensor<?x?x8xf32>, tensor<?x?x8xf32>
}

// -----

// What says nothing of its results keeps its types: the branch, the function
// from elsewhere.

// CHECK-LABEL: func @decode(
// CHECK: %[[C:.*]] = tensor.cast %{{.*}} : tensor<?x1x8xf32> to tensor<?x?x8xf32>
// CHECK: call @elsewhere(%[[C]]) : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
// CHECK: scf.if {{.*}} -> (tensor<?x?x8xf32>)
// CHECK: tensor.cast %{{.*}} : tensor<?x1x8xf32> to tensor<?x?x8xf32>
// CHECK: scf.yield %{{.*}} : tensor<?x?x8xf32>
func.func private @elsewhere(tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
func.func @prefill(%x: tensor<?x?x8xf32> {marimba.time = 1 : i64}, %c: i1)
    -> tensor<?x?x8xf32> attributes {marimba.entry = "prefill"} {
  %0 = call @elsewhere(%x) : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %1 = scf.if %c -> tensor<?x?x8xf32> {
    %2 = marimba.silu %x : tensor<?x?x8xf32>
    scf.yield %2 : tensor<?x?x8xf32>
  } else {
    scf.yield %0 : tensor<?x?x8xf32>
  }
  return %1 : tensor<?x?x8xf32>
}
