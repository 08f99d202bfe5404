// RUN: split-file %s %t
// RUN: marimba-opt %t/tiles.mlir -convert-runtime-to-llvm -canonicalize | FileCheck %s
// RUN: marimba-opt %t/none.mlir -convert-runtime-to-llvm | FileCheck %s --check-prefix=NONE

// Code with tiles says so: the runtime asks the system for them.

// CHECK: llvm.mlir.global external constant @marimba_uses_tiles
// CHECK-LABEL: llvm.func @product(
// CHECK: %[[ZERO:.*]] = llvm.call_intrinsic "llvm.x86.tilezero.internal"
// CHECK: llvm.br ^{{.*}}(%{{.*}}, %[[ZERO]] : i64, !llvm.x86_amx)
// CHECK: llvm.call_intrinsic "llvm.x86.tileloadd64.internal"
// CHECK: llvm.call_intrinsic "llvm.x86.tdpbf16ps.internal"
// CHECK: llvm.call_intrinsic "llvm.x86.tilestored64.internal"

//--- tiles.mlir
func.func @product(%x: memref<16x320xbf16>, %w: memref<160x32xbf16>,
                   %y: memref<16x16xf32>) {
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %c160 = arith.constant 160 : index
  %zero = amx.tile_zero : !amx.tile<16x16xf32>
  cf.br ^head(%c0, %zero : index, !amx.tile<16x16xf32>)
^head(%word: index, %old: !amx.tile<16x16xf32>):
  %more = arith.cmpi ult, %word, %c160 : index
  cf.cond_br %more, ^body, ^end
^body:
  %k = arith.addi %word, %word : index
  %a = amx.tile_load %x[%c0, %k] : memref<16x320xbf16> into !amx.tile<16x32xbf16>
  %b = amx.tile_load %w[%word, %c0] : memref<160x32xbf16> into !amx.tile<16x32xbf16>
  %sum = amx.tile_mulf %a, %b, %old : !amx.tile<16x32xbf16>, !amx.tile<16x32xbf16>, !amx.tile<16x16xf32>
  %next = arith.addi %word, %c16 : index
  cf.br ^head(%next, %sum : index, !amx.tile<16x16xf32>)
^end:
  amx.tile_store %y[%c0, %c0], %old : memref<16x16xf32>, !amx.tile<16x16xf32>
  return
}

// NONE-NOT: marimba_uses_tiles
// NONE: llvm.func @copy(
//--- none.mlir
func.func @copy(%x: memref<16xf32>, %y: memref<16xf32>) {
  %c0 = arith.constant 0 : index
  %v = memref.load %x[%c0] : memref<16xf32>
  memref.store %v, %y[%c0] : memref<16xf32>
  return
}
