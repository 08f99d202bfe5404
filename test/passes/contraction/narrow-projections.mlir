// RUN: marimba-opt %s -narrow-projections | FileCheck %s
// RUN: marimba-opt %s -narrow-projections=for-bytes | FileCheck %s --check-prefix=BYTES

// One rounded copy for all projections of a tensor.

// CHECK-LABEL: func @shared
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x?x8xf32>
// CHECK-NEXT: %[[N:.*]] = arith.truncf %[[X]] : tensor<?x?x8xf32> to tensor<?x?x8xbf16>
// CHECK-NEXT: marimba.linear %[[N]], %{{.*}} : tensor<?x?x8xbf16>, tensor<4x8xbf16> -> tensor<?x?x4xf32>
// CHECK-NEXT: marimba.linear %[[N]], %{{.*}} : tensor<?x?x8xbf16>, tensor<2x8xf32> -> tensor<?x?x2xf32>
func.func @shared(%x: tensor<?x?x8xf32>, %w: tensor<4x8xbf16>,
    %v: tensor<2x8xf32>) -> (tensor<?x?x4xf32>, tensor<?x?x2xf32>) {
  %a = marimba.linear %x, %w
      : tensor<?x?x8xf32>, tensor<4x8xbf16> -> tensor<?x?x4xf32>
  %b = marimba.linear %x, %v
      : tensor<?x?x8xf32>, tensor<2x8xf32> -> tensor<?x?x2xf32>
  return %a, %b : tensor<?x?x4xf32>, tensor<?x?x2xf32>
}

// The router stays f32, and so does what is no projection.

// CHECK-LABEL: func @router
// CHECK-NOT: truncf
func.func @router(%x: tensor<?x?x8xf32>, %w: tensor<4x8xbf16>,
    %e0: tensor<?x?x2xf32>, %e1: tensor<?x?x2xi32>)
    -> (tensor<?x?x2xf32>, tensor<?x?x2xi32>, tensor<?x?x8xf32>) {
  %logits = marimba.linear %x, %w
      : tensor<?x?x8xf32>, tensor<4x8xbf16> -> tensor<?x?x4xf32>
  %p, %e = marimba.route %logits
      outs(%e0, %e1 : tensor<?x?x2xf32>, tensor<?x?x2xi32>)
      : tensor<?x?x4xf32> -> tensor<?x?x2xf32>, tensor<?x?x2xi32>
  %n = marimba.rms_norm %x eps(1.0e-06) : tensor<?x?x8xf32>
  return %p, %e, %n : tensor<?x?x2xf32>, tensor<?x?x2xi32>, tensor<?x?x8xf32>
}

// Few rows times quantised weights are no products of bf16; many are.

// CHECK-LABEL: func @quantized
// CHECK: marimba.linear %{{.*}} : tensor<?x1x64xf32>
// CHECK: marimba.linear %{{.*}} : tensor<?x?x64xbf16>
func.func @quantized(%x: tensor<?x1x64xf32>, %z: tensor<?x?x64xf32>,
    %w: tensor<64x64xi8, #marimba.quantized<channel, scale f32>>)
    -> (tensor<?x1x64xf32>, tensor<?x?x64xf32>) {
  %a = marimba.linear %x, %w : tensor<?x1x64xf32>,
      tensor<64x64xi8, #marimba.quantized<channel, scale f32>> -> tensor<?x1x64xf32>
  %b = marimba.linear %z, %w : tensor<?x?x64xf32>,
      tensor<64x64xi8, #marimba.quantized<channel, scale f32>> -> tensor<?x?x64xf32>
  return %a, %b : tensor<?x1x64xf32>, tensor<?x?x64xf32>
}

// In place of bytes only what would be bytes: many rows of whole registers times
// quantised weights of integers whose products need not be exact.

// BYTES-LABEL: func @shared
// BYTES-NOT: truncf
// BYTES-LABEL: func @quantized
// BYTES: marimba.linear %{{.*}} : tensor<?x1x64xf32>
// BYTES: marimba.linear %{{.*}} : tensor<?x?x64xbf16>

// CHECK-LABEL: func @for_bytes
// CHECK-COUNT-4: marimba.linear {{.*}} : tensor<?x?x{{64|48}}xbf16>
// BYTES-LABEL: func @for_bytes
// BYTES: %[[N:.*]] = arith.truncf
// BYTES: marimba.linear %[[N]], %{{.*}} : tensor<?x?x64xbf16>
// BYTES: marimba.linear %{{.*}} {marimba.exact_products} : tensor<?x?x64xf32>
// BYTES: marimba.linear %{{.*}} : tensor<?x?x64xf32>
// BYTES: marimba.linear %{{.*}} : tensor<?x?x48xf32>
func.func @for_bytes(%x: tensor<?x?x64xf32>, %y: tensor<?x?x48xf32>,
    %w: tensor<64x64xi4, #marimba.quantized<group 32, scale f16>>,
    %f: tensor<64x64xi8, #marimba.quantized<channel, scale f32, values e4m3>>,
    %o: tensor<64x48xi8, #marimba.quantized<group 16, scale f16>>)
    -> (tensor<?x?x64xf32>, tensor<?x?x64xf32>, tensor<?x?x64xf32>,
        tensor<?x?x64xf32>) {
  %a = marimba.linear %x, %w : tensor<?x?x64xf32>,
      tensor<64x64xi4, #marimba.quantized<group 32, scale f16>> -> tensor<?x?x64xf32>
  %b = marimba.linear %x, %w {marimba.exact_products} : tensor<?x?x64xf32>,
      tensor<64x64xi4, #marimba.quantized<group 32, scale f16>> -> tensor<?x?x64xf32>
  %c = marimba.linear %x, %f : tensor<?x?x64xf32>,
      tensor<64x64xi8, #marimba.quantized<channel, scale f32, values e4m3>> -> tensor<?x?x64xf32>
  %d = marimba.linear %y, %o : tensor<?x?x48xf32>,
      tensor<64x48xi8, #marimba.quantized<group 16, scale f16>> -> tensor<?x?x64xf32>
  return %a, %b, %c, %d : tensor<?x?x64xf32>, tensor<?x?x64xf32>,
      tensor<?x?x64xf32>, tensor<?x?x64xf32>
}
