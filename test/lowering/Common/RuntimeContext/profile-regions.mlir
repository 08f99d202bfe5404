// RUN: marimba-opt %s -profile-regions -split-input-file | FileCheck %s

// One region for what comes from one op of the model, scratch between its parts
// included; a matmul is one of its own. Views, sizes, scratch memory and the
// call of a layer are none.

// CHECK: llvm.mlir.global external @marimba_profile_regions(dense<0> : tensor<4x2xi64>)
// CHECK: llvm.mlir.global external constant @marimba_profile_description(
// CHECK-SAME: [{\22function\22:\22layer\22,\22ops\22:[\22norm\22]},
// CHECK-SAME: {\22function\22:\22layer\22,\22ops\22:[\22in_proj\22]},
// CHECK-SAME: {\22function\22:\22layer\22,\22ops\22:[\22scan\22,\22gate\22,\22skip\22]},
// CHECK-SAME: {\22function\22:\22prefill\22,\22ops\22:[\22embed\22]}]\00

// CHECK-LABEL: func private @layer(
// CHECK: rt.arena_mark
// CHECK: %[[NORM:.*]] = rt.profile_begin
// CHECK-NEXT: linalg.fill
// CHECK-NEXT: rt.arena_alloc
// CHECK-NEXT: linalg.copy
// CHECK-NEXT: rt.profile_end %[[NORM]][0]
// CHECK-NEXT: %[[PROJ:.*]] = rt.profile_begin
// CHECK-NEXT: onednn.matmul
// CHECK-NEXT: rt.profile_end %[[PROJ]][1]
// CHECK-NEXT: memref.subview
// CHECK-NEXT: memref.dim
// CHECK-NEXT: %[[SCAN:.*]] = rt.profile_begin
// CHECK-NEXT: scf.forall
// CHECK-NOT: rt.profile
// CHECK: linalg.copy
// CHECK: linalg.copy
// CHECK-NEXT: }
// CHECK-NEXT: rt.profile_end %[[SCAN]][2]
// CHECK-NEXT: rt.arena_release
// CHECK-NEXT: return
func.func private @layer(%ctx: !rt.context, %x: memref<?x8xf32>, %w: memref<8x8xf32>) {
  %mark = rt.arena_mark %ctx
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %a = rt.arena_alloc %ctx() : memref<4x8xf32>
  linalg.fill ins(%zero : f32) outs(%a : memref<4x8xf32>) loc(#norm)
  %b = rt.arena_alloc %ctx() : memref<4x8xf32> loc(#norm)
  linalg.copy ins(%a : memref<4x8xf32>) outs(%b : memref<4x8xf32>) loc(#norm)
  onednn.matmul %b, %w outs(%a : memref<4x8xf32>)
      : memref<4x8xf32>, memref<8x8xf32> loc(#in_proj)
  %v = memref.subview %a[0, 0] [2, 8] [1, 1]
      : memref<4x8xf32> to memref<2x8xf32, strided<[8, 1]>> loc("view")
  %n = memref.dim %x, %c0 : memref<?x8xf32> loc("size")
  scf.forall (%i) in (%n) {
    linalg.fill ins(%zero : f32) outs(%a : memref<4x8xf32>) loc(#gate)
    linalg.copy ins(%v : memref<2x8xf32, strided<[8, 1]>>)
        outs(%v : memref<2x8xf32, strided<[8, 1]>>) loc(#both)
    linalg.copy ins(%a : memref<4x8xf32>) outs(%b : memref<4x8xf32>) loc(#gate)
  } loc(#scan)
  rt.arena_release %ctx, %mark
  return
}

// Of an entry the name is that of the entry.

// CHECK-LABEL: func @marimba_prefill(
// CHECK: rt.profile_begin
// CHECK-NEXT: linalg.copy
// CHECK-NEXT: rt.profile_end %{{.*}}[3]
// CHECK-NEXT: call @layer
// CHECK-NEXT: rt.status
// CHECK-NEXT: return
func.func @marimba_prefill(%ctx: !rt.context, %call: !rt.call) -> i32
    attributes {marimba.entry = "prefill"} {
  %x = rt.argument %call[0] : memref<?x8xf32>
  %w = rt.weight %call[0] : memref<8x8xf32>
  linalg.copy ins(%x : memref<?x8xf32>) outs(%x : memref<?x8xf32>) loc("embed")
  call @layer(%ctx, %x, %w) : (!rt.context, memref<?x8xf32>, memref<8x8xf32>) -> ()
  %status = rt.status %ctx
  return %status : i32
}

#layer = loc("layer")
#norm = loc("norm"(#layer))
#in_proj = loc("in_proj"(#layer))
#scan = loc("scan"(#layer))
#gate = loc("gate"(#layer))
#skip = loc("skip"(#layer))
#both = loc(fused[#gate, #skip])

// -----

// A call ends a region, and a loop around calls is none: what it calls counts.
// Without names an op's kind stands for it.

// CHECK: @marimba_profile_regions(dense<0> : tensor<2x2xi64>)
// CHECK: @marimba_profile_description(
// CHECK-SAME: [\22linalg.copy\22]}
// CHECK-SAME: [\22linalg.copy\22]}]

// CHECK-LABEL: func @calls(
// CHECK: rt.profile_begin
// CHECK-NEXT: linalg.copy
// CHECK-NEXT: rt.profile_end %{{.*}}[0]
// CHECK-NEXT: call @kernel
// CHECK-NEXT: rt.profile_begin
// CHECK-NEXT: linalg.copy
// CHECK-NEXT: rt.profile_end %{{.*}}[1]
// CHECK-NEXT: scf.for
// CHECK-NEXT: call @kernel
// CHECK-NEXT: }
// CHECK-NEXT: return
func.func private @kernel(memref<8xf32>)
func.func @calls(%n: index, %x: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  linalg.copy ins(%x : memref<8xf32>) outs(%x : memref<8xf32>) loc(unknown)
  call @kernel(%x) : (memref<8xf32>) -> ()
  linalg.copy ins(%x : memref<8xf32>) outs(%x : memref<8xf32>) loc(unknown)
  scf.for %i = %c0 to %n step %c1 {
    func.call @kernel(%x) : (memref<8xf32>) -> ()
  }
  return
}

// -----

// Nothing to measure: nothing is added.

// CHECK-NOT: marimba_profile
// CHECK-LABEL: func @empty(
// CHECK-NOT: rt.profile
func.func @empty(%x: memref<8xf32>) {
  return
}
