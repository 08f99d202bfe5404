// RUN: marimba-opt %s -vectorize-linalg=vector-bits=128 -canonicalize -cse -split-input-file | FileCheck %s

#x = affine_map<(b, t, h, n, k) -> (b, t, h, k)>
#w = affine_map<(b, t, h, n, k) -> (h, k, n)>
#y = affine_map<(b, t, h, n, k) -> (b, t, h, n)>

// A matrix for each head: a task is one head and up to 64 tokens of a sequence,
// whose product is tiles in registers.

// CHECK-LABEL: func @heads(
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<?x?x3x8xf32>, %[[W:[a-z0-9]+]]: memref<3x8x16xf32>, %[[Y:[a-z0-9]+]]: memref<?x?x3x16xf32>
// CHECK: %[[TIME:.*]] = memref.dim %[[X]], %c1
// CHECK: %[[TASKS:.*]] = arith.ceildivui %[[TIME]], %c64
// CHECK: %[[ROWS:.*]] = memref.dim %[[X]], %c0
// CHECK: scf.parallel (%[[HEAD:.*]], %[[ROW:.*]], %[[TASK:.*]]) = ({{.*}}) to (%c3, %[[ROWS]], %[[TASKS]])
// CHECK: %[[FIRST:.*]] = arith.muli %[[TASK]], %c64
// CHECK: %[[COUNT:.*]] = arith.minsi
// CHECK-DAG: memref.subview %[[X]][%[[ROW]], %[[FIRST]], %[[HEAD]], 0] [1, %[[COUNT]], 1, 8] [1, 1, 1, 1] : memref<?x?x3x8xf32> to memref<?x8xf32,
// CHECK-DAG: memref.subview %[[W]][%[[HEAD]], 0, 0] [1, 8, 16] [1, 1, 1] : memref<3x8x16xf32> to memref<8x16xf32,
// CHECK-DAG: memref.subview %[[Y]][%[[ROW]], %[[FIRST]], %[[HEAD]], 0] [1, %[[COUNT]], 1, 16]
// CHECK: scf.for {{.*}} iter_args
// CHECK: math.fma
// CHECK-NOT: linalg.generic
func.func @heads(%x: memref<?x?x3x8xf32>, %w: memref<3x8x16xf32>,
    %y: memref<?x?x3x16xf32>) {
  linalg.generic {indexing_maps = [#x, #w, #y],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x?x3x8xf32>, memref<3x8x16xf32>)
      outs(%y : memref<?x?x3x16xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %product = arith.mulf %a, %b : f32
    %sum = arith.addf %c, %product : f32
    linalg.yield %sum : f32
  }
  return
}

// -----

#x = affine_map<(b, t, h, n, k) -> (b, t, h, k)>
#w = affine_map<(b, t, h, n, k) -> (h, k, n)>
#y = affine_map<(b, t, h, n, k) -> (b, t, h, n)>

// Of one token each, the rows are the sequences.

// CHECK-LABEL: func @one_token(
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<?x1x3x8xf32
// CHECK: %[[ROWS:.*]] = memref.dim %[[X]], %c0
// CHECK: %[[TASKS:.*]] = arith.ceildivui %[[ROWS]], %c64
// CHECK: scf.parallel (%[[HEAD:.*]], %[[TASK:.*]]) = ({{.*}}) to (%c3, %[[TASKS]])
// CHECK: memref.subview %[[X]][%{{.*}}, {{.*}}, %[[HEAD]], 0] [%{{.*}}, 1, 1, 8] [1, 1, 1, 1]
// CHECK: math.fma
// CHECK-NOT: linalg.generic
func.func @one_token(%x: memref<?x1x3x8xf32, strided<[36, 36, 12, 1], offset: ?>>,
    %w: memref<3x8x16xf32>, %y: memref<?x1x3x16xf32>) {
  linalg.generic {indexing_maps = [#x, #w, #y],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x1x3x8xf32, strided<[36, 36, 12, 1], offset: ?>>, memref<3x8x16xf32>)
      outs(%y : memref<?x1x3x16xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %product = arith.mulf %a, %b : f32
    %sum = arith.addf %c, %product : f32
    linalg.yield %sum : f32
  }
  return
}

// -----

#x = affine_map<(b, t, h, n, k) -> (b, t, h, k)>
#w = affine_map<(b, t, h, n, k) -> (h, n, k)>
#y = affine_map<(b, t, h, n, k) -> (b, t, h, n)>

// Matrices the other way round are left to others.

// CHECK-LABEL: func @transposed(
// CHECK-NOT: memref<8x16xf32,
func.func @transposed(%x: memref<2x2x3x8xf32>, %w: memref<3x16x8xf32>,
    %y: memref<2x2x3x16xf32>) {
  linalg.generic {indexing_maps = [#x, #w, #y],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<2x2x3x8xf32>, memref<3x16x8xf32>)
      outs(%y : memref<2x2x3x16xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %product = arith.mulf %a, %b : f32
    %sum = arith.addf %c, %product : f32
    linalg.yield %sum : f32
  }
  return
}
