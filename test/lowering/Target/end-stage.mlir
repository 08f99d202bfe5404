// The mark of a stage's end changes nothing, and a pipeline that is printed and
// read again has it.

// RUN: marimba-opt %s --end-stage=stage=tile --dump-pass-pipeline 2>&1 | FileCheck %s
// RUN: marimba-opt %s --pass-pipeline="builtin.module(end-stage{stage=tile},canonicalize)" \
// RUN:   | FileCheck %s --check-prefix=FOLDED

// An invalid module goes no further, even if nothing else verifies it.

// RUN: not marimba-opt %S/Inputs/invalid.mlir --mlir-very-unsafe-disable-verifier-on-parsing \
// RUN:   --verify-each=false --end-stage=stage=tile 2>&1 | FileCheck %s --check-prefix=INVALID
// INVALID: error: {{.*}}operand #0 does not dominate this use

// CHECK: end-stage{stage=tile}
// CHECK: func.func @f
// CHECK: arith.addi
// FOLDED-NOT: arith.addi
func.func @f() -> i32 {
  %one = arith.constant 1 : i32
  %two = arith.addi %one, %one : i32
  return %two : i32
}
