// RUN: marimba-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @tensors
func.func @tensors(%x: tensor<?x?x8xf32>, %w: tensor<4x8xbf16>,
    %b: tensor<4xbf16>, %y: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
  // CHECK: onednn.matmul %{{.*}}, %{{.*}} outs(%{{.*}} : tensor<?x?x4xf32>) : tensor<?x?x8xf32>, tensor<4x8xbf16> -> tensor<?x?x4xf32>
  %0 = onednn.matmul %x, %w outs(%y : tensor<?x?x4xf32>)
      : tensor<?x?x8xf32>, tensor<4x8xbf16> -> tensor<?x?x4xf32>
  // CHECK: onednn.matmul %{{.*}}, %{{.*}} bias(%{{.*}} : tensor<4xbf16>) outs(%{{.*}} : tensor<?x?x4xf32>)
  %1 = onednn.matmul %x, %w bias(%b : tensor<4xbf16>)
      outs(%0 : tensor<?x?x4xf32>)
      : tensor<?x?x8xf32>, tensor<4x8xbf16> -> tensor<?x?x4xf32>
  return %1 : tensor<?x?x4xf32>
}

// CHECK-LABEL: func @buffers
func.func @buffers(%x: memref<?x8xf32, strided<[?, 1], offset: ?>>,
                   %w: memref<4x8xf32>, %y: memref<?x4xf32>) {
  // CHECK: onednn.matmul %{{.*}}, %{{.*}} outs(%{{.*}} : memref<?x4xf32>) : memref<?x8xf32, strided<[?, 1], offset: ?>>, memref<4x8xf32>{{$}}
  onednn.matmul %x, %w outs(%y : memref<?x4xf32>)
      : memref<?x8xf32, strided<[?, 1], offset: ?>>, memref<4x8xf32>
  return
}

// CHECK-LABEL: func @post_ops
func.func @post_ops(%x: tensor<?x8xbf16>, %w: tensor<4x8xf16>,
    %m: tensor<?x4xf32>, %y: tensor<?x4xbf16>) -> tensor<?x4xbf16> {
  // CHECK: onednn.matmul %{{.*}}, %{{.*}} post_ops [sum, silu, mul(%[[M:.*]] : tensor<?x4xf32>), add(%[[M]] : tensor<?x4xf32>)] outs(%{{.*}} : tensor<?x4xbf16>) : tensor<?x8xbf16>, tensor<4x8xf16> -> tensor<?x4xbf16>
  %0 = onednn.matmul %x, %w
      post_ops [sum, silu, mul(%m : tensor<?x4xf32>), add(%m : tensor<?x4xf32>)]
      outs(%y : tensor<?x4xbf16>)
      : tensor<?x8xbf16>, tensor<4x8xf16> -> tensor<?x4xbf16>
  return %0 : tensor<?x4xbf16>
}

// CHECK-LABEL: func @reorder
func.func @reorder(%x: tensor<?x?x8xf32>, %y: tensor<?x?x8xbf16>)
    -> tensor<?x?x8xbf16> {
  // CHECK: onednn.reorder %{{.*}} outs(%{{.*}} : tensor<?x?x8xbf16>) : tensor<?x?x8xf32> -> tensor<?x?x8xbf16>
  %0 = onednn.reorder %x outs(%y : tensor<?x?x8xbf16>)
      : tensor<?x?x8xf32> -> tensor<?x?x8xbf16>
  return %0 : tensor<?x?x8xbf16>
}
