// RUN: marimba-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @system
func.func @system(%u: tensor<?x?x8xf32>, %dt: tensor<8xf32>, %A: tensor<4x8xf32>,
    %D: tensor<8xbf16>, %valid: tensor<?xi32>, %e: tensor<?x?x8xf32>,
    %state: tensor<?x4x8xf32>) {
  // CHECK: marimba.discretize_lti zoh %{{.*}}, %{{.*}}, %{{.*}} : tensor<8xf32>, tensor<4x8xf32>
  %decay, %gain = marimba.discretize_lti zoh %dt, %A, %A
      : tensor<8xf32>, tensor<4x8xf32>
  // CHECK: marimba.discretize_lti bilinear %{{.*}} {complex}
  %d1, %g1 = marimba.discretize_lti bilinear %dt, %A, %A {complex}
      : tensor<8xf32>, tensor<4x8xf32>
  // CHECK: marimba.lti_powers %{{.*}}, %{{.*}} from 0 : tensor<4x8xf32> -> tensor<6x4x8xf32>
  %inject = marimba.lti_powers %gain, %decay from 0
      : tensor<4x8xf32> -> tensor<6x4x8xf32>
  // CHECK: marimba.lti_powers %{{.*}}, %{{.*}} from 1 {complex}
  %readout = marimba.lti_powers %A, %decay from 1 {complex}
      : tensor<4x8xf32> -> tensor<6x4x8xf32>
  // CHECK: marimba.lti_kernel %{{.*}}, %{{.*}} : tensor<4x8xf32>, tensor<6x4x8xf32> -> tensor<6x8xf32>
  %K = marimba.lti_kernel %A, %inject
      : tensor<4x8xf32>, tensor<6x4x8xf32> -> tensor<6x8xf32>
  // CHECK: marimba.lti_scan %{{.*}} skip(%{{.*}} : tensor<8xbf16>) valid(%{{.*}} : tensor<?xi32>) outs(
  // CHECK-SAME: {complex}
  %y, %last = marimba.lti_scan %u, %decay, %gain, %A skip(%D : tensor<8xbf16>)
      valid(%valid : tensor<?xi32>)
      outs(%e, %state : tensor<?x?x8xf32>, tensor<?x4x8xf32>) {complex}
      : tensor<?x?x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>
     -> tensor<?x?x8xf32>, tensor<?x4x8xf32>
  // CHECK: marimba.long_convolution %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} outs(
  %z, %end = marimba.long_convolution %u, %K, %decay, %inject, %readout
      outs(%e, %state : tensor<?x?x8xf32>, tensor<?x4x8xf32>)
      : tensor<?x?x8xf32>, tensor<6x8xf32>, tensor<4x8xf32>,
        tensor<6x4x8xf32>, tensor<6x4x8xf32>
     -> tensor<?x?x8xf32>, tensor<?x4x8xf32>
  return
}

// CHECK-LABEL: func @buffers
func.func @buffers(%u: memref<?x?x8xf32>, %A: memref<4x8xf32>,
    %K: memref<6x8xf32>, %P: memref<6x4x8xf32>, %h: memref<?x4x8xf32>,
    %s: memref<?x8xf32>, %B: memref<?x?x4xf32>) {
  // CHECK: marimba.lti_scan
  marimba.lti_scan %u, %A, %A, %A
      outs(%u, %h : memref<?x?x8xf32>, memref<?x4x8xf32>)
      : memref<?x?x8xf32>, memref<4x8xf32>, memref<4x8xf32>, memref<4x8xf32>
  // CHECK: marimba.long_convolution
  marimba.long_convolution %u, %K, %A, %P, %P
      outs(%u, %h : memref<?x?x8xf32>, memref<?x4x8xf32>)
      : memref<?x?x8xf32>, memref<6x8xf32>, memref<4x8xf32>,
        memref<6x4x8xf32>, memref<6x4x8xf32>
  // CHECK: marimba.scan_summary
  marimba.scan_summary %u, %u, %A, %B
      outs(%h, %s : memref<?x4x8xf32>, memref<?x8xf32>)
      : memref<?x?x8xf32>, memref<?x?x8xf32>, memref<4x8xf32>,
        memref<?x?x4xf32>
  return
}

// A complex recurrence: four rows are two states.

// CHECK-LABEL: func @complex_scan
func.func @complex_scan(%x: tensor<?x?x4x8xf32>, %h: tensor<?x4x8xf32>) {
  // CHECK: marimba.scan {{.*}} {complex}
  %y, %last = marimba.scan %x, %x
      outs(%x, %h : tensor<?x?x4x8xf32>, tensor<?x4x8xf32>) {complex}
      : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4x8xf32>, tensor<?x4x8xf32>
  return
}
