// RUN: marimba-opt %s -allow-unregistered-dialect -fuse-discretize-scan -split-input-file | FileCheck %s

// CHECK-LABEL: func @fuses
// CHECK-SAME: %[[U:[a-z0-9]+]]: tensor<?x?x8xf32>, %[[DT:[a-z0-9]+]]: tensor<?x?x8xf32>, %[[A:[a-z0-9]+]]: tensor<4x8xf32>, %[[B:[a-z0-9]+]]: tensor<?x?x4xf32>, %[[C:[a-z0-9]+]]: tensor<?x?x4xf32>
// CHECK-SAME: %[[D:[a-z0-9]+]]: tensor<8xbf16>, %[[VALID:[a-z0-9]+]]: tensor<?xi32>, %[[E:[a-z0-9]+]]: tensor<?x?x4x8xf32>, %[[H:[a-z0-9]+]]: tensor<?x4x8xf32>
// CHECK-NOT: marimba.discretize
// CHECK-NOT: marimba.scan
// CHECK-NOT: marimba.readout
// CHECK: %[[Y:.*]]:2 = marimba.selective_scan %[[U]], %[[DT]], %[[A]], %[[B]], %[[C]] skip(%[[D]] : tensor<8xbf16>) valid(%[[VALID]] : tensor<?xi32>) outs(%{{.*}}, %[[H]] : tensor<?x?x8xf32>, tensor<?x4x8xf32>)
// CHECK-NOT: delta_softplus
// CHECK: return %[[Y]]#0, %[[Y]]#1
func.func @fuses(%u: tensor<?x?x8xf32>, %dt: tensor<?x?x8xf32>,
    %A: tensor<4x8xf32>, %B: tensor<?x?x4xf32>, %C: tensor<?x?x4xf32>,
    %D: tensor<8xbf16>, %valid: tensor<?xi32>, %e: tensor<?x?x4x8xf32>,
    %h: tensor<?x4x8xf32>) -> (tensor<?x?x8xf32>, tensor<?x4x8xf32>) {
  %decay, %input = marimba.discretize euler %dt, %A, %B, %u
      : tensor<?x?x8xf32>, tensor<4x8xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x4x8xf32>
  %states, %last = marimba.scan %decay, %input valid(%valid : tensor<?xi32>)
      outs(%e, %h : tensor<?x?x4x8xf32>, tensor<?x4x8xf32>)
      : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4x8xf32>, tensor<?x4x8xf32>
  %y = marimba.readout %states, %C
      skip(%D, %u : tensor<8xbf16>, tensor<?x?x8xf32>)
      : tensor<?x?x4x8xf32>, tensor<?x?x4xf32> -> tensor<?x?x8xf32>
  return %y, %last : tensor<?x?x8xf32>, tensor<?x4x8xf32>
}

// -----

// Without skip there is nothing to compare; a second reader of the system
// keeps `discretize` alive, not the scan.

// CHECK-LABEL: func @discretize_stays
// CHECK: %[[SYSTEM:.*]], %{{.*}} = marimba.discretize
// CHECK-NOT: marimba.scan
// CHECK: %[[Y:.*]]:2 = marimba.selective_scan
// CHECK-NOT: skip
// CHECK: return %[[Y]]#0, %[[SYSTEM]]
func.func @discretize_stays(%u: tensor<?x?x8xf32>, %A: tensor<4x8xf32>,
    %B: tensor<?x?x4xf32>, %e: tensor<?x?x4x8xf32>, %h: tensor<?x4x8xf32>)
    -> (tensor<?x?x8xf32>, tensor<?x?x4x8xf32>) {
  %decay, %input = marimba.discretize euler %u, %A, %B, %u
      : tensor<?x?x8xf32>, tensor<4x8xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x4x8xf32>
  %states, %last = marimba.scan %decay, %input
      outs(%e, %h : tensor<?x?x4x8xf32>, tensor<?x4x8xf32>)
      : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4x8xf32>, tensor<?x4x8xf32>
  %y = marimba.readout %states, %B
      : tensor<?x?x4x8xf32>, tensor<?x?x4xf32> -> tensor<?x?x8xf32>
  return %y, %decay : tensor<?x?x8xf32>, tensor<?x?x4x8xf32>
}

// -----

// CHECK-LABEL: func @states_read_twice
// CHECK: marimba.discretize
// CHECK: marimba.scan
// CHECK: marimba.readout
// CHECK-NOT: marimba.selective_scan
func.func @states_read_twice(%u: tensor<?x?x8xf32>, %A: tensor<4x8xf32>,
    %B: tensor<?x?x4xf32>, %e: tensor<?x?x4x8xf32>, %h: tensor<?x4x8xf32>)
    -> (tensor<?x?x8xf32>, tensor<?x?x4x8xf32>) {
  %decay, %input = marimba.discretize euler %u, %A, %B, %u
      : tensor<?x?x8xf32>, tensor<4x8xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x4x8xf32>
  %states, %last = marimba.scan %decay, %input
      outs(%e, %h : tensor<?x?x4x8xf32>, tensor<?x4x8xf32>)
      : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4x8xf32>, tensor<?x4x8xf32>
  %y = marimba.readout %states, %B
      : tensor<?x?x4x8xf32>, tensor<?x?x4xf32> -> tensor<?x?x8xf32>
  return %y, %states : tensor<?x?x8xf32>, tensor<?x?x4x8xf32>
}

// -----

// CHECK-LABEL: func @skips_another_input
// CHECK: marimba.scan
// CHECK: marimba.readout
// CHECK-NOT: marimba.selective_scan
func.func @skips_another_input(%u: tensor<?x?x8xf32>, %v: tensor<?x?x8xf32>,
    %A: tensor<4x8xf32>, %B: tensor<?x?x4xf32>, %D: tensor<8xf32>,
    %e: tensor<?x?x4x8xf32>, %h: tensor<?x4x8xf32>) -> tensor<?x?x8xf32> {
  %decay, %input = marimba.discretize euler %u, %A, %B, %u
      : tensor<?x?x8xf32>, tensor<4x8xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x4x8xf32>
  %states, %last = marimba.scan %decay, %input
      outs(%e, %h : tensor<?x?x4x8xf32>, tensor<?x4x8xf32>)
      : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4x8xf32>, tensor<?x4x8xf32>
  %y = marimba.readout %states, %B
      skip(%D, %v : tensor<8xf32>, tensor<?x?x8xf32>)
      : tensor<?x?x4x8xf32>, tensor<?x?x4xf32> -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// -----

// CHECK-LABEL: func @zoh
// CHECK: marimba.discretize zoh
// CHECK: marimba.readout
// CHECK-NOT: marimba.selective_scan
func.func @zoh(%u: tensor<?x?x8xf32>, %A: tensor<4x8xf32>,
    %B: tensor<?x?x4xf32>, %e: tensor<?x?x4x8xf32>, %h: tensor<?x4x8xf32>)
    -> tensor<?x?x8xf32> {
  %decay, %input = marimba.discretize zoh %u, %A, %B, %u
      : tensor<?x?x8xf32>, tensor<4x8xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x4x8xf32>
  %states, %last = marimba.scan %decay, %input
      outs(%e, %h : tensor<?x?x4x8xf32>, tensor<?x4x8xf32>)
      : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4x8xf32>, tensor<?x4x8xf32>
  %y = marimba.readout %states, %B
      : tensor<?x?x4x8xf32>, tensor<?x?x4xf32> -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// -----

// CHECK-LABEL: func @bilinear
// CHECK: marimba.discretize bilinear
// CHECK: marimba.readout
// CHECK-NOT: marimba.selective_scan
func.func @bilinear(%u: tensor<?x?x8xf32>, %A: tensor<4x8xf32>,
    %B: tensor<?x?x4xf32>, %e: tensor<?x?x4x8xf32>, %h: tensor<?x4x8xf32>)
    -> tensor<?x?x8xf32> {
  %decay, %input = marimba.discretize bilinear %u, %A, %B, %u
      : tensor<?x?x8xf32>, tensor<4x8xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x4x8xf32>
  %states, %last = marimba.scan %decay, %input
      outs(%e, %h : tensor<?x?x4x8xf32>, tensor<?x4x8xf32>)
      : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4x8xf32>, tensor<?x4x8xf32>
  %y = marimba.readout %states, %B
      : tensor<?x?x4x8xf32>, tensor<?x?x4xf32> -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// -----

// The last state moves down to the readout: here C is computed from it.

// CHECK-LABEL: func @state_read_before
// CHECK: marimba.scan
// CHECK: marimba.readout
// CHECK-NOT: marimba.selective_scan
func.func @state_read_before(%u: tensor<?x?x8xf32>, %A: tensor<4x8xf32>,
    %B: tensor<?x?x4xf32>, %e: tensor<?x?x4x8xf32>, %h: tensor<?x4x8xf32>)
    -> tensor<?x?x8xf32> {
  %decay, %input = marimba.discretize euler %u, %A, %B, %u
      : tensor<?x?x8xf32>, tensor<4x8xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x4x8xf32>
  %states, %last = marimba.scan %decay, %input
      outs(%e, %h : tensor<?x?x4x8xf32>, tensor<?x4x8xf32>)
      : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4x8xf32>, tensor<?x4x8xf32>
  %C = "test.from"(%last) : (tensor<?x4x8xf32>) -> tensor<?x?x4xf32>
  %y = marimba.readout %states, %C
      : tensor<?x?x4x8xf32>, tensor<?x?x4xf32> -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// -----

// The input of another system.

// CHECK-LABEL: func @mixed_systems
// CHECK: marimba.scan
// CHECK: marimba.readout
// CHECK-NOT: marimba.selective_scan
func.func @mixed_systems(%u: tensor<?x?x8xf32>, %x: tensor<?x?x4x8xf32>,
    %A: tensor<4x8xf32>, %B: tensor<?x?x4xf32>, %h: tensor<?x4x8xf32>)
    -> tensor<?x?x8xf32> {
  %decay, %input = marimba.discretize euler %u, %A, %B, %u
      : tensor<?x?x8xf32>, tensor<4x8xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x4x8xf32>
  %states, %last = marimba.scan %decay, %x
      outs(%x, %h : tensor<?x?x4x8xf32>, tensor<?x4x8xf32>)
      : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4x8xf32>, tensor<?x4x8xf32>
  %y = marimba.readout %states, %B
      : tensor<?x?x4x8xf32>, tensor<?x?x4xf32> -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// -----

// The scan decays by the other result.

// CHECK-LABEL: func @input_as_decay(
// CHECK-NOT: marimba.selective_scan
// CHECK: return
func.func @input_as_decay(%u: tensor<?x?x8xf32>, %A: tensor<4x8xf32>,
    %B: tensor<?x?x4xf32>, %e: tensor<?x?x4x8xf32>, %h: tensor<?x4x8xf32>)
    -> (tensor<?x?x8xf32>, tensor<?x4x8xf32>) {
  %decay, %input = marimba.discretize euler %u, %A, %B, %u
      : tensor<?x?x8xf32>, tensor<4x8xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x4x8xf32>
  %s, %last = marimba.scan %input, %input
      outs(%e, %h : tensor<?x?x4x8xf32>, tensor<?x4x8xf32>)
      : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4x8xf32>, tensor<?x4x8xf32>
  %y = marimba.readout %s, %B
      : tensor<?x?x4x8xf32>, tensor<?x?x4xf32> -> tensor<?x?x8xf32>
  return %y, %last : tensor<?x?x8xf32>, tensor<?x4x8xf32>
}
