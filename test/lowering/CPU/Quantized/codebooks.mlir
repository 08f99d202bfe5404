// RUN: marimba-opt %s -convert-marimba-to-vector="vector-bits=512 integer-unit=vnni byte-tables=true" -cse | FileCheck %s --check-prefix=TABLES
// RUN: marimba-opt %s -convert-marimba-to-vector="vector-bits=256 integer-unit=vnni byte-tables=true" -cse | FileCheck %s --check-prefix=LOADS
// RUN: marimba-opt %s -convert-marimba-to-vector="vector-bits=512 integer-unit=vnni" -cse | FileCheck %s --check-prefix=LOADS

!three = tensor<64x256xi3, #marimba.quantized<group 32, scale f16 per 256, values iq3_s>>
!one = tensor<64x256xi1, #marimba.quantized<group 16, scale f16 per 256, values iq1_m>>

// A table of 512 entries, each two bytes of two numbers: four slices of 128
// for each byte, of which two bits choose. Signs turn numbers around.

// TABLES-LABEL: func @three
// TABLES-NOT: vector.gather
// TABLES: arith.cmpi slt, %{{.*}} : vector<64xi8>
// TABLES-COUNT-4: llvm.call_intrinsic "llvm.x86.avx512.vpermi2var.qi.512"
// TABLES-COUNT-3: arith.select %{{.*}} : vector<64xi1>, vector<64xi8>
// TABLES: llvm.call_intrinsic "llvm.x86.avx512.pmultishift.qb.512"
// TABLES: llvm.call_intrinsic "llvm.x86.avx512.permvar.qi.512"
// TABLES: arith.subi %{{.*}} : vector<64xi8>
// TABLES: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// LOADS-LABEL: func @three
// LOADS: rt.codebook "iq3_s" : memref<512xi32>
// LOADS: vector.gather
// LOADS-NOT: vpermi2var
// LOADS: "llvm.x86.avx512.vpdpbusd.{{256|512}}"
func.func @three(%x: memref<?x1x256xi8>, %s: memref<?x1x8xf32>,
    %t: memref<?x1x8xf32>, %w: memref<7040xi8>, %y: memref<?x1x64xf32>) {
  marimba.quantized_matmul %x scales(%s, %t : memref<?x1x8xf32>, memref<?x1x8xf32>),
      %w as !three outs(%y : memref<?x1x64xf32>)
      : memref<?x1x256xi8>, memref<7040xi8>
  return
}

// A step is half a word of places, of which 11 bits choose among 16 slices.

// TABLES-LABEL: func @one
// TABLES-COUNT-16: llvm.call_intrinsic "llvm.x86.avx512.vpermi2var.qi.512"
// LOADS-LABEL: func @one
// LOADS: rt.codebook "iq1_m" : memref<4096xi32>
// LOADS: vector.gather
func.func @one(%x: memref<?x1x256xf32>, %w: memref<3712xi8>, %y: memref<?x1x64xf32>) {
  marimba.quantized_matmul %x, %w as !one outs(%y : memref<?x1x64xf32>)
      : memref<?x1x256xf32>, memref<3712xi8>
  return
}
