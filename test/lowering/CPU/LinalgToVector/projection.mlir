// RUN: marimba-opt %s -vectorize-linalg -canonicalize -split-input-file | FileCheck %s

#x = affine_map<(o, n, k) -> (o, k)>
#w = affine_map<(o, n, k) -> (n, k)>
#y = affine_map<(o, n, k) -> (o, n)>

// Four rows by four columns: eight vectors are loaded for 16 products. Weights
// are widened as they are read.

// CHECK-LABEL: func @tile(
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<?x32xf32>, %[[W:[a-z0-9]+]]: memref<12x32xbf16>, %[[Y:[a-z0-9]+]]: memref<?x12xf32>
// CHECK: scf.parallel (%{{.*}}) = {{.*}} to (%c12) step (%c4)
// CHECK: scf.if
// CHECK: scf.for
// CHECK: scf.for {{.*}} to %c32 step %c16 iter_args({{.*}}) -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK-NOT: mask
// CHECK-COUNT-4: vector.load %[[X]]
// CHECK-NOT: vector.load %[[X]]
// CHECK-COUNT-4: arith.extf {{.*}} vector<16xbf16> to vector<16xf32>
// CHECK-COUNT-16: math.fma
// CHECK-NEXT: scf.yield
// CHECK-COUNT-16: memref.store %{{.*}}, %[[Y]]
// CHECK-NOT: memref.store
// CHECK: scf.for
// CHECK: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK-NOT: mask
// CHECK: return
func.func @tile(%x: memref<?x32xf32>, %w: memref<12x32xbf16>,
    %y: memref<?x12xf32>) {
  linalg.generic {indexing_maps = [#x, #w, #y],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x32xf32>, memref<12x32xbf16>)
      outs(%y : memref<?x12xf32>) {
  ^bb0(%a: f32, %b: bf16, %sum: f32):
    %wide = arith.extf %b : bf16 to f32
    %0 = arith.mulf %a, %wide : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

#x = affine_map<(o, n, k) -> (o, k)>
#w = affine_map<(o, n, k) -> (n, k)>
#y = affine_map<(o, n, k) -> (o, n)>

// 40 inputs: two vectors, then one masked to eight lanes.

// CHECK-LABEL: func @tail(
// CHECK: scf.for {{.*}} to %c32 step %c16 iter_args
// CHECK-NOT: mask
// CHECK-COUNT-16: math.fma
// CHECK: %[[MASK:.*]] = vector.constant_mask [8] : vector<16xi1>
// CHECK-COUNT-8: vector.maskedload %{{.*}}, %[[MASK]],
// CHECK-COUNT-16: math.fma
func.func @tail(%x: memref<?x40xf32>, %w: memref<12x40xf32>,
    %y: memref<?x12xf32>) {
  linalg.generic {indexing_maps = [#x, #w, #y],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x40xf32>, memref<12x40xf32>)
      outs(%y : memref<?x12xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

#x = affine_map<(b, o, n, k) -> (b, o, k)>
#w = affine_map<(b, o, n, k) -> (n, k)>
#y = affine_map<(b, o, n, k) -> (b, o, n)>

// CHECK-LABEL: func @batched(
// CHECK: %[[B:.*]] = memref.dim %{{.*}}, %c0
// CHECK: scf.parallel {{.*}} to (%[[B]], %c12)
// CHECK: iter_args({{.*}}) -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
func.func @batched(%x: memref<?x?x32xf32>, %w: memref<12x32xf32>,
    %y: memref<?x?x12xf32>) {
  linalg.generic {indexing_maps = [#x, #w, #y],
                  iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x?x32xf32>, memref<12x32xf32>)
      outs(%y : memref<?x?x12xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

#x = affine_map<(o, n, k) -> (o, k)>
#w = affine_map<(o, n, k) -> (n, k)>
#y = affine_map<(o, n, k) -> (o, n)>

// The thirteenth column has a loop of its own: one column at a time.

// CHECK-LABEL: func @odd_columns(
// CHECK: scf.if
// CHECK: iter_args({{.*}}) -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK: scf.if
// CHECK: iter_args({{.*}}) -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK: iter_args({{.*}}) -> (vector<16xf32>)
func.func @odd_columns(%x: memref<?x32xf32>, %w: memref<13x32xf32>,
    %y: memref<?x13xf32>) {
  linalg.generic {indexing_maps = [#x, #w, #y],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x32xf32>, memref<13x32xf32>)
      outs(%y : memref<?x13xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

#x = affine_map<(o, n, k) -> (o, k)>
#w = affine_map<(o, n, k) -> (k, n)>
#y = affine_map<(o, n, k) -> (o, n)>

// [in, out] has no dot products of contiguous rows: see products.mlir.

// CHECK-LABEL: func @transposed_weight(
// CHECK-NOT: vector.reduction
// CHECK: vector.broadcast
// CHECK-NEXT: math.fma
// CHECK-NOT: vector.reduction
// CHECK: return
func.func @transposed_weight(%x: memref<?x32xf32>, %w: memref<32x12xf32>,
    %y: memref<?x12xf32>) {
  linalg.generic {indexing_maps = [#x, #w, #y],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x32xf32>, memref<32x12xf32>)
      outs(%y : memref<?x12xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

#x = affine_map<(o, n, k) -> (o, k)>
#w = affine_map<(o, n, k) -> (n, k)>
#y = affine_map<(o, n, k) -> (o, n)>

// Another body.

// CHECK-LABEL: func @subtracts(
// CHECK-NOT: iter_args
// CHECK: return
func.func @subtracts(%x: memref<?x32xf32>, %w: memref<12x32xf32>,
    %y: memref<?x12xf32>) {
  linalg.generic {indexing_maps = [#x, #w, #y],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x32xf32>, memref<12x32xf32>)
      outs(%y : memref<?x12xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.subf %sum, %0 : f32
    linalg.yield %1 : f32
  }
  return
}
