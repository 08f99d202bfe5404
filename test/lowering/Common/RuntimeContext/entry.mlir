// RUN: marimba-opt %s -add-runtime-context | FileCheck %s

// CHECK-NOT: marimba.weight @
marimba.weight @emb : tensor<16x8xbf16> from ["a.weight"]
marimba.weight @A : tensor<4x8xf32> derived

// Layers take the context, the rest of their arguments stays.

// CHECK-LABEL: func private @layer(
// CHECK-SAME: %{{.*}}: !rt.context, %{{.*}}: memref<?x8xf32>, %{{.*}}: memref<4x8xf32>)
// CHECK-SAME: llvm.linkage = #llvm.linkage<internal>
// CHECK-NEXT: return
func.func private @layer(%x: memref<?x8xf32>, %w: memref<4x8xf32>) {
  return
}

// Entries read all of theirs from the call.

// CHECK-LABEL: func @marimba_prefill(
// CHECK-SAME: %{{.*}}: !rt.context, %[[CALL:.*]]: !rt.call) -> i32
// CHECK: %[[CTX:.*]] = rt.context
// CHECK-DAG: %[[X:.*]] = rt.argument %[[CALL]][0] : memref<?x8xf32>
// CHECK-DAG: rt.argument %[[CALL]][1] : memref<?x4x8xf32, strided<[?, 8, 1], offset: ?>>
// CHECK-DAG: %[[W:.*]] = rt.weight %[[CALL]][1] : memref<4x8xf32>
// CHECK-NOT: marimba.get_weight
// CHECK: call @layer(%[[CTX]], %[[X]], %[[W]]) : (!rt.context, memref<?x8xf32>, memref<4x8xf32>) -> ()
// CHECK: %[[SAME:.*]] = rt.context
// CHECK: %[[STATUS:.*]] = rt.status %[[SAME]]
// CHECK: return %[[STATUS]] : i32
func.func @main(%x: memref<?x8xf32> {marimba.input = "x"},
    %h: memref<?x4x8xf32, strided<[?, 8, 1], offset: ?>> {marimba.state = "h"})
    attributes {marimba.entry = "prefill"} {
  %w = marimba.get_weight @A : memref<4x8xf32>
  call @layer(%x, %w) : (memref<?x8xf32>, memref<4x8xf32>) -> ()
  return
}
