// RUN: marimba-opt %s -convert-runtime-to-llvm -canonicalize | FileCheck %s

// Each table is in the module once, four numbers in a word: the first entry of
// iq3_xxs is 4, 4, 4, 4, the second 20, 4, 4, 4. Those of iq1_s are 8 times
// the table's plus 1.

// CHECK-DAG: llvm.mlir.global internal constant @codebook_iq3_xxs(dense<"0x0404040414040404{{.*}}"> : tensor<256xi32>) {addr_space = 0 : i32, alignment = 64 : i64} : !llvm.array<256 x i32>
// CHECK-DAG: llvm.mlir.global internal constant @codebook_iq1_s(dense<"0xF9F9F9F9F9F9F9F909{{.*}}"> : tensor<4096xi32>)
// CHECK-NOT: llvm.mlir.global
// CHECK-LABEL: llvm.func @twice
// CHECK: llvm.mlir.addressof @codebook_iq3_xxs
func.func @twice(%at: index) -> (i32, i32) {
  %a = rt.codebook "iq3_xxs" : memref<256xi32>
  %b = rt.codebook "iq3_xxs" : memref<256xi32>
  %0 = memref.load %a[%at] : memref<256xi32>
  %1 = memref.load %b[%at] : memref<256xi32>
  return %0, %1 : i32, i32
}

func.func @other(%at: index) -> i32 {
  %a = rt.codebook "iq1_s" : memref<4096xi32>
  %0 = memref.load %a[%at] : memref<4096xi32>
  return %0 : i32
}
