// RUN: marimba-opt %s -convert-runtime-to-llvm -canonicalize -cse | FileCheck %s

// The loops' counts, bodies and closures are a table on the stack, taken once.

func.func private @fill(%begin: index, %end: index, %x: memref<?xf32>) {
  return
}
func.func private @scale(%begin: index, %end: index, %f: f32) {
  return
}

// CHECK: llvm.func @marimba_parallel_phases(!llvm.ptr, i64, !llvm.ptr)

// CHECK-LABEL: llvm.func @caller(
// CHECK-SAME: %[[CTX:[a-z0-9]+]]: !llvm.ptr, %[[N:[a-z0-9]+]]: i64,
// CHECK-DAG: %[[TWO:.*]] = llvm.mlir.constant(2 : i64)
// CHECK-DAG: %[[FILL:.*]] = llvm.mlir.addressof @fill_range
// CHECK-DAG: %[[SCALE:.*]] = llvm.mlir.addressof @scale_range
// CHECK-DAG: %[[PHASES:.*]] = llvm.alloca %{{.*}} x !llvm.array<48 x i8>
// CHECK: llvm.br
// CHECK-NOT: llvm.alloca
// CHECK: llvm.store %[[N]], %[[PHASES]]
// CHECK: %[[AT:.*]] = llvm.getelementptr %[[PHASES]][8]
// CHECK: llvm.store %[[FILL]], %[[AT]]
// CHECK: llvm.getelementptr %[[PHASES]][16]
// CHECK: llvm.getelementptr %[[PHASES]][24]
// CHECK: %[[AT:.*]] = llvm.getelementptr %[[PHASES]][32]
// CHECK: llvm.store %[[SCALE]], %[[AT]]
// CHECK: llvm.getelementptr %[[PHASES]][40]
// CHECK: llvm.call @marimba_parallel_phases(%[[CTX]], %[[TWO]], %[[PHASES]])
// CHECK-NOT: @marimba_parallel_for
func.func @caller(%ctx: !rt.context, %n: index, %m: index, %x: memref<?xf32>,
    %f: f32, %c: i1) {
  cf.br ^loop
^loop:
  rt.parallel_phases %ctx {
    rt.parallel_for %ctx, %n @fill(%x) : memref<?xf32>
    rt.parallel_for %ctx, %m @scale(%f) : f32
  }
  cf.cond_br %c, ^loop, ^end
^end:
  return
}
