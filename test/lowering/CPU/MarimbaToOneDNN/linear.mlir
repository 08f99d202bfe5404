// RUN: marimba-opt %s -convert-marimba-to-onednn | FileCheck %s
// RUN: marimba-opt %s -convert-marimba-to-onednn=generated | FileCheck %s --check-prefix=PACKED --implicit-check-not=onednn.

// PACKED-LABEL: func @rank3
// PACKED: marimba.packed_matmul %{{.*}}, %{{.*}} packed bf16 bias(%{{.*}} : tensor<4xbf16>) outs(%{{.*}} : tensor<?x?x4xf32>)
// PACKED-LABEL: func @rank2
// PACKED: marimba.packed_matmul %{{.*}}, %{{.*}} packed f32 outs(%{{.*}} : tensor<?x4xf32>)
// PACKED-LABEL: func @rank4
// PACKED: marimba.linear
// PACKED-LABEL: func @rank1
// PACKED: marimba.linear

// CHECK-LABEL: func @rank3
// CHECK-SAME: %[[X:.*]]: tensor<?x?x8xf32>, %[[W:.*]]: tensor<4x8xbf16>, %[[B:.*]]: tensor<4xbf16>
// CHECK-DAG: %[[ROWS:.*]] = tensor.dim %[[X]], %c0
// CHECK-DAG: %[[TIME:.*]] = tensor.dim %[[X]], %c1
// CHECK: %[[EMPTY:.*]] = tensor.empty(%[[ROWS]], %[[TIME]]) : tensor<?x?x4xf32>
// CHECK: %[[Y:.*]] = onednn.matmul %[[X]], %[[W]] bias(%[[B]] : tensor<4xbf16>) outs(%[[EMPTY]]
// CHECK-NOT: marimba.linear
// CHECK: return %[[Y]]
func.func @rank3(%x: tensor<?x?x8xf32>, %w: tensor<4x8xbf16>,
    %b: tensor<4xbf16>) -> tensor<?x?x4xf32> {
  %y = marimba.linear %x, %w bias(%b : tensor<4xbf16>)
      : tensor<?x?x8xf32>, tensor<4x8xbf16> -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}

// CHECK-LABEL: func @rank2
// CHECK: %[[EMPTY:.*]] = tensor.empty(%{{.*}}) : tensor<?x4xf32>
// CHECK: onednn.matmul %{{.*}}, %{{.*}} outs(%[[EMPTY]] : tensor<?x4xf32>)
func.func @rank2(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>) -> tensor<?x4xf32> {
  %y = marimba.linear %x, %w
      : tensor<?x8xf32>, tensor<4x8xf32> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// The call takes two or three dimensions.

// CHECK-LABEL: func @rank4
// CHECK-NOT: onednn.matmul
// CHECK: marimba.linear
func.func @rank4(%x: tensor<2x?x?x8xf32>, %w: tensor<4x8xf32>)
    -> tensor<2x?x?x4xf32> {
  %y = marimba.linear %x, %w
      : tensor<2x?x?x8xf32>, tensor<4x8xf32> -> tensor<2x?x?x4xf32>
  return %y : tensor<2x?x?x4xf32>
}

// CHECK-LABEL: func @rank1
// CHECK-NOT: onednn.matmul
// CHECK: marimba.linear
func.func @rank1(%x: tensor<8xf32>, %w: tensor<4x8xf32>) -> tensor<4xf32> {
  %y = marimba.linear %x, %w : tensor<8xf32>, tensor<4x8xf32> -> tensor<4xf32>
  return %y : tensor<4xf32>
}
