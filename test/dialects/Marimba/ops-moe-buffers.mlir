// RUN: marimba-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @route
func.func @route(%logits: memref<?x?x4xf32>, %w: memref<?x?x2xf32>,
                 %e: memref<?x?x2xi32>) {
  // CHECK: marimba.route %{{.*}} outs(%{{.*}}, %{{.*}} : memref<?x?x2xf32>, memref<?x?x2xi32>) : memref<?x?x4xf32>{{$}}
  marimba.route %logits outs(%w, %e : memref<?x?x2xf32>, memref<?x?x2xi32>)
      : memref<?x?x4xf32>
  return
}

// CHECK-LABEL: func @grouped
func.func @grouped(%experts: memref<3x2xi32>, %x: memref<3x8xf32>,
    %weights: memref<6xf32>, %pairs: memref<6xi32>, %offsets: memref<5xi32>,
    %rows: memref<?x8xf32>, %group: memref<?xi32>) {
  // CHECK: marimba.group_by_expert %{{.*}} outs(%{{.*}}, %{{.*}} : memref<6xi32>, memref<5xi32>) : memref<3x2xi32>{{$}}
  marimba.group_by_expert %experts
      outs(%pairs, %offsets : memref<6xi32>, memref<5xi32>) : memref<3x2xi32>
  // CHECK: marimba.gather_rows %{{.*}} outs(%{{.*}} : memref<?x8xf32>) {top_k = 2 : i64} : memref<3x8xf32>, memref<?xi32>{{$}}
  marimba.gather_rows %x, %group outs(%rows : memref<?x8xf32>)
      {top_k = 2 : i64} : memref<3x8xf32>, memref<?xi32>
  // CHECK: marimba.scatter_add_rows %{{.*}} outs(%{{.*}} : memref<3x8xf32>) {top_k = 2 : i64} : memref<?x8xf32>, memref<?xi32>, memref<6xf32>{{$}}
  marimba.scatter_add_rows %rows, %group, %weights
      outs(%x : memref<3x8xf32>) {top_k = 2 : i64}
      : memref<?x8xf32>, memref<?xi32>, memref<6xf32>
  return
}
