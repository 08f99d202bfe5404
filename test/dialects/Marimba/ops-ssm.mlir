// RUN: marimba-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @recurrence
func.func @recurrence(%delta: tensor<?x?x8xf32>, %A: tensor<4x8xf32>,
    %B: tensor<?x?x4xf32>, %D: tensor<8xbf16>, %valid: tensor<?xi32>,
    %empty: tensor<?x?x4x8xf32>, %state: tensor<?x4x8xf32>) {
  // CHECK: marimba.discretize euler %{{.*}} : tensor<?x?x8xf32>, tensor<4x8xf32>, tensor<?x?x4xf32> -> tensor<?x?x4x8xf32>
  %decay, %input = marimba.discretize euler %delta, %A, %B, %delta
      : tensor<?x?x8xf32>, tensor<4x8xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x4x8xf32>
  // CHECK: marimba.discretize zoh
  %d1, %i1 = marimba.discretize zoh %delta, %A, %B, %delta
      : tensor<?x?x8xf32>, tensor<4x8xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x4x8xf32>
  // CHECK: marimba.discretize bilinear
  %d2, %i2 = marimba.discretize bilinear %delta, %A, %B, %delta
      : tensor<?x?x8xf32>, tensor<4x8xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x4x8xf32>
  // CHECK: marimba.scan %{{.*}}, %{{.*}} valid(%{{.*}} : tensor<?xi32>) outs(%{{.*}}, %{{.*}} : tensor<?x?x4x8xf32>, tensor<?x4x8xf32>)
  %states, %last = marimba.scan %decay, %input valid(%valid : tensor<?xi32>)
      outs(%empty, %state : tensor<?x?x4x8xf32>, tensor<?x4x8xf32>)
      : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4x8xf32>, tensor<?x4x8xf32>
  // CHECK: marimba.readout %{{.*}}, %{{.*}} skip(%{{.*}}, %{{.*}} : tensor<8xbf16>, tensor<?x?x8xf32>)
  %y = marimba.readout %states, %B
      skip(%D, %delta : tensor<8xbf16>, tensor<?x?x8xf32>)
      : tensor<?x?x4x8xf32>, tensor<?x?x4xf32> -> tensor<?x?x8xf32>
  // CHECK: marimba.readout %{{.*}}, %{{.*}} : tensor<?x?x4x8xf32>, tensor<?x?x4xf32> -> tensor<?x?x8xf32>
  %z = marimba.readout %states, %B
      : tensor<?x?x4x8xf32>, tensor<?x?x4xf32> -> tensor<?x?x8xf32>
  return
}

// CHECK-LABEL: func @selective_scan
func.func @selective_scan(%u: tensor<?x?x8xf32>, %A: tensor<4x8xf32>,
    %B: tensor<?x?x4xf32>, %D: tensor<8xbf16>, %valid: tensor<?xi32>,
    %state: tensor<?x4x8xf32>) -> tensor<?x?x8xf32> {
  // CHECK: marimba.selective_scan %{{.*}} skip(%{{.*}} : tensor<8xbf16>) gate(%{{.*}} : tensor<?x?x8xf32>) delta_bias(%{{.*}} : tensor<8xbf16>) valid(%{{.*}} : tensor<?xi32>) outs(
  // CHECK-SAME: {delta_softplus}
  %y, %last = marimba.selective_scan %u, %u, %A, %B, %B
      skip(%D : tensor<8xbf16>) gate(%u : tensor<?x?x8xf32>)
      delta_bias(%D : tensor<8xbf16>) valid(%valid : tensor<?xi32>)
      outs(%u, %state : tensor<?x?x8xf32>, tensor<?x4x8xf32>) {delta_softplus}
      : tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<4x8xf32>,
        tensor<?x?x4xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x8xf32>, tensor<?x4x8xf32>
  return %y : tensor<?x?x8xf32>
}

// CHECK-LABEL: func @causal_conv1d
func.func @causal_conv1d(%x: tensor<?x?x8xf32>, %w: tensor<4x8xf32>,
    %b: tensor<8xf16>, %valid: tensor<?xi32>, %state: tensor<?x3x8xf32>) {
  // CHECK: marimba.causal_conv1d %{{.*}} bias(%{{.*}} : tensor<8xf16>) valid(%{{.*}} : tensor<?xi32>) outs(
  // CHECK-SAME: {silu}
  %y, %last = marimba.causal_conv1d %x, %w bias(%b : tensor<8xf16>)
      valid(%valid : tensor<?xi32>)
      outs(%x, %state : tensor<?x?x8xf32>, tensor<?x3x8xf32>) {silu}
      : tensor<?x?x8xf32>, tensor<4x8xf32>
     -> tensor<?x?x8xf32>, tensor<?x3x8xf32>
  return
}
