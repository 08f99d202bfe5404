// RUN: marimba-opt %s -convert-marimba-to-onednn="smallest-call=64" \
// RUN:   --remarks-filter=matmul 2>&1 >/dev/null | FileCheck %s
// RUN: marimba-opt %s -convert-marimba-to-onednn="bf16-dots=false" \
// RUN:   | FileCheck %s --check-prefix=NO-DOTS
// RUN: marimba-opt %s -convert-marimba-to-onednn="streams smallest-call=32" \
// RUN:   | FileCheck %s --check-prefix=STREAMS

// CHECK: choice.mlir:[[#@LINE+6]]:{{.*}}: remark: [Passed] onednn | Category:matmul | {{.*}}many rows over a packed weight
// CHECK: choice.mlir:[[#@LINE+11]]:{{.*}}: remark: [Missed] loops | Category:matmul | {{.*}}one row and a weight of 32 elements, less than the 64 that a call is worth
// NO-DOTS-LABEL: func @prefill
func.func @prefill(%x: tensor<?x?x8xf32>, %w: tensor<4x8xf32>)
    -> tensor<?x?x4xf32> {
  // NO-DOTS: onednn.matmul
  %y = marimba.linear %x, %w
      : tensor<?x?x8xf32>, tensor<4x8xf32> -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}
func.func @decode(%x: tensor<?x1x8xf32>, %w: tensor<4x8xf32>)
    -> tensor<?x1x4xf32> {
  %y = marimba.linear %x, %w
      : tensor<?x1x8xf32>, tensor<4x8xf32> -> tensor<?x1x4xf32>
  return %y : tensor<?x1x4xf32>
}
// NO-DOTS-LABEL: func @narrow
func.func @narrow(%x: tensor<?x?x8xbf16>, %w: tensor<4x8xbf16>)
    -> tensor<?x?x4xf32> {
  // NO-DOTS-NOT: onednn
  // NO-DOTS: marimba.linear
  %y = marimba.linear %x, %w
      : tensor<?x?x8xbf16>, tensor<4x8xbf16> -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}
// One row over a packed weight of blocks; many rows, and small weights, not.

// STREAMS-LABEL: func @prefill
// STREAMS: onednn.matmul
// STREAMS-LABEL: func @decode
// STREAMS: marimba.packed_matmul %{{.*}} packed f32
// STREAMS-LABEL: func @tiny
// STREAMS: marimba.linear
func.func @tiny(%x: tensor<?x1x4xf32>, %w: tensor<4x4xf32>) -> tensor<?x1x4xf32> {
  %y = marimba.linear %x, %w
      : tensor<?x1x4xf32>, tensor<4x4xf32> -> tensor<?x1x4xf32>
  return %y : tensor<?x1x4xf32>
}
// Codes are widened for the library; without products of bf16 so is the input.

// NO-DOTS-LABEL: func @quantized
// NO-DOTS-SAME: %[[X:.*]]: tensor<?x?x64xf32>, %[[N:.*]]: tensor<?x?x64xbf16>
func.func @quantized(%x: tensor<?x?x64xf32>, %n: tensor<?x?x64xbf16>,
    %w: tensor<64x64xi8, #marimba.quantized<channel, scale f32>>)
    -> (tensor<?x?x64xf32>, tensor<?x?x64xf32>) {
  // NO-DOTS: onednn.matmul %[[X]], %{{.*}} : tensor<?x?x64xf32>
  %r = arith.truncf %x : tensor<?x?x64xf32> to tensor<?x?x64xbf16>
  %y = marimba.linear %r, %w : tensor<?x?x64xbf16>,
      tensor<64x64xi8, #marimba.quantized<channel, scale f32>>
      -> tensor<?x?x64xf32>
  // NO-DOTS: %[[WIDE:.*]] = arith.extf %[[N]]
  // NO-DOTS: onednn.matmul %[[WIDE]], %{{.*}} : tensor<?x?x64xf32>
  %z = marimba.linear %n, %w : tensor<?x?x64xbf16>,
      tensor<64x64xi8, #marimba.quantized<channel, scale f32>>
      -> tensor<?x?x64xf32>
  return %y, %z : tensor<?x?x64xf32>, tensor<?x?x64xf32>
}
