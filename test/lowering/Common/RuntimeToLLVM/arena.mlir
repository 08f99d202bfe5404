// RUN: marimba-opt %s -convert-runtime-to-llvm -canonicalize | FileCheck %s

// MarimbaContext: status at 8, arenaTop at 32.

// CHECK: llvm.func @marimba_arena_alloc(!llvm.ptr, i64) -> !llvm.ptr

// CHECK-LABEL: llvm.func @arena(
// CHECK-SAME: %[[CTX:.*]]: !llvm.ptr, %[[N:.*]]: i64) -> i32
// CHECK: %[[TOP:.*]] = llvm.getelementptr %[[CTX]][32]
// CHECK: %[[MARK:.*]] = llvm.load %[[TOP]] : !llvm.ptr -> i64
// Bytes: n * 4 elements of f32.
// CHECK: %[[COUNT:.*]] = llvm.mul %[[N]], %{{.*}} : i64
// CHECK: %[[END:.*]] = llvm.getelementptr %{{.*}}[%[[COUNT]]] : (!llvm.ptr, i64) -> !llvm.ptr, f32
// CHECK: %[[BYTES:.*]] = llvm.ptrtoint %[[END]]
// CHECK: llvm.call @marimba_arena_alloc(%[[CTX]], %[[BYTES]])
// CHECK: %[[TOP2:.*]] = llvm.getelementptr %[[CTX]][32]
// CHECK: llvm.store %[[MARK]], %[[TOP2]] : i64
// CHECK: %[[AT:.*]] = llvm.getelementptr %[[CTX]][8]
// CHECK: %[[STATUS:.*]] = llvm.load %[[AT]] : !llvm.ptr -> i32
// CHECK: llvm.return %[[STATUS]]
func.func @arena(%first: !rt.context, %n: index) -> i32 {
  %ctx = rt.context
  %mark = rt.arena_mark %ctx
  %a = rt.arena_alloc %ctx(%n) : memref<?x4xf32>
  rt.arena_release %ctx, %mark
  %status = rt.status %ctx
  return %status : i32
}
