// RUN: marimba-opt %s -vectorize-linalg -split-input-file | FileCheck %s

#all = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// A row's columns go in the lanes; the tile's sum joins the row's.

// CHECK-LABEL: func @whole(
// CHECK: scf.parallel
// CHECK: scf.for %{{.*}} = %c0 to %c32 step %c16
// CHECK-NOT: mask
// CHECK: %[[X:.*]] = vector.load {{.*}} vector<16xf32>
// CHECK: %[[SQUARE:.*]] = arith.mulf %[[X]], %[[X]]
// CHECK: vector.reduction <add>, %[[SQUARE]], %{{.*}} : vector<16xf32> into f32
// CHECK-NOT: linalg.generic
func.func @whole(%x: memref<?x32xf32>, %y: memref<?xf32>) {
  linalg.generic {indexing_maps = [#all, #row],
                  iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x32xf32>) outs(%y : memref<?xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.mulf %in, %in : f32
    %1 = arith.addf %out, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

#all = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// What is behind the row is no part of its sum.

// CHECK-LABEL: func @tail(
// CHECK: %[[X:.*]] = vector.maskedload {{.*}} into vector<16xf32>
// CHECK: vector.mask %{{.*}} { vector.reduction <add>, %[[X]], %{{.*}} : vector<16xf32> into f32 }
func.func @tail(%x: memref<?x24xf32>, %y: memref<?xf32>) {
  linalg.generic {indexing_maps = [#all, #row],
                  iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x24xf32>) outs(%y : memref<?xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %out, %in : f32
    linalg.yield %0 : f32
  }
  return
}
