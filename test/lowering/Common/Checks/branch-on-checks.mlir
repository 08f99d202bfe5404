// RUN: marimba-opt %s --branch-on-checks | FileCheck %s

// An entry returns the status, others anything: who called looks at the status.
// CHECK-LABEL: func.func @marimba_prefill
// CHECK-SAME: (%[[CTX:.+]]: !rt.context, %{{.+}}: !rt.call, %[[GOOD:.+]]: i1, %[[N:.+]]: index) -> i32
// CHECK: cf.cond_br %[[GOOD]], ^[[REST:.+]], ^[[FAIL:.+]]
// CHECK: ^[[REST]]:
// CHECK: call @helper(%[[CTX]])
// CHECK: %[[STATUS:.+]] = rt.status %[[CTX]]
// CHECK: %[[OK:.+]] = arith.cmpi eq, %[[STATUS]]
// CHECK: cf.cond_br %[[OK]], ^{{.+}}, ^[[END:.+]]
// CHECK: ^[[FAIL]]:
// CHECK: rt.check_failed %[[CTX]] "n is {0}"(%[[N]])
// CHECK: cf.br ^[[END]]
// CHECK: ^[[END]]:
// CHECK: %[[SAME:.+]] = rt.context
// CHECK: %[[LAST:.+]] = rt.status %[[SAME]]
// CHECK: return %[[LAST]] : i32
func.func @marimba_prefill(%ctx: !rt.context, %call: !rt.call, %good: i1, %n: index) -> i32 {
  rt.check %good "n is {0}" (%n) in %ctx
  %i = func.call @helper(%ctx) : (!rt.context) -> index
  %status = rt.status %ctx
  return %status : i32
}

// CHECK-LABEL: func.func private @helper
// CHECK: ub.poison : index
func.func private @helper(%ctx: !rt.context) -> index {
  %no = arith.constant false
  %c = arith.constant 1 : index
  rt.check %no "never" in %ctx
  return %c : index
}
