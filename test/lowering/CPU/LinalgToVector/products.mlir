// RUN: marimba-opt %s -vectorize-linalg -canonicalize -split-input-file | FileCheck %s
// RUN: marimba-opt %s -vectorize-linalg="bf16-dots=true" -canonicalize -split-input-file | FileCheck %s --check-prefix=DOTS
// RUN: marimba-opt %s -vectorize-linalg="vector-bits=256" -canonicalize -split-input-file | FileCheck %s --check-prefix=NARROW

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// Six rows by four vectors; the two rows that are left are a tile of their own.
// With sixteen registers six rows by two vectors.

// CHECK-LABEL: func @f32(
// CHECK-SAME: %[[A:[a-z0-9]+]]: memref<8x10xf32>, %[[B:[a-z0-9]+]]: memref<10x64xf32, strided<[80, 1]>>, %[[C:[a-z0-9]+]]: memref<8x64xf32>
// CHECK-COUNT-24: vector.load %[[C]]
// CHECK-NOT: vector.load %[[C]]
// CHECK: scf.for %{{.*}} = %c0 to %c10 step %c1
// CHECK-COUNT-4: vector.load %[[B]]
// CHECK-NOT: vector.load
// CHECK-COUNT-24: math.fma
// CHECK-NOT: math.fma
// CHECK-COUNT-24: vector.store %{{.*}}, %[[C]]
// CHECK-COUNT-8: vector.load %[[C]]
// CHECK: scf.for
// CHECK-COUNT-8: math.fma
// CHECK-COUNT-8: vector.store %{{.*}}, %[[C]]
// CHECK: return

// NARROW-LABEL: func @f32(
// NARROW: scf.for %{{.*}} = %c0 to %c64 step %c16
// NARROW-COUNT-12: vector.load {{.*}} vector<8xf32>
// NARROW-COUNT-12: math.fma
// NARROW-NEXT: scf.yield
func.func @f32(%a: memref<8x10xf32>, %b: memref<10x64xf32, strided<[80, 1]>>,
    %c: memref<8x64xf32>) {
  linalg.generic {indexing_maps = [#a, #b, #c],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : memref<8x10xf32>, memref<10x64xf32, strided<[80, 1]>>)
      outs(%c : memref<8x64xf32>) {
    ^bb0(%x: f32, %y: f32, %old: f32):
      %0 = arith.mulf %x, %y : f32
      %1 = arith.addf %old, %0 : f32
      linalg.yield %1 : f32
  }
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// Rows 2i and 2i + 1 of the second factor are rounded and interleaved once; the
// last row is alone. Without dot products it is rounded where it is read.

// DOTS-LABEL: func @bf16(
// DOTS: %[[PANEL:.*]] = memref.alloca() {alignment = 64 : i64} : memref<128x64xi32>
// DOTS: scf.for %{{.*}} = %c0 to %c10 step %c2
// DOTS-COUNT-4: llvm.call_intrinsic "llvm.x86.avx512bf16.cvtne2ps2bf16.512"
// DOTS: llvm.call_intrinsic "llvm.x86.avx512bf16.cvtne2ps2bf16.512"
// DOTS: scf.for %{{.*}} = %c0 to %c10 step %c2
// DOTS-COUNT-4: vector.load %[[PANEL]]
// DOTS-COUNT-24: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"
// DOTS-NEXT: scf.yield
// DOTS: return

// CHECK-LABEL: func @bf16(
// CHECK-NOT: call_intrinsic
// CHECK: scf.for
// CHECK: scf.for %{{.*}} = %c0 to %c11 step %c1
// CHECK: arith.truncf {{.*}} vector<16xf32> to vector<16xbf16>
// CHECK: arith.extf
// CHECK: math.fma
// CHECK: return
func.func @bf16(%a: memref<12x11xbf16>, %b: memref<11x64xf32>,
    %c: memref<12x64xf32>) {
  linalg.generic {indexing_maps = [#a, #b, #c],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : memref<12x11xbf16>, memref<11x64xf32>)
      outs(%c : memref<12x64xf32>) {
    ^bb0(%x: bf16, %y: f32, %old: f32):
      %r = arith.truncf %y : f32 to bf16
      %wx = arith.extf %x : bf16 to f32
      %wy = arith.extf %r : bf16 to f32
      %0 = arith.mulf %wx, %wy : f32
      %1 = arith.addf %old, %0 : f32
      linalg.yield %1 : f32
  }
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// Of an open number of rows the last tile has the last row several times. A
// triangle ends for each row at its own k: what is above is not multiplied by
// zero, which would make NaN of it.

// CHECK-LABEL: func @triangle(
// CHECK-SAME: %[[A:[a-z0-9]+]]: memref<?x?xf32>
// CHECK: %[[LAST:.*]] = arith.subi %[[ROWS:.*]], %c1
// CHECK: scf.for %{{.*}} = %c0 to %[[ROWS]] step %c6
// CHECK: %[[FIRST:.*]] = arith.minsi %{{.*}}, %[[LAST]]
// CHECK-COUNT-5: arith.minsi %{{.*}}, %[[LAST]]
// CHECK: %[[INNER:.*]] = arith.minsi %[[FIRST]], %{{.*}}
// CHECK: %[[END:.*]] = arith.maxsi %[[INNER]], %c0
// CHECK: scf.for %{{.*}} = %c0 to %[[END]] step %c1
// CHECK-COUNT-6: math.fma
// CHECK-NOT: math.fma
// CHECK: scf.for
// CHECK-COUNT-6: math.fma
// CHECK-NOT: math.fma
// CHECK: scf.for
// CHECK-COUNT-5: math.fma
// CHECK-NOT: math.fma
// CHECK: scf.for
// CHECK-COUNT-4: math.fma
// CHECK-NOT: math.fma
// CHECK: scf.for
// CHECK-COUNT-3: math.fma
// CHECK-NOT: math.fma
// CHECK: scf.for
// CHECK-COUNT-2: math.fma
// CHECK-NOT: math.fma
// CHECK: scf.for
// CHECK: math.fma
// CHECK-NOT: math.fma
// CHECK: vector.mask
// CHECK: return
func.func @triangle(%a: memref<?x?xf32>, %b: memref<?x17xf32>,
    %c: memref<?x17xf32>) {
  linalg.generic {indexing_maps = [#a, #b, #c],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : memref<?x?xf32>, memref<?x17xf32>)
      outs(%c : memref<?x17xf32>) attrs = {marimba.lower_triangular} {
    ^bb0(%x: f32, %y: f32, %old: f32):
      %0 = arith.mulf %x, %y : f32
      %1 = arith.addf %old, %0 : f32
      linalg.yield %1 : f32
  }
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// Pairs: the first row that has some of one has not the second half of it.

// DOTS-LABEL: func @triangle_of_pairs(
// DOTS: arith.andi %{{.*}}, %{{.*}} : vector<16xi32>
// DOTS-COUNT-4: "llvm.x86.avx512bf16.dpbf16ps.512"
// DOTS-NOT: dpbf16ps
// DOTS: arith.andi %{{.*}}, %{{.*}} : vector<16xi32>
// DOTS-COUNT-2: "llvm.x86.avx512bf16.dpbf16ps.512"
// DOTS-NOT: dpbf16ps
// DOTS: return
func.func @triangle_of_pairs(%a: memref<4x4xbf16>, %b: memref<4x16xf32>,
    %c: memref<4x16xf32>) {
  linalg.generic {indexing_maps = [#a, #b, #c],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : memref<4x4xbf16>, memref<4x16xf32>)
      outs(%c : memref<4x16xf32>) attrs = {marimba.lower_triangular} {
    ^bb0(%x: bf16, %y: f32, %old: f32):
      %r = arith.truncf %y : f32 to bf16
      %wx = arith.extf %x : bf16 to f32
      %wy = arith.extf %r : bf16 to f32
      %0 = arith.mulf %wx, %wy : f32
      %1 = arith.addf %old, %0 : f32
      linalg.yield %1 : f32
  }
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// No product of these types, a first factor that is rounded on the way, columns
// that are not side by side, another body.

// CHECK-LABEL: func @others
// CHECK-NOT: math.fma
// CHECK: return
func.func @others(%i: memref<8x8xi32>, %a: memref<8x8xf32>,
    %s: memref<8x8xf32, strided<[16, 2]>>, %c: memref<8x8xf32>) {
  linalg.generic {indexing_maps = [#a, #b, #c],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%i, %i : memref<8x8xi32>, memref<8x8xi32>)
      outs(%i : memref<8x8xi32>) {
    ^bb0(%x: i32, %y: i32, %old: i32):
      %0 = arith.muli %x, %y : i32
      %1 = arith.addi %old, %0 : i32
      linalg.yield %1 : i32
  }
  linalg.generic {indexing_maps = [#a, #b, #c],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %s : memref<8x8xf32>, memref<8x8xf32, strided<[16, 2]>>)
      outs(%c : memref<8x8xf32>) {
    ^bb0(%x: f32, %y: f32, %old: f32):
      %0 = arith.mulf %x, %y : f32
      %1 = arith.addf %old, %0 : f32
      linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#a, #b, #c],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %a : memref<8x8xf32>, memref<8x8xf32>)
      outs(%c : memref<8x8xf32>) {
    ^bb0(%x: f32, %y: f32, %old: f32):
      %0 = arith.addf %x, %y : f32
      %1 = arith.addf %old, %0 : f32
      linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#a, #b, #c],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %a : memref<8x8xf32>, memref<8x8xf32>)
      outs(%c : memref<8x8xf32>) {
    ^bb0(%x: f32, %y: f32, %old: f32):
      %rx = arith.truncf %x : f32 to bf16
      %ry = arith.truncf %y : f32 to bf16
      %wx = arith.extf %rx : bf16 to f32
      %wy = arith.extf %ry : bf16 to f32
      %0 = arith.mulf %wx, %wy : f32
      %1 = arith.addf %old, %0 : f32
      linalg.yield %1 : f32
  }
  return
}
