// RUN: marimba-opt %s -canonicalize | FileCheck %s

// CHECK-LABEL: func @linear_bias
func.func @linear_bias(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>)
    -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %zero = arith.constant dense<0.0> : tensor<4xbf16>
  %half = arith.constant dense<0.5> : tensor<4xbf16>
  // CHECK: marimba.linear %arg0, %arg1 :
  %0 = marimba.linear %x, %w bias(%zero : tensor<4xbf16>)
      : tensor<?x8xf32>, tensor<4x8xf32> -> tensor<?x4xf32>
  // CHECK: marimba.linear %arg0, %arg1 bias(
  %1 = marimba.linear %x, %w bias(%half : tensor<4xbf16>)
      : tensor<?x8xf32>, tensor<4x8xf32> -> tensor<?x4xf32>
  return %0, %1 : tensor<?x4xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: func @conv_bias
func.func @conv_bias(%x: tensor<?x?x8xf32>, %w: tensor<4x8xf32>,
    %s: tensor<?x3x8xf32>) -> (tensor<?x?x8xf32>, tensor<?x?x8xf32>) {
  %zero = arith.constant dense<0.0> : tensor<8xf32>
  %some = arith.constant dense<[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]>
      : tensor<8xf32>
  // CHECK: marimba.causal_conv1d %arg0, %arg1 outs(
  %y, %0 = marimba.causal_conv1d %x, %w bias(%zero : tensor<8xf32>)
      outs(%x, %s : tensor<?x?x8xf32>, tensor<?x3x8xf32>)
      : tensor<?x?x8xf32>, tensor<4x8xf32>
     -> tensor<?x?x8xf32>, tensor<?x3x8xf32>
  // CHECK: marimba.causal_conv1d %arg0, %arg1 bias(
  %z, %1 = marimba.causal_conv1d %x, %w bias(%some : tensor<8xf32>)
      outs(%x, %s : tensor<?x?x8xf32>, tensor<?x3x8xf32>)
      : tensor<?x?x8xf32>, tensor<4x8xf32>
     -> tensor<?x?x8xf32>, tensor<?x3x8xf32>
  return %y, %z : tensor<?x?x8xf32>, tensor<?x?x8xf32>
}

// CHECK-LABEL: func @norm_weight
func.func @norm_weight(%x: tensor<?x8xf32>)
    -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %one = arith.constant dense<1.0> : tensor<8xf32>
  %two = arith.constant dense<2.0> : tensor<8xf32>
  // CHECK: marimba.rms_norm %arg0 eps(
  %0 = marimba.rms_norm %x weight(%one : tensor<8xf32>) eps(1.0e-05)
      : tensor<?x8xf32>
  // CHECK: marimba.rms_norm %arg0 weight(
  %1 = marimba.rms_norm %x weight(%two : tensor<8xf32>) eps(1.0e-05)
      : tensor<?x8xf32>
  return %0, %1 : tensor<?x8xf32>, tensor<?x8xf32>
}

// A weight that is stored as its distance from 1.

// CHECK-LABEL: func @zero_centered
func.func @zero_centered(%x: tensor<?x8xf32>)
    -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %one = arith.constant dense<1.0> : tensor<8xf32>
  %zero = arith.constant dense<0.0> : tensor<8xf32>
  // CHECK: marimba.rms_norm %arg0 eps(1.0e-5) : tensor<?x8xf32>
  %0 = marimba.rms_norm %x weight(%zero : tensor<8xf32>) eps(1.0e-05)
      {zero_centered} : tensor<?x8xf32>
  // CHECK: marimba.rms_norm %arg0 weight(%{{.*}} : tensor<8xf32>) eps(1.0e-5) {zero_centered}
  %1 = marimba.rms_norm %x weight(%one : tensor<8xf32>) eps(1.0e-05)
      {zero_centered} : tensor<?x8xf32>
  return %0, %1 : tensor<?x8xf32>, tensor<?x8xf32>
}

// CHECK-LABEL: func @scale
// CHECK-NEXT: %[[Y:.*]] = marimba.scale %arg0 by(0.5)
// CHECK-NEXT: return %arg0, %[[Y]]
func.func @scale(%x: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %0 = marimba.scale %x by(1.0) : tensor<?x8xf32>
  %1 = marimba.scale %x by(0.5) : tensor<?x8xf32>
  return %0, %1 : tensor<?x8xf32>, tensor<?x8xf32>
}
