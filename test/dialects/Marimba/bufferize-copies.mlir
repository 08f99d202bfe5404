// RUN: marimba-opt %s -one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" \
// RUN:   -canonicalize | FileCheck %s

// The old state is read later: the new one needs memory of its own, filled
// with the old values first.
// CHECK-LABEL: func @old_state_read
// CHECK-SAME: %[[X:.*]]: memref<1x2x8xf32>, %[[W:.*]]: memref<4x8xf32>, %[[E:.*]]: memref<1x2x8xf32>, %[[S:.*]]: memref<1x3x8xf32>
func.func @old_state_read(%x: tensor<1x2x8xf32>, %w: tensor<4x8xf32>,
    %empty: tensor<1x2x8xf32>, %state: tensor<1x3x8xf32>)
    -> (tensor<1x3x8xf32>, tensor<1x3x8xf32>) {
  // CHECK: %[[NEW:.*]] = memref.alloc() {{.*}} : memref<1x3x8xf32>
  // CHECK: memref.copy %[[S]], %[[NEW]]
  // CHECK: marimba.causal_conv1d %[[X]], %[[W]] outs(%[[E]], %[[NEW]] :
  // CHECK: return %[[NEW]], %[[S]]
  %y, %last = marimba.causal_conv1d %x, %w
      outs(%empty, %state : tensor<1x2x8xf32>, tensor<1x3x8xf32>)
      : tensor<1x2x8xf32>, tensor<4x8xf32>
     -> tensor<1x2x8xf32>, tensor<1x3x8xf32>
  return %last, %state : tensor<1x3x8xf32>, tensor<1x3x8xf32>
}

// An output whose old value is read later gets memory of its own as well, but
// nothing is copied: the op only writes it.
// CHECK-LABEL: func @old_output_read
// CHECK-SAME: %[[X:.*]]: memref<4x8xf32>, %[[P:.*]]: memref<4xi32>
func.func @old_output_read(%x: tensor<4x8xf32>, %p: tensor<4xi32>)
    -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  // CHECK: %[[NEW:.*]] = memref.alloc() {{.*}} : memref<4x8xf32>
  // CHECK-NOT: memref.copy
  // CHECK: marimba.gather_rows %[[X]], %[[P]] outs(%[[NEW]] :
  // CHECK: return %[[NEW]], %[[X]]
  %y = marimba.gather_rows %x, %p outs(%x : tensor<4x8xf32>) {top_k = 1 : i64}
      : tensor<4x8xf32>, tensor<4xi32> -> tensor<4x8xf32>
  return %y, %x : tensor<4x8xf32>, tensor<4x8xf32>
}

// What is accumulated into is copied with its values.
// CHECK-LABEL: func @old_sum_read
// CHECK-SAME: %[[X:.*]]: memref<4x8xf32>, %[[P:.*]]: memref<4xi32>, %[[W:.*]]: memref<4xf32>, %[[SUM:.*]]: memref<4x8xf32>
func.func @old_sum_read(%x: tensor<4x8xf32>, %p: tensor<4xi32>,
    %w: tensor<4xf32>, %sum: tensor<4x8xf32>)
    -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  // CHECK: memref.copy %[[SUM]], %[[NEW:.*]] :
  // CHECK: marimba.scatter_add_rows %{{.*}} outs(%[[NEW]] :
  %y = marimba.scatter_add_rows %x, %p, %w outs(%sum : tensor<4x8xf32>)
      {top_k = 1 : i64}
      : tensor<4x8xf32>, tensor<4xi32>, tensor<4xf32> -> tensor<4x8xf32>
  return %y, %sum : tensor<4x8xf32>, tensor<4x8xf32>
}
