// RUN: marimba-opt %s -fuse-conv-silu -split-input-file | FileCheck %s

// CHECK-LABEL: func @fuses
// CHECK: %[[CONV:.*]]:2 = marimba.causal_conv1d {{.*}} {silu}
// CHECK-NOT: marimba.silu
// CHECK: return %[[CONV]]#0, %[[CONV]]#1
func.func @fuses(%x: tensor<?x?x8xf32>, %w: tensor<4x8xf32>,
    %e: tensor<?x?x8xf32>, %s: tensor<?x3x8xf32>)
    -> (tensor<?x?x8xf32>, tensor<?x3x8xf32>) {
  %y, %last = marimba.causal_conv1d %x, %w
      outs(%e, %s : tensor<?x?x8xf32>, tensor<?x3x8xf32>)
      : tensor<?x?x8xf32>, tensor<4x8xf32>
     -> tensor<?x?x8xf32>, tensor<?x3x8xf32>
  %z = marimba.silu %y : tensor<?x?x8xf32>
  return %z, %last : tensor<?x?x8xf32>, tensor<?x3x8xf32>
}

// -----

// CHECK-LABEL: func @another_reader
// CHECK: %[[CONV:.*]]:2 = marimba.causal_conv1d
// CHECK-NOT: {silu}
// CHECK: %[[Z:.*]] = marimba.silu %[[CONV]]#0
// CHECK: return %[[Z]], %[[CONV]]#0
func.func @another_reader(%x: tensor<?x?x8xf32>, %w: tensor<4x8xf32>,
    %e: tensor<?x?x8xf32>, %s: tensor<?x3x8xf32>)
    -> (tensor<?x?x8xf32>, tensor<?x?x8xf32>) {
  %y, %last = marimba.causal_conv1d %x, %w
      outs(%e, %s : tensor<?x?x8xf32>, tensor<?x3x8xf32>)
      : tensor<?x?x8xf32>, tensor<4x8xf32>
     -> tensor<?x?x8xf32>, tensor<?x3x8xf32>
  %z = marimba.silu %y : tensor<?x?x8xf32>
  return %z, %y : tensor<?x?x8xf32>, tensor<?x?x8xf32>
}

// -----

// The second silu stays: silu(silu(y)) is another function.

// CHECK-LABEL: func @two_silus
// CHECK: %[[CONV:.*]]:2 = marimba.causal_conv1d {{.*}} {silu}
// CHECK: %[[Z:.*]] = marimba.silu %[[CONV]]#0
// CHECK-NOT: marimba.silu
// CHECK: return %[[Z]]
func.func @two_silus(%x: tensor<?x?x8xf32>, %w: tensor<4x8xf32>,
    %e: tensor<?x?x8xf32>, %s: tensor<?x3x8xf32>) -> tensor<?x?x8xf32> {
  %y, %last = marimba.causal_conv1d %x, %w
      outs(%e, %s : tensor<?x?x8xf32>, tensor<?x3x8xf32>)
      : tensor<?x?x8xf32>, tensor<4x8xf32>
     -> tensor<?x?x8xf32>, tensor<?x3x8xf32>
  %z = marimba.silu %y : tensor<?x?x8xf32>
  %zz = marimba.silu %z : tensor<?x?x8xf32>
  return %zz : tensor<?x?x8xf32>
}

// -----

// The state is raw input.

// CHECK-LABEL: func @silu_of_state
// CHECK: %[[CONV:.*]]:2 = marimba.causal_conv1d
// CHECK-NOT: {silu}
// CHECK: marimba.silu %[[CONV]]#1
func.func @silu_of_state(%x: tensor<?x?x8xf32>, %w: tensor<4x8xf32>,
    %e: tensor<?x?x8xf32>, %s: tensor<?x3x8xf32>) -> tensor<?x3x8xf32> {
  %y, %last = marimba.causal_conv1d %x, %w
      outs(%e, %s : tensor<?x?x8xf32>, tensor<?x3x8xf32>)
      : tensor<?x?x8xf32>, tensor<4x8xf32>
     -> tensor<?x?x8xf32>, tensor<?x3x8xf32>
  %z = marimba.silu %last : tensor<?x3x8xf32>
  return %z : tensor<?x3x8xf32>
}
