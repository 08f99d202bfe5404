// RUN: marimba-opt %s -convert-runtime-to-llvm -canonicalize -cse | FileCheck %s

// A function of the ABI's type unpacks the closure and calls the body, whose
// memrefs are unpacked. Loops that share a body share it, too.

// CHECK-COUNT-1: llvm.func internal @body_range(
// CHECK-SAME: %[[CLOSURE:.*]]: !llvm.ptr, %[[BEGIN:.*]]: i64, %[[END:.*]]: i64) {
// CHECK: %[[XAT:.*]] = llvm.getelementptr %[[CLOSURE]][0, 0]
// CHECK: %[[X:.*]] = llvm.load %[[XAT]]
// CHECK: %[[DATA:.*]] = llvm.extractvalue %[[X]][0]
// CHECK: %[[SIZE:.*]] = llvm.extractvalue %[[X]][3, 0]
// CHECK: %[[FAT:.*]] = llvm.getelementptr %[[CLOSURE]][0, 1]
// CHECK: %[[F:.*]] = llvm.load %[[FAT]] : !llvm.ptr -> f32
// CHECK: llvm.call @body(%[[BEGIN]], %[[END]], %[[DATA]], %{{.*}}, %{{.*}}, %[[SIZE]], %{{.*}}, %[[F]])
// CHECK-NOT: llvm.func internal
// CHECK: llvm.func @marimba_parallel_for(!llvm.ptr, i64, i64, !llvm.ptr, !llvm.ptr)
func.func private @body(%begin: index, %end: index, %x: memref<?xf32>,
    %f: f32) {
  return
}

// CHECK-LABEL: llvm.func @caller(
// CHECK-SAME: %[[CTX:[a-z0-9]+]]: !llvm.ptr, %[[N:[a-z0-9]+]]: i64,
// CHECK-SAME: %[[F:[a-z0-9]+]]: f32)
// CHECK-DAG: %[[BODY:.*]] = llvm.mlir.addressof @body_range
// CHECK-DAG: %[[GRAIN:.*]] = llvm.mlir.constant(1 : i64)
// CHECK: %[[MINE:.*]] = llvm.alloca
// CHECK: %[[FIELD:.*]] = llvm.getelementptr %[[FIRST:.*]][0, 1]
// CHECK: llvm.store %[[F]], %[[FIELD]]
// CHECK: llvm.call @marimba_parallel_for(%[[CTX]], %[[N]], %[[GRAIN]], %[[BODY]], %[[FIRST]])
// CHECK: llvm.call @marimba_parallel_for(%[[CTX]], %[[N]], %[[GRAIN]], %[[BODY]],
func.func @caller(%ctx: !rt.context, %n: index, %x: memref<?xf32>, %f: f32) {
  rt.parallel_for %ctx, %n @body(%x, %f) : memref<?xf32>, f32
  rt.parallel_for %ctx, %n @body(%x, %f) : memref<?xf32>, f32
  return
}

// The closure's place on the stack is taken once, not in each iteration.

// CHECK-LABEL: llvm.func @in_loop(
// CHECK: llvm.alloca
// CHECK: llvm.br ^[[LOOP:bb[0-9]+]]
// CHECK: ^[[LOOP]]
// CHECK-NOT: llvm.alloca
// CHECK: llvm.call @marimba_parallel_for
func.func @in_loop(%ctx: !rt.context, %n: index, %x: memref<?xf32>, %f: f32,
    %c: i1) {
  cf.br ^loop
^loop:
  rt.parallel_for %ctx, %n @body(%x, %f) : memref<?xf32>, f32
  cf.cond_br %c, ^loop, ^end
^end:
  return
}
