// RUN: marimba-opt %s -allow-unregistered-dialect -fuse-scan-activations \
// RUN:   -split-input-file | FileCheck %s

// CHECK-LABEL: func @both
// CHECK-SAME: %[[U:[a-z0-9]+]]: tensor<?x?x8xf32>, %[[DT:[a-z0-9]+]]: tensor<?x?x8xf32>, %[[Z:[a-z0-9]+]]: tensor<?x?x8xf32>
// CHECK-NOT: marimba.s{{ilu|oftplus}}
// CHECK: %[[Y:.*]]:2 = marimba.selective_scan %[[U]], %[[DT]],
// CHECK-SAME: gate(%[[Z]] :
// CHECK-SAME: {delta_softplus}
// CHECK-NOT: arith.mulf
// CHECK: return %[[Y]]#0, %[[Y]]#1
func.func @both(%u: tensor<?x?x8xf32>, %dt: tensor<?x?x8xf32>,
    %z: tensor<?x?x8xf32>, %A: tensor<4x8xf32>, %B: tensor<?x?x4xf32>,
    %e: tensor<?x?x8xf32>, %h: tensor<?x4x8xf32>)
    -> (tensor<?x?x8xf32>, tensor<?x4x8xf32>) {
  %d = marimba.softplus %dt : tensor<?x?x8xf32>
  %y, %last = marimba.selective_scan %u, %d, %A, %B, %B
      outs(%e, %h : tensor<?x?x8xf32>, tensor<?x4x8xf32>)
      : tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<4x8xf32>,
        tensor<?x?x4xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x8xf32>, tensor<?x4x8xf32>
  %g = marimba.silu %z : tensor<?x?x8xf32>
  %r = arith.mulf %y, %g : tensor<?x?x8xf32>
  return %r, %last : tensor<?x?x8xf32>, tensor<?x4x8xf32>
}

// -----

// CHECK-LABEL: func @gate_on_the_left
// CHECK-SAME: %[[U:[a-z0-9]+]]: tensor<?x?x8xf32>, %[[DT:[a-z0-9]+]]: tensor<?x?x8xf32>, %[[Z:[a-z0-9]+]]: tensor<?x?x8xf32>
// CHECK: %[[Y:.*]]:2 = marimba.selective_scan
// CHECK-SAME: gate(%[[Z]] :
// CHECK-NOT: arith.mulf
// CHECK: return %[[Y]]#0
func.func @gate_on_the_left(%u: tensor<?x?x8xf32>, %dt: tensor<?x?x8xf32>,
    %z: tensor<?x?x8xf32>, %A: tensor<4x8xf32>, %B: tensor<?x?x4xf32>,
    %e: tensor<?x?x8xf32>, %h: tensor<?x4x8xf32>)
    -> tensor<?x?x8xf32> {
  %y, %last = marimba.selective_scan %u, %dt, %A, %B, %B
      outs(%e, %h : tensor<?x?x8xf32>, tensor<?x4x8xf32>)
      : tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<4x8xf32>,
        tensor<?x?x4xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x8xf32>, tensor<?x4x8xf32>
  %g = marimba.silu %z : tensor<?x?x8xf32>
  %r = arith.mulf %g, %y : tensor<?x?x8xf32>
  return %r : tensor<?x?x8xf32>
}

// -----

// The scan moves down to where its gate exists.

// CHECK-LABEL: func @gate_defined_behind
// CHECK: %[[X:.*]] = "test.gate"
// CHECK: marimba.selective_scan
// CHECK-SAME: gate(%[[X]] :
// CHECK-NOT: arith.mulf
func.func @gate_defined_behind(%u: tensor<?x?x8xf32>, %dt: tensor<?x?x8xf32>,
    %z: tensor<?x?x8xf32>, %A: tensor<4x8xf32>, %B: tensor<?x?x4xf32>,
    %e: tensor<?x?x8xf32>, %h: tensor<?x4x8xf32>)
    -> tensor<?x?x8xf32> {
  %y, %last = marimba.selective_scan %u, %dt, %A, %B, %B
      outs(%e, %h : tensor<?x?x8xf32>, tensor<?x4x8xf32>)
      : tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<4x8xf32>,
        tensor<?x?x4xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x8xf32>, tensor<?x4x8xf32>
  %x = "test.gate"() : () -> tensor<?x?x8xf32>
  %g = marimba.silu %x : tensor<?x?x8xf32>
  %r = arith.mulf %y, %g : tensor<?x?x8xf32>
  return %r : tensor<?x?x8xf32>
}

// -----

// Another reader keeps the softplus, the scan does not need it.

// CHECK-LABEL: func @softplus_read_twice
// CHECK-SAME: %[[U:[a-z0-9]+]]: tensor<?x?x8xf32>, %[[DT:[a-z0-9]+]]: tensor<?x?x8xf32>, %[[Z:[a-z0-9]+]]: tensor<?x?x8xf32>
// CHECK: %[[S:.*]] = marimba.softplus %[[DT]]
// CHECK: marimba.selective_scan %[[U]], %[[DT]],
// CHECK-SAME: {delta_softplus}
// CHECK: return %{{.*}}, %[[S]]
func.func @softplus_read_twice(%u: tensor<?x?x8xf32>, %dt: tensor<?x?x8xf32>,
    %z: tensor<?x?x8xf32>, %A: tensor<4x8xf32>, %B: tensor<?x?x4xf32>,
    %e: tensor<?x?x8xf32>, %h: tensor<?x4x8xf32>)
    -> (tensor<?x?x8xf32>, tensor<?x?x8xf32>) {
  %d = marimba.softplus %dt : tensor<?x?x8xf32>
  %y, %last = marimba.selective_scan %u, %d, %A, %B, %B
      outs(%e, %h : tensor<?x?x8xf32>, tensor<?x4x8xf32>)
      : tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<4x8xf32>,
        tensor<?x?x4xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x8xf32>, tensor<?x4x8xf32>
  return %y, %d : tensor<?x?x8xf32>, tensor<?x?x8xf32>
}

// -----

// CHECK-LABEL: func @softplus_set_already
// CHECK: %[[S:.*]] = marimba.softplus
// CHECK: marimba.selective_scan %{{.*}}, %[[S]],
func.func @softplus_set_already(%u: tensor<?x?x8xf32>, %dt: tensor<?x?x8xf32>,
    %z: tensor<?x?x8xf32>, %A: tensor<4x8xf32>, %B: tensor<?x?x4xf32>,
    %e: tensor<?x?x8xf32>, %h: tensor<?x4x8xf32>)
    -> tensor<?x?x8xf32> {
  %d = marimba.softplus %dt : tensor<?x?x8xf32>
  %y, %last = marimba.selective_scan %u, %d, %A, %B, %B
      outs(%e, %h : tensor<?x?x8xf32>, tensor<?x4x8xf32>) {delta_softplus}
      : tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<4x8xf32>,
        tensor<?x?x4xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x8xf32>, tensor<?x4x8xf32>
  return %y : tensor<?x?x8xf32>
}

// -----

// CHECK-LABEL: func @bias_behind_softplus
// CHECK: %[[S:.*]] = marimba.softplus
// CHECK: marimba.selective_scan %{{.*}}, %[[S]],
// CHECK-SAME: delta_bias(
// CHECK-NOT: delta_softplus
// CHECK: return
func.func @bias_behind_softplus(%u: tensor<?x?x8xf32>, %dt: tensor<?x?x8xf32>,
    %z: tensor<?x?x8xf32>, %A: tensor<4x8xf32>, %B: tensor<?x?x4xf32>,
    %e: tensor<?x?x8xf32>, %h: tensor<?x4x8xf32>, %bias: tensor<8xf32>)
    -> tensor<?x?x8xf32> {
  %d = marimba.softplus %dt : tensor<?x?x8xf32>
  %y, %last = marimba.selective_scan %u, %d, %A, %B, %B
      delta_bias(%bias : tensor<8xf32>)
      outs(%e, %h : tensor<?x?x8xf32>, tensor<?x4x8xf32>)
      : tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<4x8xf32>,
        tensor<?x?x4xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x8xf32>, tensor<?x4x8xf32>
  return %y : tensor<?x?x8xf32>
}

// -----

// CHECK-LABEL: func @output_read_twice
// CHECK: %[[Y:.*]]:2 = marimba.selective_scan
// CHECK-NOT: gate(
// CHECK: %[[R:.*]] = arith.mulf %[[Y]]#0
// CHECK: return %[[R]], %[[Y]]#0
func.func @output_read_twice(%u: tensor<?x?x8xf32>, %dt: tensor<?x?x8xf32>,
    %z: tensor<?x?x8xf32>, %A: tensor<4x8xf32>, %B: tensor<?x?x4xf32>,
    %e: tensor<?x?x8xf32>, %h: tensor<?x4x8xf32>)
    -> (tensor<?x?x8xf32>, tensor<?x?x8xf32>) {
  %y, %last = marimba.selective_scan %u, %dt, %A, %B, %B
      outs(%e, %h : tensor<?x?x8xf32>, tensor<?x4x8xf32>)
      : tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<4x8xf32>,
        tensor<?x?x4xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x8xf32>, tensor<?x4x8xf32>
  %g = marimba.silu %z : tensor<?x?x8xf32>
  %r = arith.mulf %y, %g : tensor<?x?x8xf32>
  return %r, %y : tensor<?x?x8xf32>, tensor<?x?x8xf32>
}

// -----

// CHECK-LABEL: func @gated_already
// CHECK-SAME: %[[U:[a-z0-9]+]]: tensor<?x?x8xf32>, %[[DT:[a-z0-9]+]]: tensor<?x?x8xf32>, %[[Z:[a-z0-9]+]]: tensor<?x?x8xf32>
// CHECK: marimba.selective_scan
// CHECK-SAME: gate(%[[U]] :
// CHECK: marimba.silu %[[Z]]
// CHECK: arith.mulf
func.func @gated_already(%u: tensor<?x?x8xf32>, %dt: tensor<?x?x8xf32>,
    %z: tensor<?x?x8xf32>, %A: tensor<4x8xf32>, %B: tensor<?x?x4xf32>,
    %e: tensor<?x?x8xf32>, %h: tensor<?x4x8xf32>)
    -> tensor<?x?x8xf32> {
  %y, %last = marimba.selective_scan %u, %dt, %A, %B, %B
      gate(%u : tensor<?x?x8xf32>)
      outs(%e, %h : tensor<?x?x8xf32>, tensor<?x4x8xf32>)
      : tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<4x8xf32>,
        tensor<?x?x4xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x8xf32>, tensor<?x4x8xf32>
  %g = marimba.silu %z : tensor<?x?x8xf32>
  %r = arith.mulf %y, %g : tensor<?x?x8xf32>
  return %r : tensor<?x?x8xf32>
}

// -----

// CHECK-LABEL: func @no_silu
// CHECK: marimba.selective_scan
// CHECK-NOT: gate(
// CHECK: arith.mulf
func.func @no_silu(%u: tensor<?x?x8xf32>, %dt: tensor<?x?x8xf32>,
    %z: tensor<?x?x8xf32>, %A: tensor<4x8xf32>, %B: tensor<?x?x4xf32>,
    %e: tensor<?x?x8xf32>, %h: tensor<?x4x8xf32>)
    -> tensor<?x?x8xf32> {
  %y, %last = marimba.selective_scan %u, %dt, %A, %B, %B
      outs(%e, %h : tensor<?x?x8xf32>, tensor<?x4x8xf32>)
      : tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<4x8xf32>,
        tensor<?x?x4xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x8xf32>, tensor<?x4x8xf32>
  %r = arith.mulf %y, %z : tensor<?x?x8xf32>
  return %r : tensor<?x?x8xf32>
}

// -----

// The gate needs the last state, so the scan cannot move behind it.

// CHECK-LABEL: func @state_read_before
// CHECK: %[[Y:.*]]:2 = marimba.selective_scan
// CHECK-NOT: gate(
// CHECK: "test.gate"(%[[Y]]#1)
// CHECK: arith.mulf
func.func @state_read_before(%u: tensor<?x?x8xf32>, %dt: tensor<?x?x8xf32>,
    %z: tensor<?x?x8xf32>, %A: tensor<4x8xf32>, %B: tensor<?x?x4xf32>,
    %e: tensor<?x?x8xf32>, %h: tensor<?x4x8xf32>)
    -> tensor<?x?x8xf32> {
  %y, %last = marimba.selective_scan %u, %dt, %A, %B, %B
      outs(%e, %h : tensor<?x?x8xf32>, tensor<?x4x8xf32>)
      : tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<4x8xf32>,
        tensor<?x?x4xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x8xf32>, tensor<?x4x8xf32>
  %x = "test.gate"(%last) : (tensor<?x4x8xf32>) -> tensor<?x?x8xf32>
  %g = marimba.silu %x : tensor<?x?x8xf32>
  %r = arith.mulf %y, %g : tensor<?x?x8xf32>
  return %r : tensor<?x?x8xf32>
}
