// RUN: marimba-opt %s -merge-parallel-regions --verify-roundtrip | FileCheck %s
// RUN: marimba-opt %s -pass-pipeline="builtin.module(func.func(merge-parallel-regions))" -mlir-pass-statistics -mlir-pass-statistics-display=list 2>&1 | FileCheck %s --check-prefix=STATISTICS

// STATISTICS-DAG: (S) 9 num-loops
// STATISTICS-DAG: (S) 4 num-regions

func.func private @fill(%begin: index, %end: index, %x: memref<?xf32>)
func.func private @copy(%begin: index, %end: index, %x: memref<?xf32>, %y: memref<?xf32>)
func.func private @other(%ctx: !rt.context)

// What has no effects, and scratch, goes before the first loop.

// CHECK-LABEL: func @layer(
// CHECK-SAME: %[[CTX:.*]]: !rt.context, %[[X:.*]]: memref<?xf32>, %[[N:.*]]: index)
// CHECK: %[[C0:.*]] = arith.constant 0 : index
// CHECK: %[[SIZE:.*]] = memref.dim %[[X]], %[[C0]]
// CHECK: %[[Y:.*]] = rt.arena_alloc %[[CTX]](%[[SIZE]])
// CHECK: rt.parallel_phases %[[CTX]] {
// CHECK-NEXT: rt.parallel_for %[[CTX]], %[[N]] @fill(%[[X]])
// CHECK-NEXT: rt.parallel_for %[[CTX]], %[[SIZE]] @copy(%[[X]], %[[Y]])
// CHECK-NEXT: rt.parallel_for %[[CTX]], %[[N]] @fill(%[[Y]])
// CHECK-NEXT: }
// CHECK-NEXT: return
func.func @layer(%ctx: !rt.context, %x: memref<?xf32>, %n: index) {
  rt.parallel_for %ctx, %n @fill(%x) : memref<?xf32>
  %c0 = arith.constant 0 : index
  %size = memref.dim %x, %c0 : memref<?xf32>
  %y = rt.arena_alloc %ctx(%size) : memref<?xf32>
  rt.parallel_for %ctx, %size @copy(%x, %y) : memref<?xf32>, memref<?xf32>
  rt.parallel_for %ctx, %n @fill(%y) : memref<?xf32>
  return
}

// What reads or writes memory, calls or returns memory to the arena stays
// where it is, and loops stay on their sides of it.

// CHECK-LABEL: func @between(
// CHECK: rt.parallel_for
// CHECK-NEXT: memref.load
// CHECK-NEXT: rt.parallel_for
// CHECK-NEXT: memref.store
// CHECK-NEXT: rt.parallel_for
// CHECK-NEXT: call @other
// CHECK-NEXT: rt.arena_mark
// CHECK-NEXT: rt.parallel_phases
// CHECK-NEXT: @fill
// CHECK-NEXT: @fill
// CHECK-NEXT: }
// CHECK-NEXT: rt.arena_release
// CHECK-NEXT: rt.parallel_for
// CHECK-NEXT: rt.status
// CHECK-NEXT: rt.parallel_for
// CHECK-NEXT: return
func.func @between(%ctx: !rt.context, %x: memref<?xf32>, %n: index) -> i32 {
  %c0 = arith.constant 0 : index
  rt.parallel_for %ctx, %n @fill(%x) : memref<?xf32>
  %f = memref.load %x[%c0] : memref<?xf32>
  rt.parallel_for %ctx, %n @fill(%x) : memref<?xf32>
  memref.store %f, %x[%c0] : memref<?xf32>
  rt.parallel_for %ctx, %n @fill(%x) : memref<?xf32>
  func.call @other(%ctx) : (!rt.context) -> ()
  %mark = rt.arena_mark %ctx
  rt.parallel_for %ctx, %n @fill(%x) : memref<?xf32>
  rt.parallel_for %ctx, %n @fill(%x) : memref<?xf32>
  rt.arena_release %ctx, %mark
  rt.parallel_for %ctx, %n @fill(%x) : memref<?xf32>
  %status = rt.status %ctx
  rt.parallel_for %ctx, %n @fill(%x) : memref<?xf32>
  return %status : i32
}

// Blocks are regarded one by one; another context has another team.

// CHECK-LABEL: func @blocks(
// CHECK: rt.parallel_for
// CHECK-NEXT: scf.if
// CHECK-NEXT: rt.parallel_phases
// CHECK-COUNT-2: @fill
// CHECK-NEXT: }
// CHECK-NEXT: }
// CHECK-NEXT: rt.parallel_for %{{.*}}, %{{.*}} @fill
// CHECK-NEXT: rt.parallel_phases %{{.*}} {
// CHECK-NEXT: rt.parallel_for %[[SECOND:.*]], %{{.*}} @fill
// CHECK-NEXT: rt.parallel_for %[[SECOND]], %{{.*}} @fill
// CHECK-NEXT: }
func.func @blocks(%ctx: !rt.context, %second: !rt.context, %x: memref<?xf32>,
    %n: index, %if: i1) {
  rt.parallel_for %ctx, %n @fill(%x) : memref<?xf32>
  scf.if %if {
    rt.parallel_for %ctx, %n @fill(%x) : memref<?xf32>
    rt.parallel_for %ctx, %n @fill(%x) : memref<?xf32>
  }
  rt.parallel_for %ctx, %n @fill(%x) : memref<?xf32>
  rt.parallel_for %second, %n @fill(%x) : memref<?xf32>
  rt.parallel_for %second, %n @fill(%x) : memref<?xf32>
  return
}
