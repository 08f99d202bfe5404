// RUN: marimba-opt %s -one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" \
// RUN:   -canonicalize | FileCheck %s

// CHECK-LABEL: func @attention
// CHECK-SAME: %[[Q:.*]]: memref<?x?x6x32xf32>, %[[K:.*]]: memref<?x?x2x32xf32>, %[[PAST:.*]]: memref<?xi32>, %[[E:.*]]: memref<?x?x6x32xf32>, %[[KEYS:.*]]: memref<?x2x?x32xf32>, %[[VALUES:.*]]: memref<?x2x?x32xf32>
func.func @attention(%q: tensor<?x?x6x32xf32>, %k: tensor<?x?x2x32xf32>,
    %past: tensor<?xi32>, %empty: tensor<?x?x6x32xf32>,
    %keys: tensor<?x2x?x32xf32>, %values: tensor<?x2x?x32xf32>)
    -> (tensor<?x?x6x32xf32>, tensor<?x2x?x32xf32>, tensor<?x2x?x32xf32>) {
  // CHECK-NOT: memref.alloc
  // CHECK-NOT: memref.copy
  // CHECK: marimba.attention %[[Q]], %[[K]], %[[K]] past(%[[PAST]]) outs(%[[E]], %[[KEYS]], %[[VALUES]] :
  // CHECK-SAME: {scale = 0.25 : f64}
  // CHECK-NEXT: return %[[E]], %[[KEYS]], %[[VALUES]]
  %y, %k1, %v1 = marimba.attention %q, %k, %k past(%past)
      outs(%empty, %keys, %values
         : tensor<?x?x6x32xf32>, tensor<?x2x?x32xf32>, tensor<?x2x?x32xf32>)
      {scale = 0.25 : f64}
      : tensor<?x?x6x32xf32>, tensor<?x?x2x32xf32>, tensor<?x?x2x32xf32>,
        tensor<?xi32>
     -> tensor<?x?x6x32xf32>, tensor<?x2x?x32xf32>, tensor<?x2x?x32xf32>
  return %y, %k1, %v1
      : tensor<?x?x6x32xf32>, tensor<?x2x?x32xf32>, tensor<?x2x?x32xf32>
}

// CHECK-LABEL: func @latent
// CHECK-SAME: %[[Q:.*]]: memref<?x?x6x40xf32>, %[[K:.*]]: memref<?x?x1x40xf32>, %[[PAST:.*]]: memref<?xi32>, %[[E:.*]]: memref<?x?x6x32xf32>, %[[KEYS:.*]]: memref<?x1x?x40xf32>
func.func @latent(%q: tensor<?x?x6x40xf32>, %k: tensor<?x?x1x40xf32>,
    %past: tensor<?xi32>, %empty: tensor<?x?x6x32xf32>,
    %keys: tensor<?x1x?x40xf32>)
    -> (tensor<?x?x6x32xf32>, tensor<?x1x?x40xf32>) {
  // CHECK-NOT: memref.alloc
  // CHECK-NOT: memref.copy
  // CHECK: marimba.attention %[[Q]], %[[K]] past(%[[PAST]]) outs(%[[E]], %[[KEYS]] :
  // CHECK-NEXT: return %[[E]], %[[KEYS]]
  %y, %k1 = marimba.attention %q, %k past(%past)
      outs(%empty, %keys : tensor<?x?x6x32xf32>, tensor<?x1x?x40xf32>)
      {scale = 0.25 : f64}
      : tensor<?x?x6x40xf32>, tensor<?x?x1x40xf32>, tensor<?xi32>
     -> tensor<?x?x6x32xf32>, tensor<?x1x?x40xf32>
  return %y, %k1 : tensor<?x?x6x32xf32>, tensor<?x1x?x40xf32>
}
