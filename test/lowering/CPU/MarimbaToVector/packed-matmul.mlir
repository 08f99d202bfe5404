// RUN: marimba-opt %s -convert-marimba-to-vector="vector-bits=512" -cse | FileCheck %s

// CHECK-LABEL: func @pairs
// CHECK: %[[P:.*]] = rt.packed_weights %{{.*}}, %{{.*}} : memref<640x100xbf16> -> memref<?x64x64xi32>
// CHECK: scf.parallel {{.*}} step (%c2)
// CHECK: memref.prefetch %[[P]]
// CHECK: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"
func.func @pairs(%ctx: !rt.context, %x: memref<?x1x100xbf16>,
    %w: memref<640x100xbf16>, %y: memref<?x1x640xf32>) {
  marimba.packed_matmul %x, %w packed bf16 outs(%y : memref<?x1x640xf32>)
      : memref<?x1x100xbf16>, memref<640x100xbf16>
  return
}

// A word of two bf16 times f32: a shift and a mask.

// CHECK-LABEL: func @rounded_weight
// CHECK: arith.shli
// CHECK: math.fma
// CHECK: arith.andi
// CHECK-NOT: dpbf16ps
func.func @rounded_weight(%ctx: !rt.context, %x: memref<?x1x100xf32>,
    %w: memref<640x100xf32>, %y: memref<?x1x640xf32>) {
  marimba.packed_matmul %x, %w packed bf16 outs(%y : memref<?x1x640xf32>)
      : memref<?x1x100xf32>, memref<640x100xf32>
  return
}

// CHECK-LABEL: func @floats
// CHECK: rt.packed_weights %{{.*}} -> memref<?x112x64xf32>
func.func @floats(%ctx: !rt.context, %x: memref<?x1x100xf32>,
    %w: memref<640x100xbf16>, %y: memref<?x1x640xf32>) {
  marimba.packed_matmul %x, %w packed f32 outs(%y : memref<?x1x640xf32>)
      : memref<?x1x100xf32>, memref<640x100xbf16>
  return
}

// Without a context there is nobody to ask for the copy.

// CHECK-LABEL: func @no_context
// CHECK: marimba.packed_matmul
func.func @no_context(%x: memref<?x1x100xf32>, %w: memref<640x100xbf16>,
    %y: memref<?x1x640xf32>) {
  marimba.packed_matmul %x, %w packed f32 outs(%y : memref<?x1x640xf32>)
      : memref<?x1x100xf32>, memref<640x100xbf16>
  return
}
