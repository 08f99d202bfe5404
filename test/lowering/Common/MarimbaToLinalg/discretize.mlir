// RUN: marimba-opt %s -convert-marimba-to-linalg | FileCheck %s

// d0 = B, d1 = T, d2 = N, d3 = D
// CHECK-DAG: #[[DELTA:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
// CHECK-DAG: #[[A:.*]] = affine_map<(d0, d1, d2, d3) -> (d2, d3)>
// CHECK-DAG: #[[B:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
// CHECK-DAG: #[[ALL:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>

// CHECK-LABEL: func @euler
// CHECK-SAME: %[[DT:.*]]: tensor<?x?x8xf32>, %[[U:.*]]: tensor<?x?x8xf32>, %[[AM:.*]]: tensor<4x8xf32>, %[[BM:.*]]: tensor<?x?x4xf32>
// CHECK: %[[DECAY:.*]] = linalg.generic {indexing_maps = [#[[DELTA]], #[[A]], #[[ALL]]], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%[[DT]], %[[AM]]
// CHECK: ^bb0(%[[D1:.*]]: f32, %[[A1:.*]]: f32, %{{.*}}: f32)
// CHECK: %[[P:.*]] = arith.mulf %[[D1]], %[[A1]]
// CHECK: %[[E:.*]] = math.exp %[[P]]
// CHECK: linalg.yield %[[E]]
// CHECK: %[[INPUT:.*]] = linalg.generic {indexing_maps = [#[[DELTA]], #[[A]], #[[B]], #[[DELTA]], #[[ALL]]]{{.*}} ins(%[[DT]], %[[AM]], %[[BM]], %[[U]]
// CHECK: ^bb0(%[[D2:.*]]: f32, %[[A2:.*]]: f32, %[[B2:.*]]: f32, %[[U2:.*]]: f32, %{{.*}}: f32)
// CHECK: %[[BU:.*]] = arith.mulf %[[B2]], %[[U2]]
// CHECK: %[[R:.*]] = arith.mulf %[[D2]], %[[BU]]
// CHECK: linalg.yield %[[R]]
// CHECK: return %[[DECAY]], %[[INPUT]]
func.func @euler(%dt: tensor<?x?x8xf32>, %u: tensor<?x?x8xf32>,
    %A: tensor<4x8xf32>, %B: tensor<?x?x4xf32>)
    -> (tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>) {
  %decay, %input = marimba.discretize euler %dt, %A, %B, %u
      : tensor<?x?x8xf32>, tensor<4x8xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x4x8xf32>
  return %decay, %input : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>
}

// expm1 keeps the digits of small steps; A = 0 is the limit, delta B u.

// CHECK-LABEL: func @zoh
// CHECK-SAME: %[[DT:.*]]: tensor<?x?x8xf32>, %[[U:.*]]: tensor<?x?x8xf32>, %[[AM:.*]]: tensor<4x8xf32>, %[[BM:.*]]: tensor<?x?x4xf32>
// CHECK: %[[DECAY:.*]] = linalg.generic {indexing_maps = [#[[DELTA]], #[[A]], #[[ALL]]], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%[[DT]], %[[AM]]
// CHECK: ^bb0(%[[D1:.*]]: f32, %[[A1:.*]]: f32, %{{.*}}: f32)
// CHECK: %[[P:.*]] = arith.mulf %[[D1]], %[[A1]]
// CHECK: %[[E:.*]] = math.exp %[[P]]
// CHECK: linalg.yield %[[E]]
// CHECK: %[[INPUT:.*]] = linalg.generic {indexing_maps = [#[[DELTA]], #[[A]], #[[B]], #[[DELTA]], #[[ALL]]]{{.*}} ins(%[[DT]], %[[AM]], %[[BM]], %[[U]]
// CHECK: ^bb0(%[[D2:.*]]: f32, %[[A2:.*]]: f32, %[[B2:.*]]: f32, %[[U2:.*]]: f32, %{{.*}}: f32)
// CHECK: %[[BU:.*]] = arith.mulf %[[B2]], %[[U2]]
// CHECK: %[[P2:.*]] = arith.mulf %[[D2]], %[[A2]]
// CHECK: %[[G:.*]] = math.expm1 %[[P2]]
// CHECK: %[[ZERO:.*]] = arith.constant 0.0
// CHECK: %[[IS:.*]] = arith.cmpf oeq, %[[A2]], %[[ZERO]]
// CHECK: %[[SAFE:.*]] = arith.select %[[IS]], %{{.*}}, %[[A2]]
// CHECK: %[[Q:.*]] = arith.divf %[[G]], %[[SAFE]]
// CHECK: %[[F:.*]] = arith.select %[[IS]], %[[D2]], %[[Q]]
// CHECK: %[[R:.*]] = arith.mulf %[[F]], %[[BU]]
// CHECK: linalg.yield %[[R]]
// CHECK: return %[[DECAY]], %[[INPUT]]
func.func @zoh(%dt: tensor<?x?x8xf32>, %u: tensor<?x?x8xf32>,
    %A: tensor<4x8xf32>, %B: tensor<?x?x4xf32>)
    -> (tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>) {
  %decay, %input = marimba.discretize zoh %dt, %A, %B, %u
      : tensor<?x?x8xf32>, tensor<4x8xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x4x8xf32>
  return %decay, %input : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>
}

// CHECK-LABEL: func @bilinear
// CHECK-SAME: %[[DT:.*]]: tensor<?x?x8xf32>, %[[U:.*]]: tensor<?x?x8xf32>, %[[AM:.*]]: tensor<4x8xf32>, %[[BM:.*]]: tensor<?x?x4xf32>
// CHECK: %[[DECAY:.*]] = linalg.generic {indexing_maps = [#[[DELTA]], #[[A]], #[[ALL]]], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%[[DT]], %[[AM]]
// CHECK: ^bb0(%[[D1:.*]]: f32, %[[A1:.*]]: f32, %{{.*}}: f32)
// CHECK: %[[P1:.*]] = arith.mulf %[[D1]], %[[A1]]
// CHECK: %[[HALF1:.*]] = arith.constant 5.0
// CHECK: %[[H1:.*]] = arith.mulf %[[P1]], %[[HALF1]]
// CHECK-DAG: %[[PLUS:.*]] = arith.addf %{{.*}}, %[[H1]]
// CHECK-DAG: %[[MINUS:.*]] = arith.subf %{{.*}}, %[[H1]]
// CHECK: %[[R1:.*]] = arith.divf %[[PLUS]], %[[MINUS]]
// CHECK: linalg.yield %[[R1]]
// CHECK: %[[INPUT:.*]] = linalg.generic {indexing_maps = [#[[DELTA]], #[[A]], #[[B]], #[[DELTA]], #[[ALL]]]{{.*}} ins(%[[DT]], %[[AM]], %[[BM]], %[[U]]
// CHECK: ^bb0(%[[D2:.*]]: f32, %[[A2:.*]]: f32, %[[B2:.*]]: f32, %[[U2:.*]]: f32, %{{.*}}: f32)
// CHECK: %[[BU:.*]] = arith.mulf %[[B2]], %[[U2]]
// CHECK-DAG: %[[DBU:.*]] = arith.mulf %[[D2]], %[[BU]]
// CHECK-DAG: %[[P2:.*]] = arith.mulf %[[D2]], %[[A2]]
// CHECK-DAG: %[[H2:.*]] = arith.mulf %[[P2]], %{{.*}}
// CHECK-DAG: %[[M2:.*]] = arith.subf %{{.*}}, %[[H2]]
// CHECK: %[[R2:.*]] = arith.divf %[[DBU]], %[[M2]]
// CHECK: linalg.yield %[[R2]]
// CHECK: return %[[DECAY]], %[[INPUT]]
func.func @bilinear(%dt: tensor<?x?x8xf32>, %u: tensor<?x?x8xf32>,
    %A: tensor<4x8xf32>, %B: tensor<?x?x4xf32>)
    -> (tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>) {
  %decay, %input = marimba.discretize bilinear %dt, %A, %B, %u
      : tensor<?x?x8xf32>, tensor<4x8xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x4x8xf32>
  return %decay, %input : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>
}
