// RUN: marimba-opt %s -convert-marimba-to-vector="vector-bits=512" -cse | FileCheck %s

// A word holds one f32 of a channel; id 64 b + l is lane l of block b.

// CHECK-LABEL: func @floats
// CHECK: %[[P:.*]] = rt.packed_weights %{{.*}}, %{{.*}} : memref<640x100xf32> -> memref<?x112x64xf32>
// CHECK: scf.if
// CHECK: scf.parallel
// CHECK: %[[ID:.*]] = arith.index_cast
// CHECK: %[[BLOCK:.*]] = arith.divui %[[ID]], %c64
// CHECK: %[[LANE:.*]] = arith.remui %[[ID]], %c64
// CHECK: scf.for %[[W:.*]] = %c0 to %c100
// CHECK: %[[VALUE:.*]] = memref.load %[[P]][%[[BLOCK]], %[[W]], %[[LANE]]]
// CHECK: memref.store %[[VALUE]], %{{.*}}[%{{.*}}, %{{.*}}, %[[W]]]
func.func @floats(%ctx: !rt.context, %ids: memref<?x?xi32>,
    %w: memref<640x100xf32>, %y: memref<?x?x100xf32>) {
  marimba.packed_embedding %ids, %w packed f32 outs(%y : memref<?x?x100xf32>)
      : memref<?x?xi32>, memref<640x100xf32>
  return
}

// A word of two bf16 is two numbers; an odd last one is half of a word.

// CHECK-LABEL: func @halves
// CHECK: rt.packed_weights %{{.*}} -> memref<?x64x64xi32>
// CHECK: scf.for %{{.*}} = %c0 to %c50
// CHECK: arith.shli
// CHECK: arith.andi
// CHECK: }
// CHECK: vector.load %{{.*}}[%{{.*}}, %c50, %{{.*}}]
// CHECK: arith.shli
// CHECK-NOT: arith.andi
func.func @halves(%ctx: !rt.context, %ids: memref<?x?xi32>,
    %w: memref<640x101xbf16>, %y: memref<?x?x101xf32>) {
  marimba.packed_embedding %ids, %w packed bf16 outs(%y : memref<?x?x101xf32>)
      : memref<?x?xi32>, memref<640x101xbf16>
  return
}

// Without a context there is nobody to ask for the copy.

// CHECK-LABEL: func @no_context
// CHECK: marimba.packed_embedding
func.func @no_context(%ids: memref<?x?xi32>, %w: memref<640x100xf32>,
    %y: memref<?x?x100xf32>) {
  marimba.packed_embedding %ids, %w packed f32 outs(%y : memref<?x?x100xf32>)
      : memref<?x?xi32>, memref<640x100xf32>
  return
}
