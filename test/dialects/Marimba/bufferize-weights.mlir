// RUN: marimba-opt %s -one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" \
// RUN:   -canonicalize | FileCheck %s

marimba.weight @w : tensor<4x8xf32> from ["w"]

// CHECK-LABEL: func @read
func.func @read(%x: tensor<?x8xf32>, %y: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK: %[[W:.*]] = marimba.get_weight @w : memref<4x8xf32>
  // CHECK-NOT: memref.copy
  // CHECK: onednn.matmul %{{.*}}, %[[W]] outs(
  %w = marimba.get_weight @w : tensor<4x8xf32>
  %0 = onednn.matmul %x, %w outs(%y : tensor<?x4xf32>)
      : tensor<?x8xf32>, tensor<4x8xf32> -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// Nobody writes to a weight: what wants to gets a copy.
// CHECK-LABEL: func @write
func.func @write(%x: tensor<4x8xf32>, %p: tensor<4xi32>, %s: tensor<4xf32>)
    -> tensor<4x8xf32> {
  // CHECK: %[[W:.*]] = marimba.get_weight @w : memref<4x8xf32>
  // CHECK: %[[NEW:.*]] = memref.alloc()
  // CHECK: memref.copy %[[W]], %[[NEW]]
  // CHECK: marimba.scatter_add_rows %{{.*}} outs(%[[NEW]] :
  %w = marimba.get_weight @w : tensor<4x8xf32>
  %0 = marimba.scatter_add_rows %x, %p, %s outs(%w : tensor<4x8xf32>)
      {top_k = 1 : i64}
      : tensor<4x8xf32>, tensor<4xi32>, tensor<4xf32> -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}
