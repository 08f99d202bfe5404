// RUN: marimba-opt %s -convert-marimba-to-linalg | FileCheck %s

// CHECK-DAG: #[[ROW:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-DAG: #[[ALL:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>

// CHECK-LABEL: func @embedding
// CHECK-SAME: %[[IDS:.*]]: tensor<?x?xi32>, %[[TABLE:.*]]: tensor<16x8xbf16>
// CHECK: linalg.generic {indexing_maps = [#[[ROW]], #[[ALL]]], iterator_types = ["parallel", "parallel", "parallel"]} ins(%[[IDS]]
// CHECK: ^bb0(%[[ID32:.*]]: i32, %{{.*}}: f32)
// CHECK: %[[ID:.*]] = arith.index_cast %[[ID32]]
// CHECK: %[[COLUMN:.*]] = linalg.index 2
// CHECK: %[[STORED:.*]] = tensor.extract %[[TABLE]][%[[ID]], %[[COLUMN]]]
// CHECK: %[[WIDE:.*]] = arith.extf %[[STORED]] : bf16 to f32
// CHECK: linalg.yield %[[WIDE]]
func.func @embedding(%ids: tensor<?x?xi32>, %table: tensor<16x8xbf16>)
    -> tensor<?x?x8xf32> {
  %0 = marimba.embedding %ids, %table
      : tensor<?x?xi32>, tensor<16x8xbf16> -> tensor<?x?x8xf32>
  return %0 : tensor<?x?x8xf32>
}

// CHECK-LABEL: func @embedding_f32
// CHECK: %[[VALUE:.*]] = tensor.extract
// CHECK-NOT: arith.extf
// CHECK: linalg.yield %[[VALUE]]
func.func @embedding_f32(%ids: tensor<?x?xi32>, %table: tensor<16x8xf32>)
    -> tensor<?x?x8xf32> {
  %0 = marimba.embedding %ids, %table
      : tensor<?x?xi32>, tensor<16x8xf32> -> tensor<?x?x8xf32>
  return %0 : tensor<?x?x8xf32>
}

// CHECK-LABEL: func @permute_channels
// CHECK-SAME: %[[X:.*]]: tensor<?x?x8xf32>, %[[ORDER:.*]]: tensor<8xi32>
// CHECK: linalg.generic {{.*}} ins(%[[ORDER]]
// CHECK: ^bb0(%[[FROM32:.*]]: i32, %{{.*}}: f32)
// CHECK-DAG: %[[B:.*]] = linalg.index 0
// CHECK-DAG: %[[T:.*]] = linalg.index 1
// CHECK-DAG: %[[FROM:.*]] = arith.index_cast %[[FROM32]]
// CHECK: tensor.extract %[[X]][%[[B]], %[[T]], %[[FROM]]]
func.func @permute_channels(%x: tensor<?x?x8xf32>, %order: tensor<8xi32>)
    -> tensor<?x?x8xf32> {
  %0 = marimba.permute_channels %x, %order : tensor<?x?x8xf32>, tensor<8xi32>
  return %0 : tensor<?x?x8xf32>
}

// As many tokens as positions, not as the input has.

// CHECK-LABEL: func @gather_tokens
// CHECK-SAME: %[[X:.*]]: tensor<?x?x8xf32>, %[[POS:.*]]: tensor<?x?xi32>
// CHECK-DAG: %[[B:.*]] = tensor.dim %[[POS]], %{{.*}}
// CHECK-DAG: %[[P:.*]] = tensor.dim %[[POS]], %{{.*}}
// CHECK: tensor.empty(%[[B]], %[[P]]) : tensor<?x?x8xf32>
// CHECK: ^bb0(%[[T32:.*]]: i32, %{{.*}}: f32)
// CHECK: %[[T:.*]] = arith.index_cast %[[T32]]
// CHECK: %[[ROWAT:.*]] = linalg.index 0
// CHECK: %[[COLUMN:.*]] = linalg.index 2
// CHECK: tensor.extract %[[X]][%[[ROWAT]], %[[T]], %[[COLUMN]]]
func.func @gather_tokens(%x: tensor<?x?x8xf32>, %pos: tensor<?x?xi32>)
    -> tensor<?x?x8xf32> {
  %0 = marimba.gather_tokens %x, %pos
      : tensor<?x?x8xf32>, tensor<?x?xi32> -> tensor<?x?x8xf32>
  return %0 : tensor<?x?x8xf32>
}
