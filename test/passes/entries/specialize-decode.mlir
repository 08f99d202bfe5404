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
func.func @prefill(%x: tensor<?x?x8xf32>, %b: index, %t: index)
    -> tensor<?x?x2x2xf32> attributes {marimba.entry = "prefill"} {
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

// CHECK-DAG: func private @layer_decode() -> i32
// CHECK-DAG: func private @[[COPY:layer_decode_[0-9]+]](%{{.*}}: tensor<?x1x8xf32>)
// CHECK-DAG: call @[[COPY]](
func.func private @layer_decode() -> i32
func.func private @layer(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  return %x : tensor<?x?x8xf32>
}
func.func @prefill(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
    attributes {marimba.entry = "prefill"} {
  %0 = call @layer(%x) : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %0 : tensor<?x?x8xf32>
}
