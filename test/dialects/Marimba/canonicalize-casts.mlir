// RUN: marimba-opt %s -canonicalize | FileCheck %s

// A cast that forgets sizes goes away: the op sees the static type.
// CHECK-LABEL: func @less_static
// CHECK-SAME: %[[X:.*]]: memref<2x8xf32>, %[[P:.*]]: memref<2xi32>
func.func @less_static(%x: memref<2x8xf32>, %pairs: memref<2xi32>,
                       %y: memref<?x8xf32>) {
  // CHECK-NOT: memref.cast
  // CHECK: marimba.gather_rows %[[X]], %[[P]] outs({{.*}}) {top_k = 2 : i64} : memref<2x8xf32>, memref<2xi32>
  %0 = memref.cast %x : memref<2x8xf32> to memref<?x8xf32>
  %1 = memref.cast %pairs : memref<2xi32> to memref<?xi32>
  marimba.gather_rows %0, %1 outs(%y : memref<?x8xf32>) {top_k = 2 : i64}
      : memref<?x8xf32>, memref<?xi32>
  return
}

// A cast that claims sizes stays: it is the only one to know them.
// CHECK-LABEL: func @more_static
func.func @more_static(%x: memref<?x8xf32>, %pairs: memref<2xi32>,
                       %y: memref<2x8xf32>) {
  // CHECK: %[[CAST:.*]] = memref.cast
  // CHECK: marimba.gather_rows %[[CAST]],
  %0 = memref.cast %x : memref<?x8xf32> to memref<2x8xf32>
  marimba.gather_rows %0, %pairs outs(%y : memref<2x8xf32>) {top_k = 2 : i64}
      : memref<2x8xf32>, memref<2xi32>
  return
}

// On tensors the pattern is upstream's, for all destination-style ops.
// CHECK-LABEL: func @tensors
// CHECK-SAME: %[[X:.*]]: tensor<2x8xf32>
func.func @tensors(%x: tensor<2x8xf32>, %pairs: tensor<?xi32>,
                   %y: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK-NOT: tensor.cast
  // CHECK: marimba.gather_rows %[[X]], {{.*}} : tensor<2x8xf32>, tensor<?xi32> -> tensor<?x8xf32>
  %0 = tensor.cast %x : tensor<2x8xf32> to tensor<?x8xf32>
  %1 = marimba.gather_rows %0, %pairs outs(%y : tensor<?x8xf32>)
      {top_k = 2 : i64} : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x8xf32>
  return %1 : tensor<?x8xf32>
}
