// RUN: marimba-opt %s -convert-runtime-to-llvm | FileCheck %s

// CHECK-DAG: llvm.func @marimba_stored_matrices(!llvm.ptr, !llvm.ptr, i64, i64, i64, !llvm.ptr, !llvm.ptr) -> !llvm.ptr
// CHECK-DAG: llvm.func @marimba_read_matrix(!llvm.ptr, i64, i64, !llvm.ptr, !llvm.ptr) -> !llvm.ptr

// Matrices of 16 x 8 x 2 bytes; the stride is in bytes, too.

// CHECK-LABEL: llvm.func @read
// CHECK: %[[TWO:.*]] = llvm.mlir.constant(2 : i64)
// CHECK: %[[STRIDE:.*]] = llvm.mul %{{.*}}, %[[TWO]]
// CHECK: %[[BYTES:.*]] = llvm.mlir.constant(256 : i64)
// CHECK: %[[COUNT:.*]] = llvm.mlir.constant(4 : i64)
// CHECK: %[[TABLE:.*]] = llvm.call @marimba_stored_matrices(%{{.*}}, %{{.*}}, %[[COUNT]], %[[STRIDE]], %[[BYTES]], %{{.*}}, %{{.*}})
// CHECK: llvm.insertvalue %[[TABLE]],
// CHECK: %[[W:.*]] = llvm.call @marimba_read_matrix(
// CHECK: llvm.insertvalue %[[W]],
// CHECK: llvm.load
func.func @read(%ctx: !rt.context, %w: memref<4x16x8xbf16, strided<[256, 8, 1], offset: ?>>,
    %order: memref<4xi32>, %offsets: memref<5xi32>, %e: index, %i: index) -> bf16 {
  %m = rt.stored_matrices %ctx, %w order(%order, %offsets)
      : memref<4x16x8xbf16, strided<[256, 8, 1], offset: ?>>, memref<4xi32>, memref<5xi32> -> memref<4xi64>
  %one = rt.read_matrix %m[%e] position %i order(%order, %offsets)
      : memref<4xi64>, memref<4xi32>, memref<5xi32> -> memref<16x8xbf16>
  %v = memref.load %one[%i, %e] : memref<16x8xbf16>
  return %v : bf16
}
