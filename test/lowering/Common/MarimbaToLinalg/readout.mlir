// RUN: marimba-opt %s -convert-marimba-to-linalg | FileCheck %s

// d0 = B, d1 = T, d2 = D, d3 = N
// CHECK-DAG: #[[STATES:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3, d2)>
// CHECK-DAG: #[[C:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
// CHECK-DAG: #[[Y:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
// CHECK-DAG: #[[D:.*]] = affine_map<(d0, d1, d2) -> (d2)>

// CHECK-LABEL: func @plain
// CHECK: %[[ZERO:.*]] = linalg.fill
// CHECK: %[[SUM:.*]] = linalg.generic {indexing_maps = [#[[STATES]], #[[C]], #[[Y]]], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} {{.*}} outs(%[[ZERO]]
// CHECK: return %[[SUM]]
func.func @plain(%h: tensor<?x?x4x8xf32>, %C: tensor<?x?x4xf32>)
    -> tensor<?x?x8xf32> {
  %y = marimba.readout %h, %C
      : tensor<?x?x4x8xf32>, tensor<?x?x4xf32> -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// CHECK-LABEL: func @skip
// CHECK-SAME: %[[DM:[a-z0-9]+]]: tensor<8xbf16>, %[[U:[a-z0-9]+]]: tensor<?x?x8xf32>
// CHECK: %[[SUM:.*]] = linalg.generic {{.*}}"reduction"]
// CHECK: linalg.generic {indexing_maps = [#{{.*}}, #[[D]], #{{.*}}, #{{.*}}], iterator_types = ["parallel", "parallel", "parallel"]} ins(%[[SUM]], %[[DM]], %[[U]]
// CHECK: ^bb0(%[[S:.*]]: f32, %[[DIN:.*]]: bf16, %[[UIN:.*]]: f32, %{{.*}}: f32)
// CHECK: %[[WIDE:.*]] = arith.extf %[[DIN]]
// CHECK: %[[P:.*]] = arith.mulf %[[WIDE]], %[[UIN]]
// CHECK: arith.addf %[[S]], %[[P]]
func.func @skip(%h: tensor<?x?x4x8xf32>, %C: tensor<?x?x4xf32>,
    %D: tensor<8xbf16>, %u: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  %y = marimba.readout %h, %C
      skip(%D, %u : tensor<8xbf16>, tensor<?x?x8xf32>)
      : tensor<?x?x4x8xf32>, tensor<?x?x4xf32> -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}
