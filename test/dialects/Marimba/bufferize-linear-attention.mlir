// RUN: marimba-opt %s -one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" \
// RUN:   -canonicalize | FileCheck %s

// The state is updated in place; the output goes to its own buffer.

// CHECK-LABEL: func @linear_attention
// CHECK-SAME: %[[Q:.*]]: memref<?x?x2x6xf32>, %[[V:.*]]: memref<?x?x4x8xf32>, %[[A:.*]]: memref<4xf32>, %[[DT:.*]]: memref<?x?x4xf32>, %[[D:.*]]: memref<4xbf16>, %[[E:.*]]: memref<?x?x4x8xf32>, %[[S:.*]]: memref<?x4x6x8xf32>
// CHECK-NOT: memref.alloc
// CHECK-NOT: memref.copy
// CHECK: marimba.linear_attention %[[Q]], %[[Q]], %[[V]] decay(%[[A]] : memref<4xf32>) step(%[[DT]] : memref<?x?x4xf32>) skip(%[[D]], %[[V]] : memref<4xbf16>, memref<?x?x4x8xf32>) outs(%[[E]], %[[S]] : memref<?x?x4x8xf32>, memref<?x4x6x8xf32>)
// CHECK-NEXT: return %[[E]], %[[S]]
func.func @linear_attention(%q: tensor<?x?x2x6xf32>, %v: tensor<?x?x4x8xf32>,
    %A: tensor<4xf32>, %dt: tensor<?x?x4xf32>, %D: tensor<4xbf16>,
    %e: tensor<?x?x4x8xf32>, %s: tensor<?x4x6x8xf32>)
    -> (tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>) {
  %y, %last = marimba.linear_attention %q, %q, %v decay(%A : tensor<4xf32>)
      step(%dt : tensor<?x?x4xf32>)
      skip(%D, %v : tensor<4xbf16>, tensor<?x?x4x8xf32>)
      outs(%e, %s : tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>)
      : tensor<?x?x2x6xf32>, tensor<?x?x2x6xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>
  return %y, %last : tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>
}

// Of the state one needs both: what was, for a second call, and what becomes.

// CHECK-LABEL: func @state_read_later
// CHECK-SAME: %[[S:[a-z0-9]+]]: memref<2x4x6x8xf32>,
// CHECK: %[[COPY:.*]] = memref.alloc
// CHECK: memref.copy %[[S]], %[[COPY]]
// CHECK: marimba.linear_attention {{.*}} outs(%{{.*}}, %[[COPY]] :
// CHECK: return %[[COPY]], %[[S]]
func.func @state_read_later(%q: tensor<2x3x2x6xf32>, %v: tensor<2x3x4x8xf32>,
    %s: tensor<2x4x6x8xf32>, %e: tensor<2x3x4x8xf32>)
    -> (tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>) {
  %y, %last = marimba.linear_attention %q, %q, %v
      outs(%e, %s : tensor<2x3x4x8xf32>, tensor<2x4x6x8xf32>)
      : tensor<2x3x2x6xf32>, tensor<2x3x2x6xf32>, tensor<2x3x4x8xf32>
     -> tensor<2x3x4x8xf32>, tensor<2x4x6x8xf32>
  return %last, %s : tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>
}
