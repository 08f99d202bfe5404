// The mark of a stage's end changes nothing, and a pipeline that is printed and
// read again has it.

// RUN: marimba-opt %s --end-stage=stage=tile --dump-pass-pipeline 2>&1 | FileCheck %s
// RUN: marimba-opt %s --pass-pipeline="builtin.module(end-stage{stage=tile},canonicalize)" \
// RUN:   | FileCheck %s --check-prefix=FOLDED

// CHECK: end-stage{stage=tile}
// CHECK: func.func @f
// CHECK: arith.addi
// FOLDED-NOT: arith.addi
func.func @f() -> i32 {
  %one = arith.constant 1 : i32
  %two = arith.addi %one, %one : i32
  return %two : i32
}
