// RUN: marimba-opt %s -convert-runtime-to-llvm -canonicalize -cse \
// RUN:   -split-input-file | FileCheck %s

// The fields of MarimbaMatmul by offset.

// CHECK: llvm.func @marimba_onednn_matmul(!llvm.ptr, !llvm.ptr)
// CHECK-LABEL: llvm.func @batched(
// CHECK-SAME: %[[CTX:[a-z0-9]+]]: !llvm.ptr, %{{[a-z0-9]+}}: !llvm.ptr, %[[X:[a-z0-9]+]]: !llvm.ptr, %{{[a-z0-9]+}}: i64, %[[BATCH:[a-z0-9]+]]: i64, %[[ROWS:[a-z0-9]+]]: i64, %{{[a-z0-9]+}}: i64, %[[STRIDE:[a-z0-9]+]]: i64,
// CHECK-DAG: %[[EIGHT:.*]] = llvm.mlir.constant(8 : i64)
// CHECK-DAG: %[[FOUR:.*]] = llvm.mlir.constant(4 : i64)
// CHECK-DAG: %[[BF16:.*]] = llvm.mlir.constant(2 : i32)
// CHECK-DAG: %[[F16:.*]] = llvm.mlir.constant(1 : i32)
// CHECK-DAG: %[[F32:.*]] = llvm.mlir.constant(0 : i32)
// CHECK-DAG: %[[NONE:.*]] = llvm.mlir.constant(0 : i64)
// CHECK: %[[ARGS:.*]] = llvm.alloca %{{.*}} x !llvm.array<256 x i8>
// CHECK: llvm.store %[[XDATA:.*]], %[[ARGS]] : !llvm.ptr
// CHECK: %[[BIASAT:.*]] = llvm.getelementptr %[[ARGS]][16]
// CHECK: llvm.store %{{.*}}, %[[BIASAT]] : !llvm.ptr
// CHECK: %[[BATCHAT:.*]] = llvm.getelementptr %[[ARGS]][32]
// CHECK: llvm.store %[[BATCH]], %[[BATCHAT]]
// CHECK: %[[ROWSAT:.*]] = llvm.getelementptr %[[ARGS]][40]
// CHECK: llvm.store %[[ROWS]], %[[ROWSAT]]
// CHECK: %[[KAT:.*]] = llvm.getelementptr %[[ARGS]][48]
// CHECK: llvm.store %[[EIGHT]], %[[KAT]]
// CHECK: %[[NAT:.*]] = llvm.getelementptr %[[ARGS]][56]
// CHECK: llvm.store %[[FOUR]], %[[NAT]]
// CHECK: %[[XBATCHAT:.*]] = llvm.getelementptr %[[ARGS]][64]
// CHECK: llvm.store %[[STRIDE]], %[[XBATCHAT]]
// CHECK: llvm.getelementptr %[[ARGS]][88]
// CHECK: %[[XTYPEAT:.*]] = llvm.getelementptr %[[ARGS]][96]
// CHECK: llvm.store %[[F32]], %[[XTYPEAT]]
// CHECK: %[[WTYPEAT:.*]] = llvm.getelementptr %[[ARGS]][100]
// CHECK: llvm.store %[[BF16]], %[[WTYPEAT]]
// CHECK: %[[BTYPEAT:.*]] = llvm.getelementptr %[[ARGS]][104]
// CHECK: llvm.store %[[F16]], %[[BTYPEAT]]
// CHECK: %[[YTYPEAT:.*]] = llvm.getelementptr %[[ARGS]][108]
// CHECK: llvm.store %[[F32]], %[[YTYPEAT]]
// CHECK: %[[COUNTAT:.*]] = llvm.getelementptr %[[ARGS]][120]
// CHECK: llvm.store %[[NONE]], %[[COUNTAT]]
// CHECK: llvm.call @marimba_onednn_matmul(%[[CTX]], %[[ARGS]])
func.func @batched(%ctx: !rt.context,
    %x: memref<?x?x8xf32, strided<[?, 8, 1], offset: ?>>,
    %w: memref<4x8xbf16>, %b: memref<4xf16>, %y: memref<?x?x4xf32>) {
  onednn.matmul %x, %w bias(%b : memref<4xf16>)
      outs(%y : memref<?x?x4xf32>)
      : memref<?x?x8xf32, strided<[?, 8, 1], offset: ?>>, memref<4x8xbf16>
  return
}

// -----

// Rows alone: a batch of one, no bias.

// CHECK-LABEL: llvm.func @rows(
// CHECK-DAG: %[[ZERO:.*]] = llvm.mlir.constant(0 : i64)
// CHECK-DAG: %[[ONE:.*]] = llvm.mlir.constant(1 : i64)
// CHECK-DAG: %[[NULL:.*]] = llvm.mlir.zero : !llvm.ptr
// CHECK: %[[ARGS:.*]] = llvm.alloca
// CHECK: %[[BIASAT:.*]] = llvm.getelementptr %[[ARGS]][16]
// CHECK: llvm.store %[[NULL]], %[[BIASAT]]
// CHECK: %[[BATCHAT:.*]] = llvm.getelementptr %[[ARGS]][32]
// CHECK: llvm.store %[[ONE]], %[[BATCHAT]]
// CHECK: %[[XBATCHAT:.*]] = llvm.getelementptr %[[ARGS]][64]
// CHECK: llvm.store %[[ZERO]], %[[XBATCHAT]]
func.func @rows(%ctx: !rt.context, %x: memref<?x8xf32>, %w: memref<4x8xf32>,
    %y: memref<?x4xf32>) {
  onednn.matmul %x, %w outs(%y : memref<?x4xf32>)
      : memref<?x8xf32>, memref<4x8xf32>
  return
}

// -----

// Two post-ops: the second one's operand.

// CHECK-LABEL: llvm.func @post_ops(
// CHECK-DAG: %[[TWO:.*]] = llvm.mlir.constant(2 : i64)
// CHECK-DAG: %[[BF16:.*]] = llvm.mlir.constant(2 : i32)
// CHECK-DAG: %[[SILU:.*]] = llvm.mlir.constant(1 : i32)
// CHECK: %[[ARGS:.*]] = llvm.alloca
// CHECK: %[[COUNTAT:.*]] = llvm.getelementptr %[[ARGS]][120]
// CHECK: llvm.store %[[TWO]], %[[COUNTAT]]
// CHECK: %[[KINDAT:.*]] = llvm.getelementptr %[[ARGS]][152]
// CHECK: llvm.store %[[SILU]], %[[KINDAT]]
// CHECK: %[[MULAT:.*]] = llvm.getelementptr %[[ARGS]][184]
// CHECK: llvm.store %[[BF16]], %[[MULAT]]
// CHECK: llvm.getelementptr %[[ARGS]][160]
// CHECK: llvm.store %{{.*}} : !llvm.ptr, !llvm.ptr
// CHECK: %[[TYPEAT:.*]] = llvm.getelementptr %[[ARGS]][188]
// CHECK: llvm.store %[[BF16]], %[[TYPEAT]]
func.func @post_ops(%ctx: !rt.context, %x: memref<?x8xbf16>,
    %w: memref<4x8xf32>, %m: memref<?x4xbf16>, %y: memref<?x4xbf16>) {
  onednn.matmul %x, %w post_ops [silu, mul(%m : memref<?x4xbf16>)]
      outs(%y : memref<?x4xbf16>) : memref<?x8xbf16>, memref<4x8xf32>
  return
}

// -----

// CHECK: llvm.func @marimba_onednn_reorder(!llvm.ptr, !llvm.ptr)
// CHECK-LABEL: llvm.func @reorder(
// CHECK-SAME: %[[CTX:[a-z0-9]+]]: !llvm.ptr
// CHECK-DAG: %[[BF16:.*]] = llvm.mlir.constant(2 : i32)
// CHECK: %[[ARGS:.*]] = llvm.alloca %{{.*}} x !llvm.array<80 x i8>
// CHECK: %[[YTYPEAT:.*]] = llvm.getelementptr %[[ARGS]][76]
// CHECK: llvm.store %[[BF16]], %[[YTYPEAT]]
// CHECK: llvm.call @marimba_onednn_reorder(%[[CTX]], %[[ARGS]])
func.func @reorder(%ctx: !rt.context, %x: memref<?x8xf32>,
    %y: memref<?x8xbf16>) {
  onednn.reorder %x outs(%y : memref<?x8xbf16>) : memref<?x8xf32>
  return
}
