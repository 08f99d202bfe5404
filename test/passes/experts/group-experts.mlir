// RUN: marimba-opt %s -group-experts=fewest=4 -split-input-file | FileCheck %s
// RUN: marimba-opt %s -group-experts -split-input-file | FileCheck %s --check-prefix=FEWER

// One matmul of gate and up, one of down, each of all groups; then a sum over
// the experts of each token, in the router's order.

// FEWER-LABEL: func @experts
// FEWER: marimba.experts
// FEWER-NOT: marimba.grouped_matmul
// CHECK-LABEL: func @experts
// CHECK-SAME: %[[X:.*]]: tensor<?x?x8xf32>, %[[W:.*]]: tensor<?x?x2xf32>, %[[E:.*]]: tensor<?x?x2xi32>, %[[GATE:.*]]: tensor<4x16x8xbf16>, %[[UP:.*]]: tensor<4x16x8xbf16>, %[[DOWN:.*]]: tensor<4x8x16xbf16>
// CHECK-NOT: marimba.experts
// CHECK-DAG: %[[ROWS:.*]] = tensor.collapse_shape %[[X]] {{\[\[}}0, 1], [2]]
// CHECK-DAG: %[[CHOSEN:.*]] = tensor.collapse_shape %[[E]] {{\[\[}}0, 1], [2]]
// CHECK-DAG: %[[FLAT:.*]] = tensor.collapse_shape %[[W]] {{\[\[}}0, 1], [2]]
// CHECK: %[[WEIGHTS:.*]] = linalg.transpose ins(%[[FLAT]] : tensor<?x2xf32>) outs(%{{.*}} : tensor<2x?xf32>) permutation = [1, 0]
// CHECK: %[[G:.*]]:3 = marimba.group_by_expert %[[CHOSEN]] outs(%{{.*}}, %{{.*}}, %{{.*}} : tensor<?xi32>, tensor<5xi32>, tensor<4xi32>)
// CHECK: %[[H:.*]] = marimba.grouped_matmul %[[ROWS]], %[[UP]] gate(%[[GATE]] : tensor<4x16x8xbf16>) groups(%[[G]]#0, %[[G]]#1, %[[G]]#2 : {{.*}}) outs(%{{.*}} : tensor<?x16xf32>) {top_k = 2 : i64}
// CHECK: %[[Y:.*]] = marimba.grouped_matmul %[[H]], %[[DOWN]] groups(%[[G]]#0, %[[G]]#1, %[[G]]#2 : {{.*}}) outs(%{{.*}} : tensor<?x8xf32>) {top_k = 1 : i64}
// CHECK: %[[APART:.*]] = tensor.expand_shape %[[Y]] {{\[\[}}0, 1], [2]] {{.*}} into tensor<?x2x8xf32>
// CHECK: %[[W0:.*]] = tensor.extract_slice %[[WEIGHTS]][0, 0]
// CHECK: %[[Y0:.*]] = tensor.extract_slice %[[APART]][0, 0, 0]
// CHECK: %[[W1:.*]] = tensor.extract_slice %[[WEIGHTS]][1, 0]
// CHECK: %[[Y1:.*]] = tensor.extract_slice %[[APART]][0, 1, 0]
// CHECK: %[[SUM:.*]] = linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]} ins(%[[W0]], %[[Y0]], %[[W1]], %[[Y1]] :
// CHECK: %[[P0:.*]] = arith.mulf
// CHECK: %[[P1:.*]] = arith.mulf
// CHECK: arith.addf %[[P0]], %[[P1]]
// CHECK: tensor.expand_shape %[[SUM]] {{\[\[}}0, 1], [2]]
func.func @experts(%x: tensor<?x?x8xf32>, %w: tensor<?x?x2xf32>,
    %e: tensor<?x?x2xi32>, %gate: tensor<4x16x8xbf16>,
    %up: tensor<4x16x8xbf16>, %down: tensor<4x8x16xbf16>)
    -> tensor<?x?x8xf32> {
  %y = marimba.experts %x, %w, %e, %gate, %up, %down
      : tensor<?x?x8xf32>, tensor<?x?x2xf32>, tensor<?x?x2xi32>,
        tensor<4x16x8xbf16>, tensor<4x16x8xbf16>, tensor<4x8x16xbf16>
  return %y : tensor<?x?x8xf32>
}

// -----

// Without a gate, and of static size.

// CHECK-LABEL: func @relu2
// CHECK: marimba.group_by_expert {{.*}} : tensor<3xi32>, tensor<5xi32>, tensor<4xi32>)
// CHECK: marimba.grouped_matmul {{.*}} outs(%{{.*}} : tensor<3x16xf32>) {relu2, top_k = 1 : i64}
// CHECK: marimba.grouped_matmul {{.*}} outs(%{{.*}} : tensor<3x8xf32>) {top_k = 1 : i64}
// CHECK: tensor.expand_shape {{.*}} output_shape [1, 3, 8]
func.func @relu2(%x: tensor<1x3x8xf32>, %w: tensor<1x3x1xf32>,
    %e: tensor<1x3x1xi32>, %up: tensor<4x16x8xf32>,
    %down: tensor<4x8x16xf32>) -> tensor<1x3x8xf32> {
  %y = marimba.experts %x, %w, %e, %up, %down
      : tensor<1x3x8xf32>, tensor<1x3x1xf32>, tensor<1x3x1xi32>,
        tensor<4x16x8xf32>, tensor<4x8x16xf32>
  return %y : tensor<1x3x8xf32>
}

// -----

// Fewer experts than that have large groups.

// CHECK-LABEL: func @few
// CHECK: marimba.experts
// CHECK-NOT: marimba.grouped_matmul
func.func @few(%x: tensor<?x?x8xf32>, %w: tensor<?x?x2xf32>,
    %e: tensor<?x?x2xi32>, %up: tensor<3x16x8xf32>,
    %down: tensor<3x8x16xf32>) -> tensor<?x?x8xf32> {
  %y = marimba.experts %x, %w, %e, %up, %down
      : tensor<?x?x8xf32>, tensor<?x?x2xf32>, tensor<?x?x2xi32>,
        tensor<3x16x8xf32>, tensor<3x8x16xf32>
  return %y : tensor<?x?x8xf32>
}

// -----

// Quantised weights are stored in the kernels' order.

!up = tensor<4x32x64xi8, #marimba.quantized<channel, scale f32>>
!down = tensor<4x64x32xi8, #marimba.quantized<channel, scale f32>>

// CHECK-LABEL: func @quantized
// CHECK: marimba.experts
// CHECK-NOT: marimba.grouped_matmul
func.func @quantized(%x: tensor<?x?x64xf32>, %w: tensor<?x?x2xf32>,
    %e: tensor<?x?x2xi32>, %up: !up, %down: !down) -> tensor<?x?x64xf32> {
  %y = marimba.experts %x, %w, %e, %up, %down
      : tensor<?x?x64xf32>, tensor<?x?x2xf32>, tensor<?x?x2xi32>, !up, !down
  return %y : tensor<?x?x64xf32>
}

// -----

// No tokens.

// CHECK-LABEL: func @empty
// CHECK: marimba.experts
func.func @empty(%x: tensor<1x0x8xf32>, %w: tensor<1x0x2xf32>,
    %e: tensor<1x0x2xi32>, %up: tensor<4x16x8xf32>,
    %down: tensor<4x8x16xf32>) -> tensor<1x0x8xf32> {
  %y = marimba.experts %x, %w, %e, %up, %down
      : tensor<1x0x8xf32>, tensor<1x0x2xf32>, tensor<1x0x2xi32>,
        tensor<4x16x8xf32>, tensor<4x8x16xf32>
  return %y : tensor<1x0x8xf32>
}
