// RUN: marimba-opt %s -one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" \
// RUN:   -canonicalize | FileCheck %s

// CHECK-LABEL: func @in_place
// CHECK-SAME: %[[X:.*]]: memref<?x?x8xf32>, %[[W:.*]]: memref<4x8xbf16>, %[[B:.*]]: memref<4xbf16>, %[[Y:.*]]: memref<?x?x4xf32>
func.func @in_place(%x: tensor<?x?x8xf32>, %w: tensor<4x8xbf16>,
    %b: tensor<4xbf16>, %y: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
  // CHECK-NEXT: onednn.matmul %[[X]], %[[W]] bias(%[[B]] : memref<4xbf16>) outs(%[[Y]] : memref<?x?x4xf32>) : memref<?x?x8xf32>, memref<4x8xbf16>
  // CHECK-NEXT: return %[[Y]]
  %0 = onednn.matmul %x, %w bias(%b : tensor<4xbf16>)
      outs(%y : tensor<?x?x4xf32>)
      : tensor<?x?x8xf32>, tensor<4x8xbf16> -> tensor<?x?x4xf32>
  return %0 : tensor<?x?x4xf32>
}

// Where input and output are the same tensor, the output gets new memory: a
// product cannot be written over its factors. Nothing is copied.
// CHECK-LABEL: func @over_input
// CHECK-SAME: %[[X:.*]]: memref<3x8xf32>
func.func @over_input(%x: tensor<3x8xf32>, %w: tensor<8x8xf32>)
    -> tensor<3x8xf32> {
  // CHECK: %[[NEW:.*]] = memref.alloc()
  // CHECK-NOT: memref.copy
  // CHECK: onednn.matmul %[[X]], %{{.*}} outs(%[[NEW]] :
  %0 = onednn.matmul %x, %w outs(%x : tensor<3x8xf32>)
      : tensor<3x8xf32>, tensor<8x8xf32> -> tensor<3x8xf32>
  return %0 : tensor<3x8xf32>
}

// A sum reads what the destination held: in place where it may be overwritten,
// and over nothing that is read later.
// CHECK-LABEL: func @sum
// CHECK-SAME: %[[X:.*]]: memref<?x8xf32>, %{{.*}}: memref<8x8xf32>, %[[Y:.*]]: memref<?x8xf32>
func.func @sum(%x: tensor<?x8xf32>, %w: tensor<8x8xf32>, %y: tensor<?x8xf32>)
    -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK: %[[NEW:.*]] = memref.alloc
  // CHECK: memref.copy %[[Y]], %[[NEW]]
  // CHECK: onednn.matmul %[[X]], %{{.*}} post_ops [sum] outs(%[[NEW]] :
  // CHECK: onednn.matmul %[[NEW]], %{{.*}} post_ops [sum] outs(%[[Y]] :
  %0 = onednn.matmul %x, %w post_ops [sum] outs(%y : tensor<?x8xf32>)
      : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
  %1 = onednn.matmul %0, %w post_ops [sum] outs(%y : tensor<?x8xf32>)
      : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
  return %0, %1 : tensor<?x8xf32>, tensor<?x8xf32>
}
