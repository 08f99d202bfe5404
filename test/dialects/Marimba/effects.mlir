// RUN: marimba-opt %s -canonicalize -cse | FileCheck %s

marimba.weight @w : tensor<8xf32> from ["w"]

// Tensors have no effects: what nobody uses goes away.
// CHECK-LABEL: func @unused_tensors
// CHECK-NEXT: return
func.func @unused_tensors(%x: tensor<?x8xf32>, %p: tensor<?xi32>) {
  %0 = marimba.gather_rows %x, %p outs(%x : tensor<?x8xf32>) {top_k = 2 : i64}
      : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x8xf32>
  %1 = marimba.silu %0 : tensor<?x8xf32>
  return
}

// Buffers are written.
// CHECK-LABEL: func @buffers
func.func @buffers(%x: memref<?x8xf32>, %p: memref<?xi32>,
                   %y: memref<?x8xf32>) {
  // CHECK: marimba.gather_rows
  // CHECK: marimba.gather_rows
  marimba.gather_rows %x, %p outs(%y : memref<?x8xf32>) {top_k = 2 : i64}
      : memref<?x8xf32>, memref<?xi32>
  marimba.gather_rows %x, %p outs(%x : memref<?x8xf32>) {top_k = 2 : i64}
      : memref<?x8xf32>, memref<?xi32>
  return
}

// One load of a weight is enough.
// CHECK-LABEL: func @same_weight
func.func @same_weight() -> (tensor<8xf32>, tensor<8xf32>) {
  // CHECK: %[[W:.*]] = marimba.get_weight @w
  // CHECK-NEXT: return %[[W]], %[[W]]
  %0 = marimba.get_weight @w : tensor<8xf32>
  %1 = marimba.get_weight @w : tensor<8xf32>
  return %0, %1 : tensor<8xf32>, tensor<8xf32>
}
