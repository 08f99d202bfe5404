// RUN: marimba-opt %s -convert-marimba-to-linalg | FileCheck %s

// d0 = B, d1 = T, d2 = Hv, d3 = N
// CHECK-DAG: #[[HEADS:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-DAG: #[[OF_HEAD:.*]] = affine_map<(d0, d1, d2) -> (d2)>
// CHECK-DAG: #[[ALL:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
// CHECK-DAG: #[[A:.*]] = affine_map<(d0, d1, d2, d3) -> (d2)>
// CHECK-DAG: #[[BIAS:.*]] = affine_map<(d0, d1, d2, d3) -> (d2, d3)>

// CHECK-LABEL: func @heads
// CHECK: linalg.generic {indexing_maps = [#[[HEADS]], #[[OF_HEAD]], #[[OF_HEAD]], #[[HEADS]]]
// CHECK: ^bb0(%[[X:.*]]: f32, %[[AH:.*]]: f32, %[[B:.*]]: f32, %{{.*}}: f32)
// CHECK: %[[SUM:.*]] = arith.addf %[[X]], %[[B]]
// CHECK: math.absf %[[SUM]]
// CHECK: math.log1p
// CHECK: %[[SOFTPLUS:.*]] = arith.addf
// CHECK: %[[G:.*]] = arith.mulf %[[AH]], %[[SOFTPLUS]]
// CHECK: linalg.yield %[[G]]
func.func @heads(%a: tensor<?x?x4xf32>, %A: tensor<4xf32>, %b: tensor<4xf32>)
    -> tensor<?x?x4xf32> {
  %0 = marimba.log_decay %a, %A bias(%b : tensor<4xf32>)
      : tensor<?x?x4xf32>, tensor<4xf32>
  return %0 : tensor<?x?x4xf32>
}

// CHECK-LABEL: func @channels
// CHECK: linalg.generic {indexing_maps = [#[[ALL]], #[[A]], #[[BIAS]], #[[ALL]]], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
func.func @channels(%a: tensor<?x?x4x6xf32>, %A: tensor<4xf32>,
    %b: tensor<4x6xf32>) -> tensor<?x?x4x6xf32> {
  %0 = marimba.log_decay %a, %A bias(%b : tensor<4x6xf32>)
      : tensor<?x?x4x6xf32>, tensor<4xf32>
  return %0 : tensor<?x?x4x6xf32>
}

// CHECK-LABEL: func @plain
// CHECK: linalg.generic {indexing_maps = [#[[HEADS]], #[[OF_HEAD]], #[[HEADS]]]
func.func @plain(%a: tensor<?x?x4xf32>, %A: tensor<4xf32>)
    -> tensor<?x?x4xf32> {
  %0 = marimba.log_decay %a, %A : tensor<?x?x4xf32>, tensor<4xf32>
  return %0 : tensor<?x?x4xf32>
}
