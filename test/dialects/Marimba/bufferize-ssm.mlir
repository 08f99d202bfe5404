// RUN: marimba-opt %s -one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" \
// RUN:   -canonicalize | FileCheck %s

// States are updated in place; the output goes to its own buffer.
// CHECK-LABEL: func @scan
// CHECK-SAME: %[[D:.*]]: memref<2x?x4x8xf32>, %[[E:.*]]: memref<2x?x4x8xf32>, %[[S:.*]]: memref<2x4x8xf32>
func.func @scan(%decay: tensor<2x?x4x8xf32>, %empty: tensor<2x?x4x8xf32>,
                %state: tensor<2x4x8xf32>)
    -> (tensor<2x?x4x8xf32>, tensor<2x4x8xf32>) {
  // CHECK-NOT: memref.alloc
  // CHECK-NOT: memref.copy
  // CHECK: marimba.scan %[[D]], %[[D]] outs(%[[E]], %[[S]] : memref<2x?x4x8xf32>, memref<2x4x8xf32>)
  // CHECK-NEXT: return %[[E]], %[[S]]
  %y, %last = marimba.scan %decay, %decay
      outs(%empty, %state : tensor<2x?x4x8xf32>, tensor<2x4x8xf32>)
      : tensor<2x?x4x8xf32>, tensor<2x?x4x8xf32>
     -> tensor<2x?x4x8xf32>, tensor<2x4x8xf32>
  return %y, %last : tensor<2x?x4x8xf32>, tensor<2x4x8xf32>
}

// CHECK-LABEL: func @selective_scan
// CHECK-SAME: %[[U:.*]]: memref<?x?x8xf32>, %[[A:.*]]: memref<4x8xf32>, %[[B:.*]]: memref<?x?x4xf32>, %[[D:.*]]: memref<8xbf16>, %[[V:.*]]: memref<?xi32>, %[[E:.*]]: memref<?x?x8xf32>, %[[S:.*]]: memref<?x4x8xf32>
func.func @selective_scan(%u: tensor<?x?x8xf32>, %A: tensor<4x8xf32>,
    %B: tensor<?x?x4xf32>, %D: tensor<8xbf16>, %valid: tensor<?xi32>,
    %empty: tensor<?x?x8xf32>, %state: tensor<?x4x8xf32>)
    -> (tensor<?x?x8xf32>, tensor<?x4x8xf32>) {
  // CHECK-NOT: memref.alloc
  // CHECK-NOT: memref.copy
  // CHECK: marimba.selective_scan %[[U]], %[[U]], %[[A]], %[[B]], %[[B]] skip(%[[D]] : memref<8xbf16>) valid(%[[V]] : memref<?xi32>) outs(%[[E]], %[[S]] : {{.*}}) {delta_softplus}
  %y, %last = marimba.selective_scan %u, %u, %A, %B, %B
      skip(%D : tensor<8xbf16>) valid(%valid : tensor<?xi32>)
      outs(%empty, %state : tensor<?x?x8xf32>, tensor<?x4x8xf32>)
      {delta_softplus}
      : tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<4x8xf32>,
        tensor<?x?x4xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x8xf32>, tensor<?x4x8xf32>
  return %y, %last : tensor<?x?x8xf32>, tensor<?x4x8xf32>
}

// CHECK-LABEL: func @causal_conv1d
// CHECK-SAME: %[[X:.*]]: memref<?x?x8xf32>, %[[W:.*]]: memref<4x8xf32>, %[[E:.*]]: memref<?x?x8xf32>, %[[S:.*]]: memref<?x3x8xf32>
func.func @causal_conv1d(%x: tensor<?x?x8xf32>, %w: tensor<4x8xf32>,
    %empty: tensor<?x?x8xf32>, %state: tensor<?x3x8xf32>)
    -> (tensor<?x?x8xf32>, tensor<?x3x8xf32>) {
  // CHECK-NOT: memref.alloc
  // CHECK-NOT: memref.copy
  // CHECK: marimba.causal_conv1d %[[X]], %[[W]] outs(%[[E]], %[[S]] :
  %y, %last = marimba.causal_conv1d %x, %w
      outs(%empty, %state : tensor<?x?x8xf32>, tensor<?x3x8xf32>)
      : tensor<?x?x8xf32>, tensor<4x8xf32>
     -> tensor<?x?x8xf32>, tensor<?x3x8xf32>
  return %y, %last : tensor<?x?x8xf32>, tensor<?x3x8xf32>
}
