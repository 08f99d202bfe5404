// RUN: marimba-opt %s -convert-marimba-to-linalg | FileCheck %s

// CHECK-DAG: #[[ALL:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[ROW:.*]] = affine_map<(d0, d1) -> (d0)>

// eps is added to the sum; one division and root for a row.

// CHECK-LABEL: func @scaled
// CHECK-SAME: %[[X:.*]]: tensor<?x8xf32>
// CHECK: %[[SQUARES:.*]] = linalg.generic {indexing_maps = [#[[ALL]], #[[ROW]]], iterator_types = ["parallel", "reduction"]} ins(%[[X]]
// CHECK: ^bb0(%[[IN:.*]]: f32, %[[SUM:.*]]: f32)
// CHECK: %[[SQUARE:.*]] = arith.mulf %[[IN]], %[[IN]]
// CHECK: arith.addf %[[SUM]], %[[SQUARE]]
// CHECK: %[[FACTOR:.*]] = linalg.generic {{.*}} iterator_types = ["parallel"]} ins(%[[SQUARES]] : tensor<?xf32>)
// CHECK: ^bb0(%[[TOTAL:.*]]: f32, %{{.*}}: f32)
// CHECK: %[[EPS:.*]] = arith.constant 9.99999997E-7
// CHECK: %[[SAFE:.*]] = arith.addf %[[TOTAL]], %[[EPS]]
// CHECK: %[[ROOT:.*]] = math.sqrt %[[SAFE]]
// CHECK: %[[SCALE:.*]] = arith.constant 2.500000e-01
// CHECK: arith.divf %[[SCALE]], %[[ROOT]]
// CHECK: linalg.generic {indexing_maps = [#[[ALL]], #[[ROW]], #[[ALL]]], iterator_types = ["parallel", "parallel"]} ins(%[[X]], %[[FACTOR]]
// CHECK: arith.mulf
// CHECK-NOT: arith.mulf
// CHECK: return
func.func @scaled(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = marimba.l2_norm %x eps(1.0e-06) scale(0.25) : tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}
