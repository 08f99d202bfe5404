// RUN: marimba-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @experts
func.func @experts(%x: tensor<?x?x8xf32>, %logits: tensor<?x?x4xf32>,
    %w: tensor<?x?x2xf32>, %e: tensor<?x?x2xi32>, %gate: tensor<4x6x8xbf16>,
    %down: tensor<4x8x6xbf16>) -> tensor<?x?x8xf32> {
  // CHECK: marimba.route %{{.*}} outs(%{{.*}}, %{{.*}} : tensor<?x?x2xf32>, tensor<?x?x2xi32>) {normalize} : tensor<?x?x4xf32> -> tensor<?x?x2xf32>, tensor<?x?x2xi32>
  %weights, %chosen = marimba.route %logits
      outs(%w, %e : tensor<?x?x2xf32>, tensor<?x?x2xi32>) {normalize}
      : tensor<?x?x4xf32> -> tensor<?x?x2xf32>, tensor<?x?x2xi32>
  // CHECK: marimba.experts %{{.*}} : tensor<?x?x8xf32>, tensor<?x?x2xf32>, tensor<?x?x2xi32>, tensor<4x6x8xbf16>, tensor<4x6x8xbf16>, tensor<4x8x6xbf16>{{$}}
  %y = marimba.experts %x, %weights, %chosen, %gate, %gate, %down
      : tensor<?x?x8xf32>, tensor<?x?x2xf32>, tensor<?x?x2xi32>,
        tensor<4x6x8xbf16>, tensor<4x6x8xbf16>, tensor<4x8x6xbf16>
  return %y : tensor<?x?x8xf32>
}

// CHECK-LABEL: func @nemotron
func.func @nemotron(%x: tensor<?x?x8xf32>, %logits: tensor<?x?x4xf32>,
    %b: tensor<4xbf16>, %w: tensor<?x?x2xf32>, %e: tensor<?x?x2xi32>,
    %up: tensor<4x6x8xbf16>, %down: tensor<4x8x6xbf16>) -> tensor<?x?x8xf32> {
  // CHECK: marimba.route %{{.*}} bias(%{{.*}} : tensor<4xbf16>) outs(%{{.*}}, %{{.*}} : tensor<?x?x2xf32>, tensor<?x?x2xi32>)
  // CHECK-SAME: {epsilon = {{[0-9.E-]+}} : f64, groups = 2 : i64, normalize, scale = 2.500000e+00 : f64, sigmoid}
  // What is as usual is not said.
  %weights, %chosen = marimba.route %logits bias(%b : tensor<4xbf16>)
      outs(%w, %e : tensor<?x?x2xf32>, tensor<?x?x2xi32>)
      {sigmoid, normalize, epsilon = 1.0e-20 : f64, scale = 2.5 : f64,
       groups = 2 : i64, top_groups = 1 : i64}
      : tensor<?x?x4xf32> -> tensor<?x?x2xf32>, tensor<?x?x2xi32>
  // CHECK: marimba.experts %{{.*}} : tensor<?x?x8xf32>, tensor<?x?x2xf32>, tensor<?x?x2xi32>, tensor<4x6x8xbf16>, tensor<4x8x6xbf16>{{$}}
  %y = marimba.experts %x, %weights, %chosen, %up, %down
      : tensor<?x?x8xf32>, tensor<?x?x2xf32>, tensor<?x?x2xi32>,
        tensor<4x6x8xbf16>, tensor<4x8x6xbf16>
  return %y : tensor<?x?x8xf32>
}

// CHECK-LABEL: func @grouped
func.func @grouped(%experts: tensor<?x2xi32>, %x: tensor<?x8xf32>,
    %weights: tensor<?xf32>, %p: tensor<?xi32>, %o: tensor<5xi32>) {
  // CHECK: marimba.group_by_expert %{{.*}} outs(%{{.*}}, %{{.*}} : tensor<?xi32>, tensor<5xi32>) : tensor<?x2xi32> -> tensor<?xi32>, tensor<5xi32>
  %pairs, %offsets = marimba.group_by_expert %experts
      outs(%p, %o : tensor<?xi32>, tensor<5xi32>)
      : tensor<?x2xi32> -> tensor<?xi32>, tensor<5xi32>
  // CHECK: marimba.gather_rows %{{.*}}, %{{.*}} outs(%{{.*}} : tensor<?x8xf32>) {top_k = 2 : i64} : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x8xf32>
  %rows = marimba.gather_rows %x, %pairs outs(%x : tensor<?x8xf32>)
      {top_k = 2 : i64} : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x8xf32>
  // CHECK: marimba.scatter_add_rows %{{.*}}, %{{.*}}, %{{.*}} outs(%{{.*}} : tensor<?x8xf32>) {top_k = 2 : i64} : tensor<?x8xf32>, tensor<?xi32>, tensor<?xf32> -> tensor<?x8xf32>
  %sum = marimba.scatter_add_rows %rows, %pairs, %weights
      outs(%x : tensor<?x8xf32>) {top_k = 2 : i64}
      : tensor<?x8xf32>, tensor<?xi32>, tensor<?xf32> -> tensor<?x8xf32>
  return
}

// CHECK-LABEL: func @grouped_matmul
func.func @grouped_matmul(%experts: tensor<?x2xi32>, %x: tensor<?x8xbf16>,
    %w: tensor<4x16x8xbf16>, %p: tensor<?xi32>, %o: tensor<5xi32>,
    %all: tensor<4xi32>, %y: tensor<?x16xbf16>, %z: tensor<?x16xf32>) {
  // CHECK: marimba.group_by_expert %{{.*}} outs(%{{.*}}, %{{.*}}, %{{.*}} : tensor<?xi32>, tensor<5xi32>, tensor<4xi32>) : tensor<?x2xi32> -> tensor<?xi32>, tensor<5xi32>, tensor<4xi32>
  %pairs, %offsets, %order = marimba.group_by_expert %experts
      outs(%p, %o, %all : tensor<?xi32>, tensor<5xi32>, tensor<4xi32>)
      : tensor<?x2xi32> -> tensor<?xi32>, tensor<5xi32>, tensor<4xi32>
  // CHECK: marimba.grouped_matmul %{{.*}}, %{{.*}} gate(%{{.*}} : tensor<4x16x8xbf16>) groups(%{{.*}}, %{{.*}}, %{{.*}} : tensor<?xi32>, tensor<5xi32>, tensor<4xi32>) outs(%{{.*}} : tensor<?x16xbf16>) {top_k = 2 : i64} : tensor<?x8xbf16>, tensor<4x16x8xbf16> -> tensor<?x16xbf16>
  %0 = marimba.grouped_matmul %x, %w gate(%w : tensor<4x16x8xbf16>)
      groups(%pairs, %offsets, %order : tensor<?xi32>, tensor<5xi32>, tensor<4xi32>)
      outs(%y : tensor<?x16xbf16>) {top_k = 2 : i64}
      : tensor<?x8xbf16>, tensor<4x16x8xbf16> -> tensor<?x16xbf16>
  // CHECK: marimba.grouped_matmul {{.*}} {relu2, top_k = 1 : i64} : tensor<?x8xbf16>, tensor<4x16x8xbf16> -> tensor<?x16xf32>
  %1 = marimba.grouped_matmul %x, %w
      groups(%pairs, %offsets, %order : tensor<?xi32>, tensor<5xi32>, tensor<4xi32>)
      outs(%z : tensor<?x16xf32>) {relu2, top_k = 1 : i64}
      : tensor<?x8xbf16>, tensor<4x16x8xbf16> -> tensor<?x16xf32>
  return
}
