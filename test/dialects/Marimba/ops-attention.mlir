// RUN: marimba-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @tensors
func.func @tensors(%q: tensor<?x?x6x32xf32>, %k: tensor<?x?x2x32xf32>,
    %past: tensor<?xi32>, %cache: tensor<?x2x?x32xf32>) {
  // CHECK: marimba.attention %{{.*}}, %{{.*}}, %{{.*}} past(%{{.*}}) outs(
  // CHECK-SAME: {scale = 0.25 : f64} : tensor<?x?x6x32xf32>, tensor<?x?x2x32xf32>, tensor<?x?x2x32xf32>, tensor<?xi32> -> tensor<?x?x6x32xf32>, tensor<?x2x?x32xf32>, tensor<?x2x?x32xf32>
  %y, %k1, %v1 = marimba.attention %q, %k, %k past(%past)
      outs(%q, %cache, %cache
         : tensor<?x?x6x32xf32>, tensor<?x2x?x32xf32>, tensor<?x2x?x32xf32>)
      {scale = 0.25 : f64}
      : tensor<?x?x6x32xf32>, tensor<?x?x2x32xf32>, tensor<?x?x2x32xf32>,
        tensor<?xi32>
     -> tensor<?x?x6x32xf32>, tensor<?x2x?x32xf32>, tensor<?x2x?x32xf32>
  return
}

// CHECK-LABEL: func @buffers
func.func @buffers(%q: memref<?x?x6x32xf32>, %k: memref<?x?x2x32xf32>,
    %past: memref<?xi32>, %y: memref<?x?x6x32xf32>,
    %keys: memref<?x2x?x32xf32>, %values: memref<?x2x?x32xf32>) {
  // CHECK: marimba.attention %{{.*}} past(%{{.*}}) valid(%{{.*}} : memref<?xi32>) outs(
  // CHECK-SAME: memref<?xi32>{{$}}
  marimba.attention %q, %k, %k past(%past) valid(%past : memref<?xi32>)
      outs(%y, %keys, %values
         : memref<?x?x6x32xf32>, memref<?x2x?x32xf32>, memref<?x2x?x32xf32>)
      {scale = 0.25 : f64}
      : memref<?x?x6x32xf32>, memref<?x?x2x32xf32>, memref<?x?x2x32xf32>,
        memref<?xi32>
  return
}

// CHECK-LABEL: func @bf16
func.func @bf16(%q: memref<?x?x6x32xf32>, %k: memref<?x?x2x32xf32>,
    %past: memref<?xi32>, %cache: memref<?x2x?x32xbf16>) {
  // CHECK: memref<?x?x6x32xf32>, memref<?x2x?x32xbf16>, memref<?x2x?x32xbf16>)
  marimba.attention %q, %k, %k past(%past)
      outs(%q, %cache, %cache
         : memref<?x?x6x32xf32>, memref<?x2x?x32xbf16>, memref<?x2x?x32xbf16>)
      {scale = 0.25 : f64}
      : memref<?x?x6x32xf32>, memref<?x?x2x32xf32>, memref<?x?x2x32xf32>,
        memref<?xi32>
  return
}

// CHECK-LABEL: func @codes
func.func @codes(%q: tensor<?x?x6x32xf32>, %k: tensor<?x?x2x32xf32>,
    %past: tensor<?xi32>, %cache: tensor<?x2x?x32xi8>,
    %scales: tensor<?x2x?xf32>) {
  // CHECK: tensor<?x2x?x32xi8>, tensor<?x2x?x32xi8>, tensor<?x2x?xf32>, tensor<?x2x?xf32>)
  // CHECK-SAME: -> tensor<?x?x6x32xf32>, tensor<?x2x?x32xi8>, tensor<?x2x?x32xi8>, tensor<?x2x?xf32>, tensor<?x2x?xf32>
  %y, %k1, %v1, %ks, %vs = marimba.attention %q, %k, %k past(%past)
      outs(%q, %cache, %cache, %scales, %scales
         : tensor<?x?x6x32xf32>, tensor<?x2x?x32xi8>, tensor<?x2x?x32xi8>,
           tensor<?x2x?xf32>, tensor<?x2x?xf32>)
      {scale = 0.25 : f64}
      : tensor<?x?x6x32xf32>, tensor<?x?x2x32xf32>, tensor<?x?x2x32xf32>,
        tensor<?xi32>
     -> tensor<?x?x6x32xf32>, tensor<?x2x?x32xi8>, tensor<?x2x?x32xi8>,
        tensor<?x2x?xf32>, tensor<?x2x?xf32>
  return
}

// CHECK-LABEL: func @latent
func.func @latent(%q: tensor<?x?x6x40xf32>, %k: tensor<?x?x1x40xf32>,
    %past: tensor<?xi32>, %cache: tensor<?x1x?x40xf32>,
    %y: tensor<?x?x6x32xf32>) {
  // CHECK: marimba.attention %{{[^,]*}}, %{{[^,]*}} past(%{{.*}}) outs(
  // CHECK-SAME: {scale = 0.25 : f64} : tensor<?x?x6x40xf32>, tensor<?x?x1x40xf32>, tensor<?xi32> -> tensor<?x?x6x32xf32>, tensor<?x1x?x40xf32>
  %z, %k1 = marimba.attention %q, %k past(%past)
      outs(%y, %cache : tensor<?x?x6x32xf32>, tensor<?x1x?x40xf32>)
      {scale = 0.25 : f64}
      : tensor<?x?x6x40xf32>, tensor<?x?x1x40xf32>, tensor<?xi32>
     -> tensor<?x?x6x32xf32>, tensor<?x1x?x40xf32>
  return
}

// CHECK-LABEL: func @latent_codes
func.func @latent_codes(%q: memref<?x?x6x40xf32>, %k: memref<?x?x2x40xf32>,
    %past: memref<?xi32>, %cache: memref<?x2x?x40xi8>,
    %scales: memref<?x2x?xf32>, %y: memref<?x?x6x40xf32>) {
  // CHECK: marimba.attention %{{[^,]*}}, %{{[^,]*}} past(%{{.*}}) valid(%{{.*}} : memref<?xi32>) outs(
  // CHECK-SAME: memref<?x?x6x40xf32>, memref<?x2x?x40xi8>, memref<?x2x?xf32>)
  marimba.attention %q, %k past(%past) valid(%past : memref<?xi32>)
      outs(%y, %cache, %scales
         : memref<?x?x6x40xf32>, memref<?x2x?x40xi8>, memref<?x2x?xf32>)
      {scale = 0.25 : f64}
      : memref<?x?x6x40xf32>, memref<?x?x2x40xf32>, memref<?xi32>
  return
}
