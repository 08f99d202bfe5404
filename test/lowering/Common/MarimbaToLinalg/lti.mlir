// RUN: marimba-opt %s -convert-marimba-to-linalg -split-input-file | FileCheck %s

// In f64: an error of decay grows with every token.

// CHECK-LABEL: func @zoh(
// CHECK: linalg.generic
// CHECK: %[[DT:.*]] = arith.extf %{{.*}} : f32 to f64
// CHECK: %[[A:.*]] = arith.extf
// CHECK: %[[X:.*]] = arith.mulf %[[A]], %[[DT]] : f64
// CHECK: %[[DECAY:.*]] = math.exp %[[X]] : f64
// CHECK: arith.cmpf olt
// CHECK: arith.divf %{{.*}} : f64
// CHECK: %[[D:.*]] = arith.truncf %[[DECAY]]
// CHECK: %[[G:.*]] = arith.truncf
// CHECK: linalg.yield %[[D]], %[[G]]
// CHECK-NOT: math.sin
func.func @zoh(%dt: tensor<8xf32>, %A: tensor<4x8xf32>)
    -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %a, %b = marimba.discretize_lti zoh %dt, %A, %A
      : tensor<8xf32>, tensor<4x8xf32>
  return %a, %b : tensor<4x8xf32>, tensor<4x8xf32>
}

// -----

// Four rows are two complex states: halves in, halves out.

// CHECK-LABEL: func @complex_bilinear(
// CHECK-SAME: %[[DT:[a-z0-9]+]]: tensor<8xf32>, %[[A:[a-z0-9]+]]: tensor<4x8xf32>
// CHECK-DAG: tensor.extract_slice %[[A]][0, 0] [2, 8]
// CHECK-DAG: tensor.extract_slice %[[A]][2, 0] [2, 8]
// CHECK: %[[PARTS:.*]]:4 = linalg.generic
// CHECK-NOT: math.exp
// CHECK: %[[RE:.*]] = tensor.insert_slice %[[PARTS]]#0 into %{{.*}}[0, 0] [2, 8]
// CHECK: tensor.insert_slice %[[PARTS]]#1 into %[[RE]][2, 0] [2, 8]
// CHECK: tensor.insert_slice %[[PARTS]]#3 into %{{.*}}[2, 0] [2, 8]
func.func @complex_bilinear(%dt: tensor<8xf32>, %A: tensor<4x8xf32>)
    -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %a, %b = marimba.discretize_lti bilinear %dt, %A, %A {complex}
      : tensor<8xf32>, tensor<4x8xf32>
  return %a, %b : tensor<4x8xf32>, tensor<4x8xf32>
}

// -----

// The power goes from row to row, in place.

// CHECK-LABEL: func @powers(
// CHECK: %[[START:.*]] = linalg.generic
// CHECK: %[[FIRST:.*]] = scf.for {{.*}} iter_args(%{{.*}} = %[[START]])
// CHECK: scf.for %[[J:.*]] = {{.*}} iter_args(%[[P:.*]] = %[[FIRST]], %[[ALL:.*]] =
// CHECK: %[[NEW:.*]] = tensor.insert_slice %[[P]] into %[[ALL]][%[[J]], 0, 0] [1, 4, 8]
// CHECK: %[[NEXT:.*]] = linalg.generic {{.*}} outs(%[[P]]
// CHECK: scf.yield %[[NEXT]], %[[NEW]]
func.func @powers(%A: tensor<4x8xf32>) -> tensor<6x4x8xf32> {
  %p = marimba.lti_powers %A, %A from 1 : tensor<4x8xf32> -> tensor<6x4x8xf32>
  return %p : tensor<6x4x8xf32>
}

// -----

// CHECK-LABEL: func @kernel(
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]
// CHECK: arith.constant 2.0
func.func @kernel(%C: tensor<4x8xf32>, %P: tensor<6x4x8xf32>)
    -> tensor<6x8xf32> {
  %k = marimba.lti_kernel %C, %P {complex}
      : tensor<4x8xf32>, tensor<6x4x8xf32> -> tensor<6x8xf32>
  return %k : tensor<6x8xf32>
}
