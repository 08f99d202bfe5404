// RUN: marimba-opt %s -convert-marimba-to-vector="vector-bits=256 integer-unit=maddubs" -cse | FileCheck %s --check-prefix=PAIRS
// RUN: marimba-opt %s -convert-marimba-to-vector="vector-bits=512 integer-unit=maddubs" -cse | FileCheck %s --check-prefix=WIDE
// RUN: marimba-opt %s -convert-marimba-to-vector="vector-bits=256 integer-unit=vnni" -cse | FileCheck %s --check-prefix=DOTS
// RUN: marimba-opt %s -convert-marimba-to-vector="vector-bits=128 integer-unit=maddubs" -cse | FileCheck %s --check-prefix=NARROW
// RUN: marimba-opt %s -convert-marimba-to-vector="vector-bits=64 integer-unit=maddubs" -cse | FileCheck %s --check-prefix=NONE
// RUN: marimba-opt %s -convert-marimba-to-vector="vector-bits=256" -cse | FileCheck %s --check-prefix=NONE

!int4 = tensor<1024x64xi4, #marimba.quantized<group 64, scale bf16>>
!int8 = tensor<1024x64xi8, #marimba.quantized<group 64, scale bf16>>
!e2m1 = tensor<1024x64xi4, #marimba.quantized<group 32, scale f8E8M0FNU, values e2m1>>
!supers = tensor<1024x256xi4, #marimba.quantized<group 32, scale f16 per 256, minimum>>

// Sums of eight pairs fit 16 bits.

// PAIRS-LABEL: func @four
// PAIRS: arith.andi {{.*}} : vector<8xi32>
// PAIRS: llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"
// PAIRS-COUNT-7: arith.addi {{.*}} : vector<16xi16>
// PAIRS: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
// PAIRS-NOT: psign
// WIDE-LABEL: func @four
// WIDE: llvm.call_intrinsic "llvm.x86.avx512.pmaddubs.w.512"
// WIDE: llvm.call_intrinsic "llvm.x86.avx512.pmaddw.d.512"
// DOTS-LABEL: func @four
// DOTS: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"
// DOTS-NOT: pmadd
// NARROW-LABEL: func @four
// NARROW: llvm.call_intrinsic "llvm.x86.ssse3.pmadd.ub.sw.128"
// NARROW: llvm.call_intrinsic "llvm.x86.sse2.pmadd.wd"
// NONE-LABEL: func @four
// NONE: marimba.quantized_matmul
func.func @four(%x: memref<?x1x64xi8>, %s: memref<?x1x1xf32>,
    %t: memref<?x1x1xf32>, %w: memref<34816xi8>, %y: memref<?x1x1024xf32>) {
  marimba.quantized_matmul %x scales(%s, %t : memref<?x1x1xf32>, memref<?x1x1xf32>),
      %w as !int4 outs(%y : memref<?x1x1024xf32>)
      : memref<?x1x64xi8>, memref<34816xi8>
  return
}

// Of codes of 8 bits one pair does: magnitudes times activations with the
// codes' signs.

// PAIRS-LABEL: func @eight
// PAIRS: "llvm.intr.abs"({{.*}}) <{is_int_min_poison = false}> : (vector<32xi8>) -> vector<32xi8>
// PAIRS: llvm.call_intrinsic "llvm.x86.avx2.psign.b"
// PAIRS-NEXT: llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"
// PAIRS: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
// WIDE-LABEL: func @eight
// WIDE: arith.cmpi slt, {{.*}} : vector<64xi8>
// WIDE: arith.select {{.*}} : vector<64xi1>, vector<64xi8>
// WIDE: llvm.call_intrinsic "llvm.x86.avx512.pmaddubs.w.512"
// DOTS-LABEL: func @eight
// DOTS: arith.xori {{.*}} : vector<8xi32>
// DOTS: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"
// NARROW-LABEL: func @eight
// NARROW: llvm.call_intrinsic "llvm.x86.ssse3.psign.b.128"
// NONE-LABEL: func @eight
// NONE: marimba.quantized_matmul
func.func @eight(%x: memref<?x1x64xi8>, %s: memref<?x1x1xf32>,
    %t: memref<?x1x1xf32>, %w: memref<67584xi8>, %y: memref<?x1x1024xf32>) {
  marimba.quantized_matmul %x scales(%s, %t : memref<?x1x1xf32>, memref<?x1x1xf32>),
      %w as !int8 outs(%y : memref<?x1x1024xf32>)
      : memref<?x1x64xi8>, memref<67584xi8>
  return
}

// Numbers of E2M1 are looked up with 12 more, so that they are unsigned.

// PAIRS-LABEL: func @table
// PAIRS: llvm.call_intrinsic "llvm.x86.avx2.pshuf.b"
// PAIRS-NOT: psign
// PAIRS: llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"
// DOTS-LABEL: func @table
// DOTS: llvm.call_intrinsic "llvm.x86.avx2.pshuf.b"
// DOTS-NOT: arith.xori
// DOTS: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"
func.func @table(%x: memref<?x1x64xi8>, %s: memref<?x1x2xf32>,
    %t: memref<?x1x2xf32>, %w: memref<34816xi8>, %y: memref<?x1x1024xf32>) {
  marimba.quantized_matmul %x scales(%s, %t : memref<?x1x2xf32>, memref<?x1x2xf32>),
      %w as !e2m1 outs(%y : memref<?x1x1024xf32>)
      : memref<?x1x64xi8>, memref<34816xi8>
  return
}

// Groups of a super-block by their integers, then its scale, then minimums.

// DOTS-LABEL: func @supers
// DOTS: scf.for
// DOTS: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"
// DOTS-NOT: vector<8xf16>
// DOTS: scf.yield
// DOTS: vector.load {{.*}} vector<8xf16>
// DOTS: scf.for
// DOTS-NOT: vector<8xf16>
// DOTS: scf.yield
// DOTS: vector.load {{.*}} vector<8xf16>
func.func @supers(%x: memref<?x1x256xi8>, %s: memref<?x1x8xf32>,
    %t: memref<?x1x8xf32>, %w: memref<151552xi8>, %y: memref<?x1x1024xf32>) {
  marimba.quantized_matmul %x scales(%s, %t : memref<?x1x8xf32>, memref<?x1x8xf32>),
      %w as !supers outs(%y : memref<?x1x1024xf32>)
      : memref<?x1x256xi8>, memref<151552xi8>
  return
}

// Many rows: a panel of whole bytes, which tiles of rows and channels read.

// PAIRS-LABEL: func @many
// PAIRS: scf.if
// PAIRS: memref.alloca() {alignment = 64 : i64} : memref<4x16x16xi32>
// PAIRS: vector.store {{.*}} : memref<4x16x16xi32>, vector<8xi32>
// PAIRS: vector.load {{.*}} : memref<4x16x16xi32>, vector<8xi32>
// PAIRS: llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"
// PAIRS: else
// PAIRS: vector.load {{.*}} : memref<16x8x64xi32>, vector<8xi32>
// PAIRS: llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"
// DOTS-LABEL: func @many
// DOTS: memref<4x16x16xi32>
// NONE-LABEL: func @many
// NONE: marimba.quantized_matmul
func.func @many(%x: memref<?x64xi8>, %s: memref<?x1xf32>,
    %t: memref<?x1xf32>, %w: memref<34816xi8>, %y: memref<?x1024xf32>) {
  marimba.quantized_matmul %x scales(%s, %t : memref<?x1xf32>, memref<?x1xf32>),
      %w as !int4 outs(%y : memref<?x1024xf32>)
      : memref<?x64xi8>, memref<34816xi8>
  return
}

// Groups of activations that panels would cut: few rows at a time.

!long = tensor<1024x256xi8, #marimba.quantized<channel, scale f32>>

// PAIRS-LABEL: func @whole
// PAIRS-NOT: memref.alloca
// PAIRS: llvm.call_intrinsic "llvm.x86.avx2.psign.b"
// PAIRS-NOT: memref.alloca
// PAIRS: return
func.func @whole(%x: memref<?x256xi8>, %s: memref<?x1xf32>,
    %t: memref<?x1xf32>, %w: memref<266240xi8>, %y: memref<?x1024xf32>) {
  marimba.quantized_matmul %x scales(%s, %t : memref<?x1xf32>, memref<?x1xf32>),
      %w as !long outs(%y : memref<?x1024xf32>)
      : memref<?x256xi8>, memref<266240xi8>
  return
}
