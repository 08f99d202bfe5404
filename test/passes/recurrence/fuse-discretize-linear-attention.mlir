// RUN: marimba-opt %s -fuse-discretize-linear-attention -split-input-file | FileCheck %s

// Mamba-2 as the importer writes it; the skip reads what it read.

// CHECK-LABEL: func @fuses(
// CHECK-SAME: %[[DT:[a-z0-9]+]]: tensor<?x?x4xf32>, %[[A:[a-z0-9]+]]: tensor<4xf32>, %[[U:[a-z0-9]+]]: tensor<?x?x4x8xf32>, %[[K:[a-z0-9]+]]: tensor<?x?x2x6xf32>, %[[Q:[a-z0-9]+]]: tensor<?x?x2x6xf32>
// CHECK-SAME: %[[D:[a-z0-9]+]]: tensor<4xbf16>, %[[VALID:[a-z0-9]+]]: tensor<?xi32>, %[[E:[a-z0-9]+]]: tensor<?x?x4x8xf32>, %[[S:[a-z0-9]+]]: tensor<?x4x6x8xf32>
// CHECK-NOT: marimba.discretize_heads
// CHECK: %[[Y:.*]]:2 = marimba.linear_attention %[[Q]], %[[K]], %[[U]] decay(%[[A]] : tensor<4xf32>) step(%[[DT]] : tensor<?x?x4xf32>) skip(%[[D]], %[[U]] : tensor<4xbf16>, tensor<?x?x4x8xf32>) valid(%[[VALID]] : tensor<?xi32>) outs(%[[E]], %[[S]] : tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>) {scale = 5.000000e-01 : f64}
// CHECK: return %[[Y]]#0, %[[Y]]#1
func.func @fuses(%dt: tensor<?x?x4xf32>, %A: tensor<4xf32>,
    %u: tensor<?x?x4x8xf32>, %k: tensor<?x?x2x6xf32>, %q: tensor<?x?x2x6xf32>,
    %D: tensor<4xbf16>, %valid: tensor<?xi32>, %e: tensor<?x?x4x8xf32>,
    %s: tensor<?x4x6x8xf32>) -> (tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>) {
  %g, %v = marimba.discretize_heads %dt, %A, %u
      : tensor<?x?x4xf32>, tensor<4xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4xf32>, tensor<?x?x4x8xf32>
  %y, %last = marimba.linear_attention %q, %k, %v decay(%g : tensor<?x?x4xf32>)
      skip(%D, %u : tensor<4xbf16>, tensor<?x?x4x8xf32>)
      valid(%valid : tensor<?xi32>)
      outs(%e, %s : tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>)
      {scale = 0.5 : f64}
      : tensor<?x?x2x6xf32>, tensor<?x?x2x6xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>
  return %y, %last : tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>
}

// -----

// The values have another reader: they stay, the op does not read them.

// CHECK-LABEL: func @values_stay(
// CHECK-SAME: %[[U:[a-z0-9]+]]: tensor<?x?x4x8xf32>
// CHECK: %{{.*}}, %[[V:.*]] = marimba.discretize_heads
// CHECK: marimba.linear_attention %{{.*}}, %{{.*}}, %[[U]] {{.*}} step(
// CHECK: return %{{.*}}, %[[V]]
func.func @values_stay(%u: tensor<?x?x4x8xf32>, %dt: tensor<?x?x4xf32>,
    %A: tensor<4xf32>, %k: tensor<?x?x2x6xf32>, %s: tensor<?x4x6x8xf32>)
    -> (tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>) {
  %g, %v = marimba.discretize_heads %dt, %A, %u
      : tensor<?x?x4xf32>, tensor<4xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4xf32>, tensor<?x?x4x8xf32>
  %y, %last = marimba.linear_attention %k, %k, %v decay(%g : tensor<?x?x4xf32>)
      outs(%u, %s : tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>)
      : tensor<?x?x2x6xf32>, tensor<?x?x2x6xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>
  return %y, %v : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>
}

// -----

// The values of one system, the decays of another.

// CHECK-LABEL: func @mixed_systems(
// CHECK-NOT: step(
// CHECK: return
func.func @mixed_systems(%u: tensor<?x?x4x8xf32>, %dt: tensor<?x?x4xf32>,
    %A: tensor<4xf32>, %other: tensor<4xf32>, %k: tensor<?x?x2x6xf32>,
    %s: tensor<?x4x6x8xf32>) -> tensor<?x?x4x8xf32> {
  %g, %unused = marimba.discretize_heads %dt, %A, %u
      : tensor<?x?x4xf32>, tensor<4xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4xf32>, tensor<?x?x4x8xf32>
  %unread, %v = marimba.discretize_heads %dt, %other, %u
      : tensor<?x?x4xf32>, tensor<4xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4xf32>, tensor<?x?x4x8xf32>
  %y, %last = marimba.linear_attention %k, %k, %v decay(%g : tensor<?x?x4xf32>)
      outs(%u, %s : tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>)
      : tensor<?x?x2x6xf32>, tensor<?x?x2x6xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>
  return %y : tensor<?x?x4x8xf32>
}

// -----

// Values that are not times the step, and a delta rule, which has no step.

// CHECK-LABEL: func @others(
// CHECK-NOT: step(
// CHECK: return
func.func @others(%u: tensor<?x?x4x8xf32>, %dt: tensor<?x?x4xf32>,
    %A: tensor<4xf32>, %k: tensor<?x?x2x6xf32>, %s: tensor<?x4x6x8xf32>)
    -> (tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>) {
  %g, %v = marimba.discretize_heads %dt, %A, %u
      : tensor<?x?x4xf32>, tensor<4xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4xf32>, tensor<?x?x4x8xf32>
  %y, %last = marimba.linear_attention %k, %k, %u decay(%g : tensor<?x?x4xf32>)
      outs(%u, %s : tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>)
      : tensor<?x?x2x6xf32>, tensor<?x?x2x6xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>
  %z, %end = marimba.linear_attention %k, %k, %v decay(%g : tensor<?x?x4xf32>)
      beta(%dt : tensor<?x?x4xf32>)
      outs(%u, %s : tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>) {delta_rule}
      : tensor<?x?x2x6xf32>, tensor<?x?x2x6xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>
  return %y, %z : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>
}
