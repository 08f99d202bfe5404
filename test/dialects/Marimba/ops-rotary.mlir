// RUN: marimba-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @tensors
func.func @tensors(%past: tensor<?xi32>, %table: tensor<?x?x2xf32>,
    %x: tensor<?x?x6x8xf32>) -> tensor<?x?x6x8xf32> {
  // CHECK: %[[TABLE:.*]]:2 = marimba.rotary_table %{{.*}} outs(
  // CHECK-SAME: {frequencies = array<f32: 1.0, 0.01>} : tensor<?xi32> -> tensor<?x?x2xf32>, tensor<?x?x2xf32>
  %cos, %sin = marimba.rotary_table %past
      outs(%table, %table : tensor<?x?x2xf32>, tensor<?x?x2xf32>)
      {frequencies = array<f32: 1.0, 0.01>}
      : tensor<?xi32> -> tensor<?x?x2xf32>, tensor<?x?x2xf32>
  // CHECK: marimba.rotary_embedding %{{.*}}, %[[TABLE]]#0, %[[TABLE]]#1 outs(
  // CHECK-SAME: : tensor<?x?x6x8xf32>, tensor<?x?x2xf32>, tensor<?x?x2xf32> -> tensor<?x?x6x8xf32>
  %y = marimba.rotary_embedding %x, %cos, %sin outs(%x : tensor<?x?x6x8xf32>)
      : tensor<?x?x6x8xf32>, tensor<?x?x2xf32>, tensor<?x?x2xf32>
     -> tensor<?x?x6x8xf32>
  return %y : tensor<?x?x6x8xf32>
}

// CHECK-LABEL: func @buffers
func.func @buffers(%past: memref<?xi32>, %cos: memref<?x?x4xf32>,
    %sin: memref<?x?x4xf32>, %x: memref<?x?x6x8xf32>, %y: memref<?x?x6x8xf32>) {
  // CHECK: marimba.rotary_table %{{.*}} : memref<?xi32>{{$}}
  marimba.rotary_table %past
      outs(%cos, %sin : memref<?x?x4xf32>, memref<?x?x4xf32>)
      {frequencies = array<f32: 1.0, 0.1, 0.01, 0.001>} : memref<?xi32>
  // CHECK: marimba.rotary_embedding %{{.*}} : memref<?x?x6x8xf32>, memref<?x?x4xf32>, memref<?x?x4xf32>{{$}}
  marimba.rotary_embedding %x, %cos, %sin outs(%y : memref<?x?x6x8xf32>)
      : memref<?x?x6x8xf32>, memref<?x?x4xf32>, memref<?x?x4xf32>
  return
}
