// RUN: marimba-opt %s -convert-marimba-to-linalg | FileCheck %s

// d0 = B, d1 = T, d2 = Hv, d3 = P
// CHECK-DAG: #[[STEP:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-DAG: #[[A:.*]] = affine_map<(d0, d1, d2) -> (d2)>
// CHECK-DAG: #[[HEAD:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
// CHECK-DAG: #[[ALL:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>

// CHECK-LABEL: func @discretize_heads
// CHECK-SAME: %[[DT:.*]]: tensor<?x?x4xf32>, %[[AH:.*]]: tensor<4xf32>, %[[U:.*]]: tensor<?x?x4x8xf32>
// CHECK: %[[G:.*]] = linalg.generic {indexing_maps = [#[[STEP]], #[[A]], #[[STEP]]], iterator_types = ["parallel", "parallel", "parallel"]} ins(%[[DT]], %[[AH]]
// CHECK: ^bb0(%[[D1:.*]]: f32, %[[A1:.*]]: f32, %{{.*}}: f32)
// CHECK: %[[LOG:.*]] = arith.mulf %[[D1]], %[[A1]]
// CHECK: linalg.yield %[[LOG]]
// CHECK: %[[V:.*]] = linalg.generic {indexing_maps = [#[[HEAD]], #[[ALL]], #[[ALL]]], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%[[DT]], %[[U]]
// CHECK: ^bb0(%[[D2:.*]]: f32, %[[U2:.*]]: f32, %{{.*}}: f32)
// CHECK: %[[VALUE:.*]] = arith.mulf %[[D2]], %[[U2]]
// CHECK: linalg.yield %[[VALUE]]
// CHECK: return %[[G]], %[[V]]
func.func @discretize_heads(%dt: tensor<?x?x4xf32>, %A: tensor<4xf32>,
    %u: tensor<?x?x4x8xf32>) -> (tensor<?x?x4xf32>, tensor<?x?x4x8xf32>) {
  %g, %v = marimba.discretize_heads %dt, %A, %u
      : tensor<?x?x4xf32>, tensor<4xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4xf32>, tensor<?x?x4x8xf32>
  return %g, %v : tensor<?x?x4xf32>, tensor<?x?x4x8xf32>
}
