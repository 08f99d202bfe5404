// RUN: marimba-opt %s -stack-scratch -split-input-file -verify-diagnostics | FileCheck %s

// A tile inside a parallel loop, as large as it can get: at most 32 tokens of 16
// channels. It is taken in the outermost parallel loop, not in the one over time.

// CHECK: #[[TOKENS:.*]] = affine_map<(d0)[s0] -> (-d0 + s0, 32)>
// CHECK-LABEL: func @tile(
// CHECK: scf.forall
// CHECK: memref.alloca() {alignment = 64 : i64} : memref<2048xi8>
// CHECK: scf.for
// CHECK: %[[SIZE:.*]] = affine.min #[[TOKENS]]
// CHECK: memref.view %{{.*}}[%{{.*}}][%[[SIZE]]] : memref<2048xi8> to memref<?x16xf32>
// CHECK-NOT: memref.alloc(
// CHECK: return
func.func @tile(%time: index, %rows: index) {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %zero = arith.constant 0.0 : f32
  scf.forall (%row) in (%rows) {
    scf.for %t = %c0 to %time step %c32 {
      %size = affine.min affine_map<(d0)[s0] -> (-d0 + s0, 32)>(%t)[%time]
      %tile = memref.alloc(%size) : memref<?x16xf32>
      memref.store %zero, %tile[%c0, %c0] : memref<?x16xf32>
    }
  }
  return
}

// -----

// Outside of parallel loops scratch is the arena's business.

// CHECK-LABEL: func @outside(
// CHECK-NOT: alloca
// CHECK: memref.alloc(
func.func @outside(%n: index) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %a = memref.alloc(%n) : memref<?xf32>
  memref.store %zero, %a[%c0] : memref<?xf32>
  return
}

// -----

func.func @no_bound(%n: index) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  scf.forall (%row) in (%n) {
    // expected-error@+1 {{scratch of a parallel loop has a size without a constant bound}}
    %a = memref.alloc(%n) : memref<?xf32>
    memref.store %zero, %a[%c0] : memref<?xf32>
  }
  return
}

// -----

func.func @too_large(%n: index) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  scf.forall (%row) in (%n) {
    // expected-error@+1 {{scratch of a parallel loop takes 400000 bytes, expected at most 262144: smaller tiles}}
    %a = memref.alloc() : memref<100000xf32>
    memref.store %zero, %a[%c0] : memref<100000xf32>
  }
  return
}
