// RUN: marimba-opt %s -vectorize-linalg -split-input-file | FileCheck %s

#all = affine_map<(d0, d1, d2) -> (d0, d1, d2)>

// Rows in parallel, whole vectors inside.

// CHECK-LABEL: func @static(
// CHECK: scf.parallel (%[[B:.*]], %[[T:.*]]) =
// CHECK: scf.for %{{.*}} = %c0 to %c32 step %c16
// CHECK-NOT: mask
// CHECK: %[[X:.*]] = vector.load {{.*}} vector<16xf32>
// CHECK: %[[Y:.*]] = arith.mulf %[[X]], %[[X]] : vector<16xf32>
// CHECK: vector.store %[[Y]],
// CHECK-NOT: linalg.generic
func.func @static(%x: memref<?x?x32xf32>, %y: memref<?x?x32xf32>) {
  linalg.generic {indexing_maps = [#all, #all],
                  iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : memref<?x?x32xf32>) outs(%y : memref<?x?x32xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.mulf %in, %in : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

#all = affine_map<(d0) -> (d0)>

// CHECK-LABEL: func @dynamic(
// CHECK: %[[SIZE:.*]] = memref.dim
// CHECK: scf.for %[[I:.*]] = %c0 to %[[SIZE]] step %c16
// CHECK: %[[LEFT:.*]] = affine.min #{{.*}}(%[[I]])[%[[SIZE]]]
// CHECK: %[[MASK:.*]] = vector.create_mask %[[LEFT]] : vector<16xi1>
// CHECK: %[[STORED:.*]] = vector.maskedload %{{.*}}, %[[MASK]], %{{.*}} into vector<16xbf16>
// CHECK: %[[WIDE:.*]] = arith.extf %[[STORED]] : vector<16xbf16> to vector<16xf32>
// CHECK: vector.maskedstore %{{.*}}, %[[MASK]], %[[WIDE]]
func.func @dynamic(%x: memref<?xbf16>, %y: memref<?xf32>) {
  linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel"]}
      ins(%x : memref<?xbf16>) outs(%y : memref<?xf32>) {
  ^bb0(%in: bf16, %out: f32):
    %0 = arith.extf %in : bf16 to f32
    linalg.yield %0 : f32
  }
  return
}

// -----

#all = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#column = affine_map<(d0, d1) -> (d1)>

// A factor for each row is the same in all lanes, one for each column is not.

// CHECK-LABEL: func @broadcasts(
// CHECK: scf.parallel
// CHECK: scf.for
// CHECK-DAG: vector.load {{.*}}, vector<16xf32>
// CHECK-DAG: vector.broadcast {{.*}} to vector<16xf32>
// CHECK: arith.mulf {{.*}} : vector<16xf32>
// CHECK: arith.mulf {{.*}} : vector<16xf32>
// CHECK-NOT: linalg.generic
func.func @broadcasts(%x: memref<?x32xf32>, %f: memref<?xf32>,
    %w: memref<32xf32>, %y: memref<?x32xf32>) {
  linalg.generic {indexing_maps = [#all, #row, #column, #all],
                  iterator_types = ["parallel", "parallel"]}
      ins(%x, %f, %w : memref<?x32xf32>, memref<?xf32>, memref<32xf32>)
      outs(%y : memref<?x32xf32>) {
  ^bb0(%in: f32, %factor: f32, %weight: f32, %out: f32):
    %0 = arith.mulf %in, %factor : f32
    %1 = arith.mulf %0, %weight : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

// Copies and fills, too; 256 bits are eight lanes.

// RUN: marimba-opt %s -vectorize-linalg=vector-bits=256 -split-input-file \
// RUN:   | FileCheck %s --check-prefix=V256
// V256-LABEL: func @copy(
// V256: vector.load {{.*}} vector<8xf32>

// CHECK-LABEL: func @copy(
// CHECK: vector.load {{.*}} vector<16xf32>
// CHECK: vector.store
func.func @copy(%x: memref<?x32xf32, strided<[?, 1], offset: ?>>,
    %y: memref<?x32xf32>) {
  linalg.copy ins(%x : memref<?x32xf32, strided<[?, 1], offset: ?>>)
      outs(%y : memref<?x32xf32>)
  return
}

// -----

#all = affine_map<(d0) -> (d0)>

// Loads of the body's own are no lanes.

// CHECK-LABEL: func @gather(
// CHECK-NOT: vector.
// CHECK: linalg.generic
func.func @gather(%i: memref<?xi32>, %x: memref<16xf32>, %y: memref<?xf32>) {
  linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel"]}
      ins(%i : memref<?xi32>) outs(%y : memref<?xf32>) {
  ^bb0(%in: i32, %out: f32):
    %at = arith.index_cast %in : i32 to index
    %0 = memref.load %x[%at] : memref<16xf32>
    linalg.yield %0 : f32
  }
  return
}

// -----

#all = affine_map<(d0, d1) -> (d0, d1)>
#turned = affine_map<(d0, d1) -> (d1, d0)>

// No dimension is contiguous in both.

// CHECK-LABEL: func @transpose(
// CHECK-NOT: vector.
// CHECK: linalg.generic
func.func @transpose(%x: memref<?x?xf32>, %y: memref<?x?xf32>) {
  linalg.generic {indexing_maps = [#turned, #all],
                  iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<?x?xf32>) outs(%y : memref<?x?xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  }
  return
}

// -----

#all = affine_map<(d0) -> (d0)>

// CHECK-LABEL: func @tensors(
// CHECK: linalg.generic
func.func @tensors(%x: tensor<?xf32>) -> tensor<?xf32> {
  %0 = linalg.generic {indexing_maps = [#all, #all],
                       iterator_types = ["parallel"]}
      ins(%x : tensor<?xf32>) outs(%x : tensor<?xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = arith.mulf %in, %in : f32
    linalg.yield %1 : f32
  } -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
