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
