// RUN: marimba-opt %s -fuse-matmul-post-ops | FileCheck %s

// CHECK-LABEL: func @swiglu
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x8xf32>
// CHECK: %[[GATE:.*]] = onednn.matmul %[[X]], %{{.*}} post_ops [silu] outs(
// CHECK-NEXT: %[[H:.*]] = onednn.matmul %[[X]], %{{.*}} post_ops [mul(%[[GATE]] : tensor<?x4xf32>)] outs(
// CHECK-NEXT: return %[[H]]
func.func @swiglu(%x: tensor<?x8xf32>, %g: tensor<4x8xbf16>,
    %u: tensor<4x8xbf16>, %e: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %up = onednn.matmul %x, %u outs(%e : tensor<?x4xf32>)
      : tensor<?x8xf32>, tensor<4x8xbf16> -> tensor<?x4xf32>
  %gate = onednn.matmul %x, %g outs(%e : tensor<?x4xf32>)
      : tensor<?x8xf32>, tensor<4x8xbf16> -> tensor<?x4xf32>
  %h = marimba.swiglu %gate, %up : tensor<?x4xf32>
  return %h : tensor<?x4xf32>
}

// CHECK-LABEL: func @residual
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x8xf32>
// CHECK: %[[N:.*]] = marimba.rms_norm %[[X]]
// CHECK: %[[Y:.*]] = onednn.matmul %[[N]], %{{.*}} post_ops [sum] outs(%[[X]] :
// CHECK-NEXT: return %[[Y]]
func.func @residual(%x: tensor<?x8xf32>, %w: tensor<8x8xbf16>,
    %e: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %n = marimba.rms_norm %x eps(1.0e-06) : tensor<?x8xf32>
  %y = onednn.matmul %n, %w outs(%e : tensor<?x8xf32>)
      : tensor<?x8xf32>, tensor<8x8xbf16> -> tensor<?x8xf32>
  %r = arith.addf %x, %y : tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// Read again behind the sum: not in place.

// CHECK-LABEL: func @read_later
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x8xf32>, %{{.*}}: tensor<8x8xbf16>, %[[E:[a-z0-9]+]]: tensor<?x8xf32>
// CHECK: onednn.matmul %{{.*}} post_ops [add(%[[X]] : tensor<?x8xf32>)] outs(%[[E]] :
// CHECK: marimba.silu %[[X]]
func.func @read_later(%x: tensor<?x8xf32>, %w: tensor<8x8xbf16>,
    %e: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %y = onednn.matmul %x, %w outs(%e : tensor<?x8xf32>)
      : tensor<?x8xf32>, tensor<8x8xbf16> -> tensor<?x8xf32>
  %r = arith.addf %y, %x : tensor<?x8xf32>
  %s = marimba.silu %x : tensor<?x8xf32>
  return %r, %s : tensor<?x8xf32>, tensor<?x8xf32>
}

// A matmul with another reader keeps its result, and so does one whose reader
// is in a loop.

// CHECK-LABEL: func @two_readers
// CHECK-NOT: post_ops
// CHECK: marimba.silu
// CHECK: arith.addf
func.func @two_readers(%x: tensor<?x8xf32>, %w: tensor<8x8xbf16>,
    %e: tensor<?x8xf32>, %n: index) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %y = onednn.matmul %x, %w outs(%e : tensor<?x8xf32>)
      : tensor<?x8xf32>, tensor<8x8xbf16> -> tensor<?x8xf32>
  %s = marimba.silu %y : tensor<?x8xf32>
  %z = onednn.matmul %y, %w outs(%e : tensor<?x8xf32>)
      : tensor<?x8xf32>, tensor<8x8xbf16> -> tensor<?x8xf32>
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%sum = %x)
      -> (tensor<?x8xf32>) {
    %next = arith.addf %sum, %z : tensor<?x8xf32>
    scf.yield %next : tensor<?x8xf32>
  }
  return %s, %r : tensor<?x8xf32>, tensor<?x8xf32>
}

// Generated matmuls take post-ops as the library's do.

!int8 = tensor<8x8xi8, #marimba.quantized<channel, scale f32>>

// CHECK-LABEL: func @generated
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x8xf32>
// CHECK: %[[GATE:.*]] = marimba.packed_matmul %[[X]], %{{.*}} packed bf16 post_ops [silu] outs(
// CHECK: marimba.quantized_matmul %[[X]], %{{.*}} post_ops [mul(%[[GATE]] : tensor<?x8xf32>)] outs(
func.func @generated(%x: tensor<?x8xf32>, %g: tensor<8x8xbf16>, %u: !int8,
    %e: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %up = marimba.quantized_matmul %x, %u as !int8 outs(%e : tensor<?x8xf32>)
      : tensor<?x8xf32>, !int8 -> tensor<?x8xf32>
  %gate = marimba.packed_matmul %x, %g packed bf16 outs(%e : tensor<?x8xf32>)
      : tensor<?x8xf32>, tensor<8x8xbf16> -> tensor<?x8xf32>
  %h = marimba.swiglu %gate, %up : tensor<?x8xf32>
  return %h : tensor<?x8xf32>
}

// Factors, before what comes after them.

// CHECK-LABEL: func @scaled
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x8xf32>
// CHECK: %[[GATE:.*]] = marimba.packed_matmul {{.*}} post_ops [scale(0.5), silu]
// CHECK-NEXT: %[[H:.*]] = marimba.packed_matmul {{.*}} post_ops [mul(%[[GATE]] : tensor<?x64xf32>)]
// CHECK-NEXT: marimba.packed_matmul %[[H]], {{.*}} post_ops [scale(0.25), sum] outs(%[[X]] :
// CHECK-NOT: marimba.scale
// CHECK: return
func.func @scaled(%x: tensor<?x8xf32>, %h: tensor<?x8xf32>, %g: tensor<64x8xf32>,
    %d: tensor<8x64xf32>, %e: tensor<?x64xf32>) -> tensor<?x8xf32> {
  %gate = marimba.packed_matmul %h, %g packed f32 outs(%e : tensor<?x64xf32>)
      : tensor<?x8xf32>, tensor<64x8xf32> -> tensor<?x64xf32>
  %scaled = marimba.scale %gate by(0.5) : tensor<?x64xf32>
  %up = marimba.packed_matmul %h, %g packed f32 outs(%e : tensor<?x64xf32>)
      : tensor<?x8xf32>, tensor<64x8xf32> -> tensor<?x64xf32>
  %both = marimba.swiglu %scaled, %up : tensor<?x64xf32>
  %y = marimba.packed_matmul %both, %d packed f32 outs(%x : tensor<?x8xf32>)
      : tensor<?x64xf32>, tensor<8x64xf32> -> tensor<?x8xf32>
  %less = marimba.scale %y by(0.25) : tensor<?x8xf32>
  %sum = arith.addf %x, %less : tensor<?x8xf32>
  return %sum : tensor<?x8xf32>
}

// The library has no factors, and what two ops read keeps its value.

// CHECK-LABEL: func @not_scaled
// CHECK-COUNT-2: marimba.scale
func.func @not_scaled(%x: tensor<?x8xf32>, %w: tensor<64x8xf32>, %e: tensor<?x64xf32>)
    -> (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>) {
  %0 = onednn.matmul %x, %w outs(%e : tensor<?x64xf32>)
      : tensor<?x8xf32>, tensor<64x8xf32> -> tensor<?x64xf32>
  %1 = marimba.scale %0 by(0.5) : tensor<?x64xf32>
  %2 = marimba.packed_matmul %x, %w packed f32 outs(%e : tensor<?x64xf32>)
      : tensor<?x8xf32>, tensor<64x8xf32> -> tensor<?x64xf32>
  %3 = marimba.scale %2 by(0.5) : tensor<?x64xf32>
  return %1, %2, %3 : tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>
}

// CHECK-LABEL: func @relu2
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x8xf32>
// CHECK: %[[H:.*]] = onednn.matmul %[[X]], %{{.*}} post_ops [relu2] outs(
// CHECK-NEXT: return %[[H]]
func.func @relu2(%x: tensor<?x8xf32>, %u: tensor<4x8xbf16>,
    %e: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %up = onednn.matmul %x, %u outs(%e : tensor<?x4xf32>)
      : tensor<?x8xf32>, tensor<4x8xbf16> -> tensor<?x4xf32>
  %h = marimba.relu2 %up : tensor<?x4xf32>
  return %h : tensor<?x4xf32>
}
