// RUN: marimba-opt %s -one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" \
// RUN:   -canonicalize | FileCheck %s

// CHECK-LABEL: func @route
// CHECK-SAME: %[[L:.*]]: memref<?x?x4xf32>, %[[W:.*]]: memref<?x?x2xf32>, %[[E:.*]]: memref<?x?x2xi32>
func.func @route(%logits: tensor<?x?x4xf32>, %w: tensor<?x?x2xf32>,
    %e: tensor<?x?x2xi32>) -> (tensor<?x?x2xf32>, tensor<?x?x2xi32>) {
  // CHECK-NEXT: marimba.route %[[L]] outs(%[[W]], %[[E]] : memref<?x?x2xf32>, memref<?x?x2xi32>) {normalize} : memref<?x?x4xf32>
  // CHECK-NEXT: return %[[W]], %[[E]]
  %0, %1 = marimba.route %logits
      outs(%w, %e : tensor<?x?x2xf32>, tensor<?x?x2xi32>) {normalize}
      : tensor<?x?x4xf32> -> tensor<?x?x2xf32>, tensor<?x?x2xi32>
  return %0, %1 : tensor<?x?x2xf32>, tensor<?x?x2xi32>
}

// CHECK-LABEL: func @corrected
// CHECK-SAME: %[[L:.*]]: memref<?x?x4xf32>, %[[B:.*]]: memref<4xf32>, %[[W:.*]]: memref<?x?x2xf32>, %[[E:.*]]: memref<?x?x2xi32>
func.func @corrected(%logits: tensor<?x?x4xf32>, %b: tensor<4xf32>,
    %w: tensor<?x?x2xf32>, %e: tensor<?x?x2xi32>)
    -> (tensor<?x?x2xf32>, tensor<?x?x2xi32>) {
  // CHECK-NEXT: marimba.route %[[L]] bias(%[[B]] : memref<4xf32>) outs(%[[W]], %[[E]] : memref<?x?x2xf32>, memref<?x?x2xi32>) {sigmoid} : memref<?x?x4xf32>
  // CHECK-NEXT: return %[[W]], %[[E]]
  %0, %1 = marimba.route %logits bias(%b : tensor<4xf32>)
      outs(%w, %e : tensor<?x?x2xf32>, tensor<?x?x2xi32>) {sigmoid}
      : tensor<?x?x4xf32> -> tensor<?x?x2xf32>, tensor<?x?x2xi32>
  return %0, %1 : tensor<?x?x2xf32>, tensor<?x?x2xi32>
}

// CHECK-LABEL: func @grouped
// CHECK-SAME: %[[EX:.*]]: memref<?x2xi32>, %[[X:.*]]: memref<?x8xf32>, %[[W:.*]]: memref<?xf32>, %[[P:.*]]: memref<?xi32>, %[[O:.*]]: memref<5xi32>, %[[E:.*]]: memref<?x8xf32>, %[[SUM:.*]]: memref<?x8xf32>
func.func @grouped(%experts: tensor<?x2xi32>, %x: tensor<?x8xf32>,
    %weights: tensor<?xf32>, %p: tensor<?xi32>, %o: tensor<5xi32>,
    %empty: tensor<?x8xf32>, %sum: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK-NEXT: marimba.group_by_expert %[[EX]] outs(%[[P]], %[[O]] :
  %pairs, %offsets = marimba.group_by_expert %experts
      outs(%p, %o : tensor<?xi32>, tensor<5xi32>)
      : tensor<?x2xi32> -> tensor<?xi32>, tensor<5xi32>
  // CHECK-NEXT: marimba.gather_rows %[[X]], %[[P]] outs(%[[E]] :
  %rows = marimba.gather_rows %x, %pairs outs(%empty : tensor<?x8xf32>)
      {top_k = 2 : i64} : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x8xf32>
  // CHECK-NEXT: marimba.scatter_add_rows %[[E]], %[[P]], %[[W]] outs(%[[SUM]] :
  // CHECK-NEXT: return %[[SUM]]
  %y = marimba.scatter_add_rows %rows, %pairs, %weights
      outs(%sum : tensor<?x8xf32>) {top_k = 2 : i64}
      : tensor<?x8xf32>, tensor<?xi32>, tensor<?xf32> -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// No old value is read.

// CHECK-LABEL: func @grouped_matmul
// CHECK-SAME: %[[EX:[a-z0-9]+]]: memref<?x2xi32>, %[[X:[a-z0-9]+]]: memref<?x8xf32>, %[[W:[a-z0-9]+]]: memref<4x16x8xbf16>, %[[P:[a-z0-9]+]]: memref<?xi32>, %[[O:[a-z0-9]+]]: memref<5xi32>, %[[ALL:[a-z0-9]+]]: memref<4xi32>, %[[Y:[a-z0-9]+]]: memref<?x16xf32>
func.func @grouped_matmul(%experts: tensor<?x2xi32>, %x: tensor<?x8xf32>,
    %w: tensor<4x16x8xbf16>, %p: tensor<?xi32>, %o: tensor<5xi32>,
    %all: tensor<4xi32>, %y: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // CHECK-NEXT: marimba.group_by_expert %[[EX]] outs(%[[P]], %[[O]], %[[ALL]] :
  %pairs, %offsets, %order = marimba.group_by_expert %experts
      outs(%p, %o, %all : tensor<?xi32>, tensor<5xi32>, tensor<4xi32>)
      : tensor<?x2xi32> -> tensor<?xi32>, tensor<5xi32>, tensor<4xi32>
  // CHECK-NEXT: marimba.grouped_matmul %[[X]], %[[W]] groups(%[[P]], %[[O]], %[[ALL]] : {{.*}}) outs(%[[Y]] :
  // CHECK-NEXT: return %[[Y]]
  %0 = marimba.grouped_matmul %x, %w
      groups(%pairs, %offsets, %order : tensor<?xi32>, tensor<5xi32>, tensor<4xi32>)
      outs(%y : tensor<?x16xf32>) {top_k = 2 : i64}
      : tensor<?x8xf32>, tensor<4x16x8xbf16> -> tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}
