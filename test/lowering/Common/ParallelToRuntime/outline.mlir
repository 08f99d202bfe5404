// RUN: marimba-opt %s -outline-parallel-loops -split-input-file | FileCheck %s

// The body runs over a range of iterations; constants are not captured.

// CHECK-LABEL: func private @layer_parallel(
// CHECK-SAME: %[[BEGIN:.*]]: index, %[[END:.*]]: index, %[[X:.*]]: memref<?xf32>
// CHECK-SAME: llvm.linkage = #llvm.linkage<internal>
// CHECK: scf.for %[[I:.*]] = %[[BEGIN]] to %[[END]] step
// CHECK: %[[SCALED:.*]] = arith.muli %[[I]], %[[STEP:.*]] : index
// CHECK: %[[AT:.*]] = arith.addi %{{.*}}, %[[SCALED]]
// CHECK: memref.store %{{.*}}, %[[X]][%[[AT]]]
// CHECK-LABEL: func private @layer(
// CHECK-SAME: %{{.*}}: !rt.context, %[[Y:.*]]: memref<?xf32>, %[[N:.*]]: index)
// CHECK: %[[CTX:.*]] = rt.context
// CHECK: %[[DISTANCE:.*]] = arith.subi %[[N]], %c0
// CHECK: %[[REST:.*]] = arith.subi %c4, %{{.*}}
// CHECK: %[[PADDED:.*]] = arith.addi %[[DISTANCE]], %[[REST]]
// CHECK: %[[COUNT:.*]] = arith.divui %[[PADDED]], %c4
// CHECK: rt.parallel_for %[[CTX]], %[[COUNT]] @layer_parallel(%[[Y]]
// CHECK-NOT: scf.parallel
func.func private @layer(%ctx: !rt.context, %x: memref<?xf32>, %n: index)
    attributes {llvm.linkage = #llvm.linkage<internal>} {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %f = arith.constant 0.0 : f32
  scf.parallel (%i) = (%c0) to (%n) step (%c4) {
    memref.store %f, %x[%i] : memref<?xf32>
  }
  return
}

// -----

// Two dimensions become one, the last runs fastest.

// CHECK-LABEL: func private @grid_parallel(
// CHECK: scf.for %[[I:[a-z0-9]+]] =
// CHECK: %[[COLUMN:.*]] = arith.remui %[[I]], %[[COLUMNS:.*]] : index
// CHECK: %[[ROW:.*]] = arith.divui %[[I]], %[[COLUMNS]]
// CHECK: %[[SCALED:.*]] = arith.muli %[[COLUMN]],
// CHECK: %[[J:.*]] = arith.addi %{{.*}}, %[[SCALED]]
// CHECK: %[[SCALEDROW:.*]] = arith.muli %[[ROW]],
// CHECK: %[[K:.*]] = arith.addi %{{.*}}, %[[SCALEDROW]]
// CHECK: memref.store %{{.*}}, %{{.*}}[%[[K]], %[[J]]]
// CHECK-LABEL: func private @grid(
// CHECK: %[[ROWS:.*]] = arith.divui
// CHECK: %[[COLUMNS:.*]] = arith.divui
// CHECK: %[[TOTAL:.*]] = arith.muli %[[ROWS]], %[[COLUMNS]]
// CHECK: rt.parallel_for %{{.*}}, %[[TOTAL]] @grid_parallel(
func.func private @grid(%ctx: !rt.context, %x: memref<?x?xf32>, %n: index,
    %m: index) attributes {llvm.linkage = #llvm.linkage<internal>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %f = arith.constant 0.0 : f32
  scf.parallel (%i, %j) = (%c0, %c0) to (%n, %m) step (%c1, %c4) {
    memref.store %f, %x[%i, %j] : memref<?x?xf32>
  }
  return
}

// -----

// A loop inside runs on the thread that reaches it, dimension by dimension.

// CHECK-LABEL: func private @nested_parallel(
// CHECK-NOT: scf.parallel
// CHECK: scf.for
// CHECK: scf.for %[[J:.*]] = %{{.*}} to %{{.*}} step %{{.*}} {
// CHECK-NEXT: scf.for %[[K:.*]] = %{{.*}} to %{{.*}} step %{{.*}} {
// CHECK: memref.store %{{.*}}, %{{.*}}[%{{.*}}, %[[J]], %[[K]]]
// CHECK-LABEL: func private @nested(
// CHECK-COUNT-1: rt.parallel_for
// CHECK-NOT: rt.parallel_for
// CHECK-NOT: scf.parallel
// CHECK: {{^// -+$}}
func.func private @nested(%ctx: !rt.context, %x: memref<?x?x?xf32>, %n: index)
    attributes {llvm.linkage = #llvm.linkage<internal>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %f = arith.constant 0.0 : f32
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    scf.parallel (%j, %k) = (%c0, %c0) to (%n, %n) step (%c1, %c1) {
      memref.store %f, %x[%i, %j, %k] : memref<?x?x?xf32>
    }
  }
  return
}

// -----

// Equal loops share a body, another value makes another one.

// CHECK: func private @[[FIRST:a_parallel]](
// CHECK: func private @a(
// CHECK: rt.parallel_for %{{.*}}, %{{.*}} @[[FIRST]](
// CHECK: func private @[[OTHER:b_parallel[_0-9]*]](
// CHECK: func private @b(
// CHECK: rt.parallel_for %{{.*}}, %{{.*}} @[[FIRST]](
// CHECK: rt.parallel_for %{{.*}}, %{{.*}} @[[OTHER]](
// CHECK-NOT: _parallel
func.func private @a(%ctx: !rt.context, %x: memref<?xf32>, %n: index)
    attributes {llvm.linkage = #llvm.linkage<internal>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %f = arith.constant 0.0 : f32
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    memref.store %f, %x[%i] : memref<?xf32>
  }
  return
}
func.func private @b(%ctx: !rt.context, %x: memref<?xf32>, %n: index)
    attributes {llvm.linkage = #llvm.linkage<internal>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %f = arith.constant 0.0 : f32
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    memref.store %f, %x[%i] : memref<?xf32>
  }
  %g = arith.constant 1.0 : f32
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    memref.store %g, %x[%i] : memref<?xf32>
  }
  return
}

// -----

// A body that works with the context captures it.

// CHECK-LABEL: func private @works_parallel(
// CHECK-SAME: %{{.*}}: index, %{{.*}}: index, %[[C:.*]]: !rt.context, %{{.*}}: memref<16x8xbf16>
// CHECK-NOT: rt.context
// CHECK: rt.packed_weights %[[C]]
// CHECK-LABEL: func private @works(
// CHECK: %[[CTX:.*]] = rt.context
// CHECK-NOT: rt.context
// CHECK: rt.parallel_for %[[CTX]], %{{.*}} @works_parallel(%[[CTX]], %{{.*}}) : !rt.context, memref<16x8xbf16>
func.func private @works(%ctx: !rt.context, %w: memref<16x8xbf16>, %n: index)
    attributes {llvm.linkage = #llvm.linkage<internal>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    %c = rt.context
    %p = rt.packed_weights %c, %w : memref<16x8xbf16> -> memref<?x4x64xi32>
  }
  return
}
