// RUN: marimba-opt %s --verify-roundtrip | FileCheck %s

// CHECK: marimba.weight @layers.0.in_proj : tensor<768x192xbf16> from ["model.in_proj.weight"]
marimba.weight @layers.0.in_proj : tensor<768x192xbf16> from ["model.in_proj.weight"]
// CHECK: marimba.weight @experts : tensor<2x4x8xf16> from ["e.0", "e.1"]
marimba.weight @experts : tensor<2x4x8xf16> from ["e.0", "e.1"]
// CHECK: marimba.weight @A : tensor<16x384xf32> derived{{$}}
marimba.weight @A : tensor<16x384xf32> derived

// CHECK-LABEL: func @get_weight
func.func @get_weight() -> (tensor<768x192xbf16>, memref<16x384xf32>) {
  // CHECK: marimba.get_weight @layers.0.in_proj : tensor<768x192xbf16>
  %w = marimba.get_weight @layers.0.in_proj : tensor<768x192xbf16>
  // CHECK: marimba.get_weight @A : memref<16x384xf32>
  %a = marimba.get_weight @A : memref<16x384xf32>
  return %w, %a : tensor<768x192xbf16>, memref<16x384xf32>
}

// CHECK-LABEL: func @tokens
func.func @tokens(%ids: tensor<?x?xi32>, %table: tensor<100x8xbf16>,
                  %positions: tensor<?x?xi32>) -> tensor<?x?x8xf32> {
  // CHECK: marimba.embedding %{{.*}}, %{{.*}} : tensor<?x?xi32>, tensor<100x8xbf16> -> tensor<?x?x8xf32>
  %x = marimba.embedding %ids, %table
      : tensor<?x?xi32>, tensor<100x8xbf16> -> tensor<?x?x8xf32>
  // CHECK: marimba.gather_tokens %{{.*}}, %{{.*}} : tensor<?x?x8xf32>, tensor<?x?xi32> -> tensor<?x?x8xf32>
  %y = marimba.gather_tokens %x, %positions
      : tensor<?x?x8xf32>, tensor<?x?xi32> -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// CHECK-LABEL: func @permute_channels
func.func @permute_channels(%x: tensor<?x?x8xf32>, %order: tensor<8xi32>)
    -> tensor<?x?x8xf32> {
  // CHECK: marimba.permute_channels %{{.*}}, %{{.*}} : tensor<?x?x8xf32>, tensor<8xi32>
  %y = marimba.permute_channels %x, %order : tensor<?x?x8xf32>, tensor<8xi32>
  return %y : tensor<?x?x8xf32>
}

// CHECK-LABEL: func @linear
func.func @linear(%x: tensor<?x?x8xf32>, %v: tensor<8xf32>,
                  %w: tensor<4x8xbf16>, %b: tensor<4xf16>) {
  // CHECK: marimba.linear %{{.*}}, %{{.*}} : tensor<?x?x8xf32>, tensor<4x8xbf16> -> tensor<?x?x4xf32>
  %0 = marimba.linear %x, %w
      : tensor<?x?x8xf32>, tensor<4x8xbf16> -> tensor<?x?x4xf32>
  // CHECK: marimba.linear %{{.*}}, %{{.*}} bias(%{{.*}} : tensor<4xf16>) : tensor<8xf32>, tensor<4x8xbf16> -> tensor<4xf32>
  %1 = marimba.linear %v, %w bias(%b : tensor<4xf16>)
      : tensor<8xf32>, tensor<4x8xbf16> -> tensor<4xf32>
  return
}

// CHECK-LABEL: func @norm_and_activations
func.func @norm_and_activations(%x: tensor<?x?x8xf32>, %w: tensor<8xbf16>) {
  // CHECK: marimba.rms_norm %{{.*}} weight(%{{.*}} : tensor<8xbf16>) eps(1.0e-6) : tensor<?x?x8xf32>
  %0 = marimba.rms_norm %x weight(%w : tensor<8xbf16>) eps(1.0e-06)
      : tensor<?x?x8xf32>
  // CHECK: marimba.rms_norm %{{.*}} eps(1.0e-5) : tensor<?x?x8xf32>
  %1 = marimba.rms_norm %x eps(1.0e-05) : tensor<?x?x8xf32>
  // CHECK: marimba.rms_norm %{{.*}} weight(%{{.*}} : tensor<8xbf16>) groups(2) eps(1.0e-5) : tensor<?x?x8xf32>
  %grouped = marimba.rms_norm %x weight(%w : tensor<8xbf16>) groups(2) eps(1.0e-05)
      : tensor<?x?x8xf32>
  // One group is none.
  // CHECK: marimba.rms_norm %{{.*}} eps(1.0e-5) : tensor<?x?x8xf32>
  %single = marimba.rms_norm %x groups(1) eps(1.0e-05) : tensor<?x?x8xf32>
  // CHECK: marimba.rms_norm %{{.*}} weight(%{{.*}} : tensor<8xbf16>) eps(1.0e-6) {zero_centered} : tensor<?x?x8xf32>
  %centered = marimba.rms_norm %x weight(%w : tensor<8xbf16>) eps(1.0e-06)
      {zero_centered} : tensor<?x?x8xf32>
  // CHECK: marimba.l2_norm %{{.*}} eps(1.0e-6) : tensor<?x?x8xf32>
  %unit = marimba.l2_norm %x eps(1.0e-06) : tensor<?x?x8xf32>
  // CHECK: marimba.l2_norm %{{.*}} eps(1.0e-6) scale(0.25) : tensor<?x?x8xf32>
  %long = marimba.l2_norm %x eps(1.0e-06) scale(0.25) : tensor<?x?x8xf32>
  // CHECK: marimba.silu %{{.*}} : tensor<?x?x8xf32>
  %2 = marimba.silu %0 : tensor<?x?x8xf32>
  // CHECK: marimba.sigmoid %{{.*}} : tensor<?x?x8xf32>
  %sigmoid = marimba.sigmoid %0 : tensor<?x?x8xf32>
  // CHECK: marimba.relu2 %{{.*}} : tensor<?x?x8xf32>
  %relu2 = marimba.relu2 %0 : tensor<?x?x8xf32>
  // CHECK: marimba.softplus %{{.*}} : tensor<?x?x8xf32>
  %3 = marimba.softplus %1 : tensor<?x?x8xf32>
  // CHECK: marimba.softplus %{{.*}} bias(%{{.*}} : tensor<8xbf16>) min(0.001) max(0.1) : tensor<?x?x8xf32>
  %step = marimba.softplus %1 bias(%w : tensor<8xbf16>) min(1.0e-03) max(0.1)
      : tensor<?x?x8xf32>
  // CHECK: marimba.softplus %{{.*}} max(20.0) : tensor<?x?x8xf32>
  %bounded = marimba.softplus %1 max(20.0) : tensor<?x?x8xf32>
  // CHECK: marimba.swiglu %{{.*}}, %{{.*}} : tensor<?x?x8xf32>
  %4 = marimba.swiglu %2, %3 : tensor<?x?x8xf32>
  // CHECK: marimba.softcap %{{.*}} cap(30.0) : tensor<?x?x8xf32>
  %capped = marimba.softcap %2 cap(30.0) : tensor<?x?x8xf32>
  // CHECK: marimba.gelu %{{.*}} : tensor<?x?x8xf32>
  %5 = marimba.gelu %2 : tensor<?x?x8xf32>
  // CHECK: marimba.gelu %{{.*}} {with_tanh} : tensor<?x?x8xf32>
  %tanh = marimba.gelu %2 {with_tanh} : tensor<?x?x8xf32>
  // CHECK: marimba.scale %{{.*}} by(-0.375) : tensor<?x?x8xf32>
  %6 = marimba.scale %2 by(-0.375) : tensor<?x?x8xf32>
  return
}
