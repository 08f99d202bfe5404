// RUN: marimba-opt %s -resolve-ranked-shaped-type-result-dims -canonicalize \
// RUN:   | FileCheck %s

// CHECK-LABEL: func @linear
// CHECK-SAME: %[[X:.*]]: tensor<?x?x8xf32>
func.func @linear(%x: tensor<?x?x8xf32>, %w: tensor<4x8xf32>)
    -> (index, index) {
  // CHECK-DAG: %[[C4:.*]] = arith.constant 4 : index
  // CHECK-DAG: %[[T:.*]] = tensor.dim %[[X]],
  // CHECK: return %[[T]], %[[C4]]
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %y = marimba.linear %x, %w
      : tensor<?x?x8xf32>, tensor<4x8xf32> -> tensor<?x?x?xf32>
  %t = tensor.dim %y, %c1 : tensor<?x?x?xf32>
  %o = tensor.dim %y, %c2 : tensor<?x?x?xf32>
  return %t, %o : index, index
}

// CHECK-LABEL: func @tokens
// CHECK-SAME: %[[IDS:.*]]: tensor<?x?xi32>, %[[TABLE:.*]]: tensor<9x8xf32>, %[[P:.*]]: tensor<?x?xi32>
func.func @tokens(%ids: tensor<?x?xi32>, %table: tensor<9x8xf32>,
                  %p: tensor<?x?xi32>) -> (index, index) {
  // CHECK-DAG: %[[T:.*]] = tensor.dim %[[IDS]], %c1
  // CHECK-DAG: %[[N:.*]] = tensor.dim %[[P]], %c1
  // CHECK: return %[[T]], %[[N]]
  %c1 = arith.constant 1 : index
  %x = marimba.embedding %ids, %table
      : tensor<?x?xi32>, tensor<9x8xf32> -> tensor<?x?x8xf32>
  %y = marimba.gather_tokens %x, %p
      : tensor<?x?x8xf32>, tensor<?x?xi32> -> tensor<?x?x8xf32>
  %z = marimba.rms_norm %x eps(1.0e-05) : tensor<?x?x8xf32>
  %0 = tensor.dim %z, %c1 : tensor<?x?x8xf32>
  %1 = tensor.dim %y, %c1 : tensor<?x?x8xf32>
  return %0, %1 : index, index
}

// CHECK-LABEL: func @state_space
// CHECK-SAME: %[[D:.*]]: tensor<?x?x8xf32>
func.func @state_space(%d: tensor<?x?x8xf32>, %A: tensor<4x8xf32>,
    %B: tensor<?x?x4xf32>, %e: tensor<?x?x4x8xf32>, %s: tensor<?x4x8xf32>)
    -> (index, index) {
  // CHECK-DAG: %[[T:.*]] = tensor.dim %[[D]], %c1
  // CHECK-DAG: %[[B:.*]] = tensor.dim %{{.*}}, %c0 : tensor<?x4x8xf32>
  // CHECK: return %[[T]], %[[B]]
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %decay, %input = marimba.discretize euler %d, %A, %B, %d
      : tensor<?x?x8xf32>, tensor<4x8xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x4x8xf32>
  %states, %last = marimba.scan %decay, %input
      outs(%decay, %s : tensor<?x?x4x8xf32>, tensor<?x4x8xf32>)
      : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4x8xf32>, tensor<?x4x8xf32>
  %y = marimba.readout %states, %B
      : tensor<?x?x4x8xf32>, tensor<?x?x4xf32> -> tensor<?x?x8xf32>
  %0 = tensor.dim %y, %c1 : tensor<?x?x8xf32>
  %1 = tensor.dim %last, %c0 : tensor<?x4x8xf32>
  return %0, %1 : index, index
}

// CHECK-LABEL: func @heads
// CHECK-SAME: %[[DT:.*]]: tensor<?x?x4xf32>, %[[U:.*]]: tensor<?x?x4x8xf32>, %[[S:.*]]: tensor<?x4x6x8xf32>
func.func @heads(%dt: tensor<?x?x4xf32>, %u: tensor<?x?x4x8xf32>,
    %s: tensor<?x4x6x8xf32>, %A: tensor<4xf32>, %k: tensor<?x?x2x6xf32>)
    -> (index, index, index, index) {
  // CHECK-DAG: %[[C4:.*]] = arith.constant 4 : index
  // CHECK-DAG: %[[T:.*]] = tensor.dim %[[DT]], %c1
  // CHECK-DAG: %[[TU:.*]] = tensor.dim %[[U]], %c1
  // CHECK-DAG: %[[B:.*]] = tensor.dim %[[S]], %c0
  // CHECK: return %[[T]], %[[C4]], %[[TU]], %[[B]]
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %g, %v = marimba.discretize_heads %dt, %A, %u
      : tensor<?x?x4xf32>, tensor<4xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x?xf32>, tensor<?x?x4x8xf32>
  %y, %last = marimba.linear_attention %k, %k, %v
      outs(%u, %s : tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>)
      : tensor<?x?x2x6xf32>, tensor<?x?x2x6xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>
  %0 = tensor.dim %g, %c1 : tensor<?x?x?xf32>
  %1 = tensor.dim %g, %c2 : tensor<?x?x?xf32>
  %2 = tensor.dim %y, %c1 : tensor<?x?x4x8xf32>
  %3 = tensor.dim %last, %c0 : tensor<?x4x6x8xf32>
  return %0, %1, %2, %3 : index, index, index, index
}
