// RUN: marimba-opt %s -convert-marimba-to-linalg | FileCheck %s

// CHECK-DAG: #[[ALL:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[ROW:.*]] = affine_map<(d0, d1) -> (d0)>
// CHECK-DAG: #[[COLUMN:.*]] = affine_map<(d0, d1) -> (d1)>

// CHECK-LABEL: func @weighted
// CHECK-SAME: %[[X:.*]]: tensor<?x8xf32>, %[[W:.*]]: tensor<8xbf16>
// CHECK: %[[SQUARES:.*]] = linalg.generic {indexing_maps = [#[[ALL]], #[[ROW]]], iterator_types = ["parallel", "reduction"]} ins(%[[X]]
// CHECK: ^bb0(%[[IN:.*]]: f32, %[[SUM:.*]]: f32)
// CHECK: %[[SQUARE:.*]] = arith.mulf %[[IN]], %[[IN]]
// CHECK: arith.addf %[[SUM]], %[[SQUARE]]
// One division and root for a row.
// CHECK: %[[FACTOR:.*]] = linalg.generic {{.*}} iterator_types = ["parallel"]} ins(%[[SQUARES]] : tensor<?xf32>)
// CHECK: ^bb0(%[[TOTAL:.*]]: f32, %{{.*}}: f32)
// CHECK: %[[COUNT:.*]] = arith.constant 8.0
// CHECK: %[[MEAN:.*]] = arith.divf %[[TOTAL]], %[[COUNT]]
// CHECK: %[[EPS:.*]] = arith.constant 9.99999974E-6
// CHECK: %[[SAFE:.*]] = arith.addf %[[MEAN]], %[[EPS]]
// CHECK: %[[ROOT:.*]] = math.sqrt %[[SAFE]]
// CHECK: %[[ONE:.*]] = arith.constant 1.0
// CHECK: arith.divf %[[ONE]], %[[ROOT]]
// CHECK: linalg.generic {indexing_maps = [#[[ALL]], #[[ROW]], #[[COLUMN]], #[[ALL]]], iterator_types = ["parallel", "parallel"]} ins(%[[X]], %[[FACTOR]], %[[W]]
// CHECK: arith.extf %{{.*}} : bf16 to f32
// CHECK: arith.mulf
// CHECK: arith.mulf
func.func @weighted(%x: tensor<?x8xf32>, %w: tensor<8xbf16>)
    -> tensor<?x8xf32> {
  %0 = marimba.rms_norm %x weight(%w : tensor<8xbf16>) eps(1.0e-05)
      : tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// CHECK-LABEL: func @zero_centered
// CHECK: linalg.generic {indexing_maps = [#[[ALL]], #[[ROW]], #[[COLUMN]], #[[ALL]]]
// CHECK: %[[NORMED:.*]] = arith.mulf
// CHECK: %[[ONE:.*]] = arith.constant 1.0
// CHECK: %[[WEIGHT:.*]] = arith.addf %[[ONE]], %
// CHECK: arith.mulf %[[NORMED]], %[[WEIGHT]]
func.func @zero_centered(%x: tensor<?x8xf32>, %w: tensor<8xf32>)
    -> tensor<?x8xf32> {
  %0 = marimba.rms_norm %x weight(%w : tensor<8xf32>) eps(1.0e-05)
      {zero_centered} : tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// CHECK-LABEL: func @plain
// CHECK: linalg.generic {indexing_maps = [#[[ALL]], #[[ROW]], #[[ALL]]]
// CHECK: arith.mulf
// CHECK-NOT: arith.mulf
// CHECK: return
func.func @plain(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = marimba.rms_norm %x eps(1.0e-05) : tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// Each of two groups has a mean of its four elements.
// CHECK-LABEL: func @grouped
// CHECK-SAME: %[[X:.*]]: tensor<?x8xf32>, %[[W:.*]]: tensor<8xf32>
// CHECK-DAG: %[[PARTS:.*]] = tensor.expand_shape %[[X]] {{\[\[}}0], [1, 2]] {{.*}} : tensor<?x8xf32> into tensor<?x2x4xf32>
// CHECK-DAG: %[[WEIGHTS:.*]] = tensor.expand_shape %[[W]] {{\[\[}}0, 1]] {{.*}} : tensor<8xf32> into tensor<2x4xf32>
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]} ins(%[[PARTS]]
// CHECK: arith.constant 4.0
// CHECK: %[[Y:.*]] = linalg.generic {{.*}} ins(%[[PARTS]], %{{.*}}, %[[WEIGHTS]] : tensor<?x2x4xf32>, tensor<?x2xf32>, tensor<2x4xf32>)
// CHECK: tensor.collapse_shape %[[Y]] {{\[\[}}0], [1, 2]] : tensor<?x2x4xf32> into tensor<?x8xf32>
func.func @grouped(%x: tensor<?x8xf32>, %w: tensor<8xf32>) -> tensor<?x8xf32> {
  %0 = marimba.rms_norm %x weight(%w : tensor<8xf32>) groups(2) eps(1.0e-05)
      : tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}
