// RUN: marimba-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @packed
func.func @packed(%x: tensor<?x64xf32>, %w: tensor<32x64xbf16>, %bias: tensor<32xf32>,
    %m: tensor<?x32xf32>, %y: tensor<?x32xf32>) -> tensor<?x32xf32> {
  // CHECK: marimba.packed_matmul %{{.*}}, %{{.*}} packed bf16 bias(%{{.*}} : tensor<32xf32>)
  // CHECK-SAME: post_ops [sum, silu, mul(%{{.*}} : tensor<?x32xf32>), add(%{{.*}} : tensor<?x32xf32>)]
  %0 = marimba.packed_matmul %x, %w packed bf16 bias(%bias : tensor<32xf32>)
      post_ops [sum, silu, mul(%m : tensor<?x32xf32>), add(%m : tensor<?x32xf32>)]
      outs(%y : tensor<?x32xf32>)
      : tensor<?x64xf32>, tensor<32x64xbf16> -> tensor<?x32xf32>
  return %0 : tensor<?x32xf32>
}

// CHECK-LABEL: func @rows
func.func @rows(%ids: tensor<?x?xi32>, %w: tensor<32x64xbf16>, %y: tensor<?x?x64xf32>)
    -> tensor<?x?x64xf32> {
  // CHECK: marimba.packed_embedding %{{.*}}, %{{.*}} packed bf16 outs(%{{.*}} : tensor<?x?x64xf32>)
  %0 = marimba.packed_embedding %ids, %w packed bf16 outs(%y : tensor<?x?x64xf32>)
      : tensor<?x?xi32>, tensor<32x64xbf16> -> tensor<?x?x64xf32>
  return %0 : tensor<?x?x64xf32>
}

// CHECK-LABEL: func @quantized
func.func @quantized(%x: memref<?x64xf32>, %w: memref<4352xi8>, %y: memref<?x64xf32>) {
  // CHECK: marimba.quantized_matmul
  // CHECK-SAME: post_ops [scale(0.375), silu] outs
  marimba.quantized_matmul %x, %w as tensor<64x64xi8, #marimba.quantized<channel, scale f32>>
      post_ops [scale(0.375), silu] outs(%y : memref<?x64xf32>) : memref<?x64xf32>, memref<4352xi8>
  return
}
