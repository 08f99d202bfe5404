// RUN: marimba-opt %s -convert-marimba-to-linalg | FileCheck %s

// CHECK-DAG: #[[X3:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
// CHECK-DAG: #[[W3:.*]] = affine_map<(d0, d1, d2, d3) -> (d2, d3)>
// CHECK-DAG: #[[Y3:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
// CHECK-DAG: #[[BIAS:.*]] = affine_map<(d0, d1) -> (d1)>

// CHECK-LABEL: func @linear
// CHECK-SAME: %[[X:.*]]: tensor<?x?x8xf32>, %[[W:.*]]: tensor<4x8xbf16>
// CHECK: %[[ZERO:.*]] = linalg.fill
// CHECK: linalg.generic {indexing_maps = [#[[X3]], #[[W3]], #[[Y3]]], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%[[X]], %[[W]] {{.*}} outs(%[[ZERO]]
// CHECK: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: bf16, %[[SUM:.*]]: f32)
// CHECK: %[[WIDE:.*]] = arith.extf %[[B]]
// CHECK: %[[PRODUCT:.*]] = arith.mulf %[[A]], %[[WIDE]]
// CHECK: arith.addf %[[SUM]], %[[PRODUCT]]
func.func @linear(%x: tensor<?x?x8xf32>, %w: tensor<4x8xbf16>)
    -> tensor<?x?x4xf32> {
  %0 = marimba.linear %x, %w
      : tensor<?x?x8xf32>, tensor<4x8xbf16> -> tensor<?x?x4xf32>
  return %0 : tensor<?x?x4xf32>
}

// The sum starts at the bias.

// CHECK-LABEL: func @bias
// CHECK-SAME: %[[B:[a-z0-9]+]]: tensor<4xf16>
// CHECK: %[[INIT:.*]] = linalg.generic {indexing_maps = [#[[BIAS]], #{{.*}}], iterator_types = ["parallel", "parallel"]} ins(%[[B]]
// CHECK: arith.extf %{{.*}} : f16 to f32
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]} {{.*}} outs(%[[INIT]]
func.func @bias(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>, %b: tensor<4xf16>)
    -> tensor<?x4xf32> {
  %0 = marimba.linear %x, %w bias(%b : tensor<4xf16>)
      : tensor<?x8xf32>, tensor<4x8xf32> -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}
