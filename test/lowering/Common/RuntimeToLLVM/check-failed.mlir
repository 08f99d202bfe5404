// RUN: marimba-opt %s --convert-runtime-to-llvm | FileCheck %s

// One constant for all checks that say the same; a name that the module has
// already is left to it.
// CHECK: llvm.mlir.global internal constant @[[OTHER:check_message_[0-9]+]]("other {0}\00")
// CHECK-NEXT: llvm.mlir.global internal constant @[[SAME:check_message_[0-9]+]]("n is {0}\00")
// CHECK-NEXT: llvm.func @marimba_check_failed(!llvm.ptr, !llvm.ptr, !llvm.ptr, i64)
// CHECK-NEXT: llvm.mlir.global internal constant @check_message_0("taken")
// CHECK-NEXT: llvm.func @first
llvm.mlir.global internal constant @check_message_0("taken") {addr_space = 0 : i32}

// The values are a list on the stack.
// CHECK-SAME: %[[CTX:[a-z0-9]+]]: !llvm.ptr, %[[N:[a-z0-9]+]]: i64
// CHECK: %[[LIST:.+]] = llvm.alloca {{.+}} x !llvm.array<1 x i64>
// CHECK: llvm.store %[[N]], %[[LIST]]
// CHECK: %[[TEXT:.+]] = llvm.mlir.addressof @[[SAME]]
// CHECK: %[[ONE:.+]] = llvm.mlir.constant(1 : i64)
// CHECK: llvm.call @marimba_check_failed(%[[CTX]], %[[TEXT]], %[[LIST]], %[[ONE]])
func.func @first(%ctx: !rt.context, %n: index) {
  rt.check_failed %ctx "n is {0}" (%n)
  return
}

// CHECK-LABEL: llvm.func @second
// CHECK: llvm.mlir.addressof @[[SAME]]
// CHECK: llvm.mlir.addressof @[[OTHER]]
func.func @second(%ctx: !rt.context, %n: index) {
  rt.check_failed %ctx "n is {0}" (%n)
  rt.check_failed %ctx "other {0}" (%n)
  return
}
