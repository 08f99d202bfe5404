// RUN: marimba-opt %s -canonicalize | FileCheck %s

// CHECK-LABEL: func @forgotten_sizes
// CHECK-SAME: %[[X:.*]]: memref<3x8xf32>
func.func @forgotten_sizes(%x: memref<3x8xf32>, %w: memref<4x8xf32>,
                           %y: memref<?x4xf32>) {
  // CHECK-NEXT: onednn.matmul %[[X]], %{{.*}} outs({{.*}}) : memref<3x8xf32>,
  %0 = memref.cast %x : memref<3x8xf32> to memref<?x8xf32>
  onednn.matmul %0, %w outs(%y : memref<?x4xf32>)
      : memref<?x8xf32>, memref<4x8xf32>
  return
}

// The cast says what the verifier asks for: unit stride.
// CHECK-LABEL: func @needed_stride
func.func @needed_stride(%x: memref<?x8xf32, strided<[?, ?]>>,
                         %w: memref<4x8xf32>, %y: memref<?x4xf32>) {
  // CHECK: %[[CAST:.*]] = memref.cast
  // CHECK: onednn.matmul %[[CAST]],
  %0 = memref.cast %x : memref<?x8xf32, strided<[?, ?]>>
                     to memref<?x8xf32, strided<[?, 1]>>
  onednn.matmul %0, %w outs(%y : memref<?x4xf32>)
      : memref<?x8xf32, strided<[?, 1]>>, memref<4x8xf32>
  return
}
