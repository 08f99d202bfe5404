// RUN: marimba-opt %s -bufferize-model | FileCheck %s

// memref.copy of strided memory would be a call of MLIR's library.

// CHECK-LABEL: func private @insert(
// CHECK-SAME: %[[X:.*]]: memref<?x?x8xf32, {{.*}}>, %[[HIDDEN:.*]]: memref<3x?x?x8xf32, {{.*}}>, %[[B:.*]]: index, %[[T:.*]]: index)
// CHECK: %[[SLICE:.*]] = memref.subview %[[HIDDEN]][1, 0, 0, 0] [1, %[[B]], %[[T]], 8]
// CHECK: linalg.copy ins(%[[X]] : {{.*}}) outs(%[[SLICE]] :
// CHECK-NOT: memref.copy
// CHECK: return{{$}}
func.func private @insert(%x: tensor<?x?x8xf32>, %hidden: tensor<3x?x?x8xf32>,
    %b: index, %t: index) -> tensor<3x?x?x8xf32> {
  %0 = tensor.insert_slice %x into %hidden[1, 0, 0, 0] [1, %b, %t, 8]
      [1, 1, 1, 1] : tensor<?x?x8xf32> into tensor<3x?x?x8xf32>
  return %0 : tensor<3x?x?x8xf32>
}

// Rows split into batch and time: two dynamic sizes of one.

// CHECK-LABEL: func private @expand(
// CHECK: %[[BUFFER:.*]] = memref.alloc
// CHECK-NOT: memref.expand_shape
// CHECK: %[[STRIDE:.*]] = affine.apply #{{.*}}()[%[[T:.*]]]
// CHECK: memref.reinterpret_cast %[[BUFFER]] to offset: [0], sizes: [%{{.*}}, %[[T]], 8], strides: [%[[STRIDE]], 8, 1]
func.func private @expand(%y: tensor<?x?x8xf32>, %n: index)
    -> tensor<?x?x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %y, %c0 : tensor<?x?x8xf32>
  %t = tensor.dim %y, %c1 : tensor<?x?x8xf32>
  %f = arith.constant 1.0 : f32
  %e = tensor.empty(%n) : tensor<?x8xf32>
  %z = linalg.fill ins(%f : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %x = tensor.expand_shape %z [[0, 1], [2]] output_shape [%b, %t, 8]
      : tensor<?x8xf32> into tensor<?x?x8xf32>
  %r = linalg.exp ins(%x : tensor<?x?x8xf32>) outs(%y : tensor<?x?x8xf32>)
      -> tensor<?x?x8xf32>
  return %r : tensor<?x?x8xf32>
}

// One dynamic size is MLIR's.

// CHECK-LABEL: func private @split_heads(
// CHECK: memref.expand_shape %{{.*}} {{\[\[}}0], [1, 2]]
func.func private @split_heads(%y: tensor<?x2x4xf32>, %n: index)
    -> tensor<?x2x4xf32> {
  %f = arith.constant 1.0 : f32
  %e = tensor.empty(%n) : tensor<?x8xf32>
  %z = linalg.fill ins(%f : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %x = tensor.expand_shape %z [[0], [1, 2]] output_shape [%n, 2, 4]
      : tensor<?x8xf32> into tensor<?x2x4xf32>
  %r = linalg.exp ins(%x : tensor<?x2x4xf32>) outs(%y : tensor<?x2x4xf32>)
      -> tensor<?x2x4xf32>
  return %r : tensor<?x2x4xf32>
}
