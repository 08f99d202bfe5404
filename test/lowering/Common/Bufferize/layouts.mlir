// RUN: marimba-opt %s -bufferize-model | FileCheck %s

// Rows are contiguous, what is outside them may be strided: a range of state
// slots, a cache that has room to grow. Weights, of static shape, have no
// layout.

// CHECK-LABEL: func @prefill(
// CHECK-SAME: memref<?x16x384xf32, strided<[?, 384, 1], offset: ?>>,
// CHECK-SAME: memref<?x?x384xf32, strided<[?, 384, 1], offset: ?>>,
// CHECK-SAME: memref<?x2x?x32xf32, strided<[?, ?, 32, 1], offset: ?>>,
// CHECK-SAME: memref<3x?x?x8xf32, strided<[?, ?, 8, 1], offset: ?>>,
// CHECK-SAME: memref<?x?xi32, strided<[?, 1], offset: ?>>,
// CHECK-SAME: memref<?xi32, strided<[1], offset: ?>>,
// CHECK-SAME: memref<4x8xbf16>)
func.func @prefill(%state: tensor<?x16x384xf32>, %x: tensor<?x?x384xf32>,
    %cache: tensor<?x2x?x32xf32>, %hidden: tensor<3x?x?x8xf32>,
    %ids: tensor<?x?xi32>, %valid: tensor<?xi32>, %w: tensor<4x8xbf16>)
    attributes {marimba.entry = "prefill"} {
  return
}
