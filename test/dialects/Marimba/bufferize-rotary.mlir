// RUN: marimba-opt %s -one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" \
// RUN:   -canonicalize | FileCheck %s

// What the destinations held is never read: no copies.

// CHECK-LABEL: func @rotary
// CHECK-SAME: %[[PAST:.*]]: memref<?xi32>, %[[X:.*]]: memref<?x?x6x8xf32>, %[[Y:.*]]: memref<?x?x6x8xf32>
func.func @rotary(%past: tensor<?xi32>, %x: tensor<?x?x6x8xf32>,
    %y: tensor<?x?x6x8xf32>, %batch: index, %time: index)
    -> tensor<?x?x6x8xf32> {
  // CHECK: memref.alloc
  // CHECK: memref.alloc
  // CHECK-NOT: memref.copy
  // CHECK: marimba.rotary_table %[[PAST]] outs(%[[COS:[^ ,]*]], %[[SIN:[^ ,]*]] :
  // CHECK: marimba.rotary_embedding %[[X]], %[[COS]], %[[SIN]] outs(%[[Y]] :
  // CHECK-NEXT: return %[[Y]]
  %c = tensor.empty(%batch, %time) : tensor<?x?x4xf32>
  %s = tensor.empty(%batch, %time) : tensor<?x?x4xf32>
  %cos, %sin = marimba.rotary_table %past
      outs(%c, %s : tensor<?x?x4xf32>, tensor<?x?x4xf32>)
      {frequencies = array<f32: 1.0, 0.1, 0.01, 0.001>}
      : tensor<?xi32> -> tensor<?x?x4xf32>, tensor<?x?x4xf32>
  %r = marimba.rotary_embedding %x, %cos, %sin outs(%y : tensor<?x?x6x8xf32>)
      : tensor<?x?x6x8xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x6x8xf32>
  return %r : tensor<?x?x6x8xf32>
}
