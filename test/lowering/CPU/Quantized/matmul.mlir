// RUN: marimba-opt %s -convert-marimba-to-vector="vector-bits=512 integer-unit=vnni" -cse | FileCheck %s --check-prefixes=CHECK,DOTS
// RUN: marimba-opt %s -convert-marimba-to-vector="vector-bits=512" -cse | FileCheck %s --check-prefixes=CHECK,NODOTS
// RUN: marimba-opt %s -convert-marimba-to-loops | FileCheck %s --check-prefix=LOOPS

!int4 = tensor<1024x64xi4, #marimba.quantized<group 64, scale bf16>>

// Two blocks of 64 channels at a time; a word of eight codes becomes two of
// four bytes.

// CHECK-LABEL: func @bytes
// DOTS: memref.view {{.*}} : memref<34816xi8> to memref<16x8x64xi32>
// DOTS: memref.view {{.*}} : memref<34816xi8> to memref<16x1x64xbf16>
// DOTS: scf.parallel {{.*}} step (%c2)
// DOTS: vector.load %{{.*}} : memref<16x8x64xi32>, vector<16xi32>
// DOTS: arith.andi
// DOTS: arith.shrui
// DOTS: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"({{.*}}) : (vector<16xi32>, vector<64xi8>, vector<64xi8>) -> vector<16xi32>
// NODOTS: marimba.quantized_matmul
// LOOPS-LABEL: func @bytes
// LOOPS: arith.sitofp
func.func @bytes(%x: memref<?x1x64xi8>, %s: memref<?x1x1xf32>,
    %t: memref<?x1x1xf32>, %w: memref<34816xi8>, %y: memref<?x1x1024xf32>) {
  marimba.quantized_matmul %x scales(%s, %t : memref<?x1x1xf32>, memref<?x1x1xf32>),
      %w as !int4 outs(%y : memref<?x1x1024xf32>)
      : memref<?x1x64xi8>, memref<34816xi8>
  return
}

// CHECK-LABEL: func @floats
// CHECK-NOT: vpdpbusd
// CHECK: arith.xori
// CHECK: arith.shrsi
// CHECK: arith.sitofp {{.*}} : vector<16xi32> to vector<16xf32>
// CHECK: math.fma
func.func @floats(%x: memref<?x1x64xf32>, %w: memref<34816xi8>,
    %y: memref<?x1x1024xf32>) {
  marimba.quantized_matmul %x, %w as !int4 outs(%y : memref<?x1x1024xf32>)
      : memref<?x1x64xf32>, memref<34816xi8>
  return
}

// Few blocks: parts of one are the work of a thread.

!small = tensor<80x64xi8, #marimba.quantized<channel, scale f32>>

// CHECK-LABEL: func @small
// CHECK: scf.parallel {{.*}} = (%c0, %c0) to (%c2, %c64) step (%c1, %c32)
// CHECK: vector.maskedstore
func.func @small(%x: memref<?x64xf32>, %w: memref<8704xi8>, %y: memref<?x80xf32>) {
  marimba.quantized_matmul %x, %w as !small outs(%y : memref<?x80xf32>)
      : memref<?x64xf32>, memref<8704xi8>
  return
}

// CHECK-LABEL: func @tile
// CHECK: scf.parallel
// CHECK: arith.truncf {{.*}} : vector<16xf32> to vector<16xbf16>
// CHECK: vector.store %{{.*}} : memref<64x128xbf16>, vector<16xbf16>
func.func @tile(%w: memref<34816xi8>, %i: index, %t: memref<64x128xbf16>) {
  marimba.dequantize %w from %i as !int4 outs(%t : memref<64x128xbf16>)
      : memref<34816xi8>
  return
}

// Tokens in parallel. A word is loaded once, for eight inputs; their scale once
// for the group.

// CHECK-LABEL: func @lookup
// CHECK: scf.parallel
// CHECK: memref.load %{{.*}} : memref<?x?xi32>
// CHECK: vector.load %{{.*}} : memref<16x1x64xbf16>, vector<1xbf16>
// CHECK: scf.for
// CHECK: vector.load %{{.*}} : memref<16x8x64xi32>, vector<1xi32>
// CHECK-NOT: vector.load
// CHECK-COUNT-8: vector.store %{{.*}} : memref<?x?x64xf32>, vector<1xf32>
// CHECK-NOT: vector.store
// CHECK: return
// LOOPS-LABEL: func @lookup
// LOOPS-NOT: marimba.
func.func @lookup(%ids: memref<?x?xi32>, %w: memref<34816xi8>, %y: memref<?x?x64xf32>) {
  marimba.quantized_embedding %ids, %w as !int4 outs(%y : memref<?x?x64xf32>)
      : memref<?x?xi32>, memref<34816xi8>
  return
}
