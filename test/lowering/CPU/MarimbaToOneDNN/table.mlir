// RUN: split-file %s %t
// RUN: marimba-opt %t/code.mlir --remarks-filter=matmul \
// RUN:   -convert-marimba-to-onednn="generated automatic streams unit=avx512 table=%t/table" \
// RUN:   2>&1 | FileCheck %s --check-prefixes=CHECK,STREAMS
// RUN: marimba-opt %t/code.mlir --remarks-filter=matmul \
// RUN:   -convert-marimba-to-onednn="generated automatic unit=avx512 table=%t/table" \
// RUN:   2>&1 | FileCheck %s --check-prefixes=CHECK,APART
// RUN: marimba-opt %t/code.mlir \
// RUN:   -convert-marimba-to-onednn="generated streams unit=avx512 table=%t/table" \
// RUN:   | FileCheck %s --check-prefix=UNASKED
// RUN: marimba-opt %t/code.mlir \
// RUN:   -convert-marimba-to-onednn="generated automatic streams unit=avx2 table=%t/table" \
// RUN:   | FileCheck %s --check-prefix=UNASKED --implicit-check-not=onednn.matmul
// RUN: not marimba-opt %t/code.mlir -convert-marimba-to-onednn="table=%t/bad" 2>&1 \
// RUN:   | FileCheck %s --check-prefix=BAD
// RUN: not marimba-opt %t/code.mlir -convert-marimba-to-onednn="table=%t/none" 2>&1 \
// RUN:   | FileCheck %s --check-prefix=NONE

// The table has the library faster with small weights. Where it packs weights
// in another way than generated kernels do, it would need a copy of its own.

// STREAMS: remark: [Passed] onednn | Category:matmul | {{.*}}table: library
// STREAMS: remark: [Passed] packed | Category:matmul | {{.*}}one row
// STREAMS: remark: [Passed] packed | Category:matmul | {{.*}}table: generated
// APART: remark: [Passed] packed | Category:matmul | {{.*}}the library would need a copy of the weight of its own, despite the table: library
// APART: remark: [Passed] packed | Category:matmul | {{.*}}one row
// APART: remark: [Passed] packed | Category:matmul | {{.*}}table: generated
// CHECK-LABEL: func @small
// STREAMS: onednn.matmul
// APART-NOT: onednn.matmul
// APART: marimba.packed_matmul
// CHECK-LABEL: func @one_row
// CHECK: marimba.packed_matmul
// CHECK-LABEL: func @large
// CHECK: marimba.packed_matmul

// Nobody asks the table but `automatic`, and it knows its unit only.

// UNASKED-NOT: onednn.matmul
// UNASKED: marimba.packed_matmul
// UNASKED-NOT: onednn.matmul

// BAD: error: {{.*}}bad:2: expected 'generated' or 'library', found 'nobody'
// NONE: error: table of matmuls: {{.*}}none: No such file

//--- bad
# unit type rows K N faster ratio
avx512 f32 512 8 4 nobody 0.5

//--- table
avx512 f32 512  8 4 library   0.5
avx512 f32 512 64 4 generated 1.5

//--- code.mlir
func.func @small(%x: tensor<?x?x8xf32>, %w: tensor<4x8xf32>)
    -> tensor<?x?x4xf32> {
  %y = marimba.linear %x, %w
      : tensor<?x?x8xf32>, tensor<4x8xf32> -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}
func.func @one_row(%x: tensor<?x1x8xf32>, %w: tensor<4x8xf32>)
    -> tensor<?x1x4xf32> {
  %y = marimba.linear %x, %w
      : tensor<?x1x8xf32>, tensor<4x8xf32> -> tensor<?x1x4xf32>
  return %y : tensor<?x1x4xf32>
}
func.func @large(%x: tensor<?x?x64xf32>, %w: tensor<4x64xf32>)
    -> tensor<?x?x4xf32> {
  %y = marimba.linear %x, %w
      : tensor<?x?x64xf32>, tensor<4x64xf32> -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}
