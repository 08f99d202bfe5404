// RUN: marimba-opt %s -parallelize-scan-in-time='threads=8 lanes=8' -canonicalize -cse \
// RUN:   -split-input-file | FileCheck %s
// RUN: marimba-opt %s -parallelize-scan-in-time='threads=2 lanes=8' -split-input-file \
// RUN:   | FileCheck %s --check-prefix=FEW

// Eight threads, two vectors of channels: stretches of time. Summaries first,
// then the states before each stretch, then the scans.

// CHECK-LABEL: func @few_channels(
// CHECK-SAME: %[[U:[a-z0-9]+]]: tensor<?x?x16xf32>
// CHECK-SAME: %[[STATE:[a-z0-9]+]]: tensor<?x4x16xf32>
// CHECK: %[[SUMMARY:.*]]:2 = scf.forall (%{{.*}}, %{{.*}}, %[[P:.*]]) = (0, 0, 0) to (%{{.*}}, 16, %{{.*}}) step (1, 8, 1)
// CHECK: marimba.scan_summary {{.*}} -> tensor<1x4x8xf32>, tensor<1x8xf32>
// CHECK: scf.for
// CHECK: math.exp
// CHECK: %[[SCAN:.*]]:2 = scf.forall
// CHECK: marimba.selective_scan {{.*}} -> tensor<1x?x8xf32>, tensor<1x4x8xf32>
// CHECK: %[[END:.*]] = tensor.extract_slice %[[SCAN]]#1
// CHECK: %[[LAST:.*]] = linalg.copy ins(%[[END]] : {{.*}}) outs(%[[STATE]]
// CHECK: return %[[SCAN]]#0, %[[LAST]]

// Two threads have enough with two vectors.

// FEW-LABEL: func @few_channels(
// FEW-NOT: scan_summary
// FEW: marimba.selective_scan
// FEW-NOT: scf.
func.func @few_channels(%u: tensor<?x?x16xf32>, %A: tensor<4x16xf32>,
    %B: tensor<?x?x4xf32>, %e: tensor<?x?x16xf32>, %h: tensor<?x4x16xf32>)
    -> (tensor<?x?x16xf32>, tensor<?x4x16xf32>) {
  %y, %last = marimba.selective_scan %u, %u, %A, %B, %B
      outs(%e, %h : tensor<?x?x16xf32>, tensor<?x4x16xf32>)
      : tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<4x16xf32>,
        tensor<?x?x4xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x16xf32>, tensor<?x4x16xf32>
  return %y, %last : tensor<?x?x16xf32>, tensor<?x4x16xf32>
}

// -----

// One token has no stretches.

// CHECK-LABEL: func @decode(
// CHECK-NOT: scf.
// CHECK: marimba.selective_scan
func.func @decode(%u: tensor<?x1x16xf32>, %A: tensor<4x16xf32>,
    %B: tensor<?x1x4xf32>, %e: tensor<?x1x16xf32>, %h: tensor<?x4x16xf32>)
    -> (tensor<?x1x16xf32>, tensor<?x4x16xf32>) {
  %y, %last = marimba.selective_scan %u, %u, %A, %B, %B
      outs(%e, %h : tensor<?x1x16xf32>, tensor<?x4x16xf32>)
      : tensor<?x1x16xf32>, tensor<?x1x16xf32>, tensor<4x16xf32>,
        tensor<?x1x4xf32>, tensor<?x1x4xf32>
     -> tensor<?x1x16xf32>, tensor<?x4x16xf32>
  return %y, %last : tensor<?x1x16xf32>, tensor<?x4x16xf32>
}

// -----

// A softplus inside the op would leave the summary with another step.

// CHECK-LABEL: func @own_softplus(
// CHECK-NOT: scf.
// CHECK: marimba.selective_scan
func.func @own_softplus(%u: tensor<?x?x16xf32>, %A: tensor<4x16xf32>,
    %B: tensor<?x?x4xf32>, %e: tensor<?x?x16xf32>, %h: tensor<?x4x16xf32>)
    -> (tensor<?x?x16xf32>, tensor<?x4x16xf32>) {
  %y, %last = marimba.selective_scan %u, %u, %A, %B, %B
      outs(%e, %h : tensor<?x?x16xf32>, tensor<?x4x16xf32>) {delta_softplus}
      : tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<4x16xf32>,
        tensor<?x?x4xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x16xf32>, tensor<?x4x16xf32>
  return %y, %last : tensor<?x?x16xf32>, tensor<?x4x16xf32>
}
