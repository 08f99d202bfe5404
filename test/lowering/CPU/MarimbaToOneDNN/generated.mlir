// RUN: marimba-opt %s -convert-marimba-to-onednn="generated bf16-dots=false" \
// RUN:   | FileCheck %s --implicit-check-not=onednn. --implicit-check-not=marimba.linear
// RUN: marimba-opt %s -convert-marimba-to-onednn="generated" \
// RUN:   | FileCheck %s --check-prefix=DOTS --implicit-check-not=onednn.
// RUN: marimba-opt %s -convert-marimba-to-onednn="generated unit=avx2" --remarks-filter=matmul \
// RUN:   2>&1 >/dev/null | FileCheck %s --check-prefix=WHY --implicit-check-not=table

// Generated kernels read the weight packed in the type that is multiplied.
// Without products of bf16 an input that was rounded is multiplied as f32.

// CHECK-LABEL: func @many
// CHECK: marimba.packed_matmul %{{.*}} packed f32 outs(%{{.*}} : tensor<?x?x4xf32>) : tensor<?x?x8xf32>
// WHY: [Passed] {{.*}}any rows over the weight packed as f32
func.func @many(%x: tensor<?x?x8xf32>, %w: tensor<4x8xf32>)
    -> tensor<?x?x4xf32> {
  %y = marimba.linear %x, %w
      : tensor<?x?x8xf32>, tensor<4x8xf32> -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}

// However small.

// CHECK-LABEL: func @token
// CHECK: marimba.packed_matmul %{{.*}} packed f32 outs(%{{.*}} : tensor<?x1x1xf32>)
// WHY: [Passed] {{.*}}one row over the weight packed as f32
func.func @token(%x: tensor<?x1x1xf32>, %w: tensor<1x1xf32>)
    -> tensor<?x1x1xf32> {
  %y = marimba.linear %x, %w
      : tensor<?x1x1xf32>, tensor<1x1xf32> -> tensor<?x1x1xf32>
  return %y : tensor<?x1x1xf32>
}

// CHECK-LABEL: func @narrow
// CHECK: %[[WIDE:.*]] = arith.extf %{{.*}} : tensor<?x?x8xbf16> to tensor<?x?x8xf32>
// CHECK: marimba.packed_matmul %[[WIDE]], %{{.*}} packed bf16 outs(%{{.*}}) : tensor<?x?x8xf32>, tensor<4x8xbf16>
// DOTS-LABEL: func @narrow
// DOTS: marimba.packed_matmul %{{.*}} packed bf16 outs(%{{.*}}) : tensor<?x?x8xbf16>, tensor<4x8xbf16>
// WHY: [Passed] {{.*}}any rows over the weight packed as bf16
func.func @narrow(%x: tensor<?x?x8xbf16>, %w: tensor<4x8xbf16>)
    -> tensor<?x?x4xf32> {
  %y = marimba.linear %x, %w
      : tensor<?x?x8xbf16>, tensor<4x8xbf16> -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}

// Stored as bf16, multiplied by f32.

// CHECK-LABEL: func @stored
// CHECK: marimba.packed_matmul %{{.*}} packed bf16 outs(%{{.*}}) : tensor<?x8xf32>, tensor<4x8xbf16>
func.func @stored(%x: tensor<?x8xf32>, %w: tensor<4x8xbf16>)
    -> tensor<?x4xf32> {
  %y = marimba.linear %x, %w
      : tensor<?x8xf32>, tensor<4x8xbf16> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
