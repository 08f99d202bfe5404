// RUN: marimba-opt %s -add-runtime-context -split-input-file | FileCheck %s

// One mark and release for the block's allocations.

// CHECK-LABEL: func private @function(
// CHECK-SAME: %{{.*}}: !rt.context, %[[N:.*]]: index
// CHECK: %[[CTX:.*]] = rt.context
// CHECK-NEXT: %[[MARK:.*]] = rt.arena_mark %[[CTX]]
// CHECK: rt.arena_alloc %[[CTX]](%[[N]]) : memref<?x8xf32>
// CHECK-NOT: rt.arena_mark
// CHECK: rt.arena_alloc %[[CTX]]() : memref<8xf32>
// CHECK-NOT: memref.alloc
// CHECK: rt.arena_release %[[CTX]], %[[MARK]]
// CHECK-NEXT: return
func.func private @function(%n: index, %x: memref<?x8xf32>) {
  %a = memref.alloc(%n) : memref<?x8xf32>
  linalg.copy ins(%x : memref<?x8xf32>) outs(%a : memref<?x8xf32>)
  %b = memref.alloc() : memref<8xf32>
  return
}

// -----

// An iteration gives back what it took.

// CHECK-LABEL: func private @loop(
// CHECK-NOT: rt.arena_mark
// CHECK: scf.for
// CHECK: %[[MARK:.*]] = rt.arena_mark
// CHECK: rt.arena_alloc
// CHECK: rt.arena_release %{{.*}}, %[[MARK]]
// CHECK: }
// CHECK-NOT: rt.arena_release
// CHECK: return
func.func private @loop(%n: index, %x: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    %a = memref.alloc() : memref<8xf32>
    linalg.copy ins(%x : memref<8xf32>) outs(%a : memref<8xf32>)
  }
  return
}

// -----

// A branch's result lives on: the block around it gives it back.

// CHECK-LABEL: func private @branch(
// CHECK: %[[MARK:.*]] = rt.arena_mark
// CHECK: scf.if
// CHECK-NOT: rt.arena_mark
// CHECK: %[[A:.*]] = rt.arena_alloc
// CHECK-NOT: rt.arena_release
// CHECK: scf.yield %[[A]]
// CHECK: rt.arena_release %{{.*}}, %[[MARK]]
// CHECK-NEXT: return
func.func private @branch(%c: i1, %x: memref<8xf32>) {
  %s = memref.alloc() : memref<8xf32>
  %r = scf.if %c -> memref<8xf32> {
    %a = memref.alloc() : memref<8xf32>
    scf.yield %a : memref<8xf32>
  } else {
    scf.yield %s : memref<8xf32>
  }
  linalg.copy ins(%r : memref<8xf32>) outs(%x : memref<8xf32>)
  return
}

// -----

// Without scratch the arena is left alone.

// CHECK-LABEL: func private @none(
// CHECK-NOT: rt.arena
// CHECK-NOT: = rt.context
// CHECK: return
func.func private @none(%x: memref<8xf32>) {
  linalg.copy ins(%x : memref<8xf32>) outs(%x : memref<8xf32>)
  return
}
