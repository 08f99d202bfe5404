// RUN: marimba-opt %s -specialize-decode -split-input-file | FileCheck %s

// What follows from one token a row, where little does.

// A cast to a dynamic type stands: what the loop carries grows.

// CHECK-LABEL: func @decode(
// CHECK: %[[D:.*]] = tensor.cast %{{.*}} : tensor<0x8xf32> to tensor<?x8xf32>
// CHECK: scf.for {{.*}} iter_args(%[[A:.*]] = %[[D]]) -> (tensor<?x8xf32>)
// CHECK: %[[C:.*]] = tensor.concat dim(0) %[[A]], %{{.*}} : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
// CHECK: scf.yield %[[C]] : tensor<?x8xf32>
// CHECK: return %{{.*}} : tensor<?x8xf32>
func.func @prefill(%x: tensor<?x8xf32> {marimba.time = 0 : i64},
    %row: tensor<?x8xf32>, %n: index) -> tensor<?x8xf32>
    attributes {marimba.entry = "prefill"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %e = tensor.empty() : tensor<0x8xf32>
  %d = tensor.cast %e : tensor<0x8xf32> to tensor<?x8xf32>
  %all = scf.for %i = %c0 to %n step %c1 iter_args(%a = %d)
      -> tensor<?x8xf32> {
    %c = tensor.concat dim(0) %a, %row
        : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
    scf.yield %c : tensor<?x8xf32>
  }
  return %all : tensor<?x8xf32>
}

// -----

// So it does where its first value is refined, also from a loop inside; what
// else is carried is refined still. No copy of @twice for one row is left.

// CHECK-LABEL: func @decode(
// CHECK-SAME: -> (tensor<?x8xf32>, tensor<1x8xf32>)
// CHECK: %[[D:.*]] = tensor.cast %{{.*}} : tensor<1x8xf32> to tensor<?x8xf32>
// CHECK: scf.for {{.*}} iter_args(%[[A:.*]] = %[[D]], %[[S:.*]] = %{{.*}}) -> (tensor<?x8xf32>, tensor<1x8xf32>)
// CHECK: scf.for {{.*}} iter_args(%[[B:.*]] = %[[A]]) -> (tensor<?x8xf32>)
// CHECK: func.call @[[TWICE:.*]](%[[B]]) : (tensor<?x8xf32>) -> tensor<?x8xf32>
// CHECK: tensor.concat {{.*}} : (tensor<?x8xf32>, tensor<1x8xf32>) -> tensor<?x8xf32>
// CHECK: arith.addf %[[S]], %{{.*}} : tensor<1x8xf32>
// CHECK-NOT: func.func
// CHECK: func.func private @[[TWICE]](%{{.*}}: tensor<?x8xf32>)
// CHECK-NOT: func.func
// CHECK: {{^// -+$}}
func.func private @twice(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = arith.addf %x, %x : tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}
func.func @prefill(%row: tensor<?x8xf32> {marimba.time = 0 : i64}, %n: index)
    -> (tensor<?x8xf32>, tensor<?x8xf32>)
    attributes {marimba.entry = "prefill"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %all:2 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %row, %s = %row)
      -> (tensor<?x8xf32>, tensor<?x8xf32>) {
    %in = scf.for %j = %c0 to %n step %c1 iter_args(%b = %a)
        -> tensor<?x8xf32> {
      %y = func.call @twice(%b) : (tensor<?x8xf32>) -> tensor<?x8xf32>
      %c = tensor.concat dim(0) %y, %row
          : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
      scf.yield %c : tensor<?x8xf32>
    }
    %t = arith.addf %s, %row : tensor<?x8xf32>
    scf.yield %in, %t : tensor<?x8xf32>, tensor<?x8xf32>
  }
  return %all#0, %all#1 : tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

// A slice of one token may be empty, unless its size says that it is not.

// CHECK-LABEL: func @decode(
// CHECK-SAME: -> (tensor<?x?x8xf32>, tensor<?x1x8xf32>)
// CHECK: tensor.extract_slice %{{.*}}[0, 0, 0] [%{{.*}}, %{{.*}}, 8] [1, 1, 1] : tensor<?x1x8xf32> to tensor<?x?x8xf32>
// CHECK: tensor.extract_slice %{{.*}}[0, 0, 0] [%{{.*}}, 1, 8] [1, 1, 1] : tensor<?x1x8xf32> to tensor<?x1x8xf32>
func.func @prefill(%x: tensor<?x?x8xf32> {marimba.time = 1 : i64}, %b: index,
    %some: index) -> (tensor<?x?x8xf32>, tensor<?x?x8xf32>)
    attributes {marimba.entry = "prefill"} {
  %c1 = arith.constant 1 : index
  %t = tensor.dim %x, %c1 : tensor<?x?x8xf32>
  %0 = tensor.extract_slice %x[0, 0, 0] [%b, %some, 8] [1, 1, 1]
      : tensor<?x?x8xf32> to tensor<?x?x8xf32>
  %1 = tensor.extract_slice %x[0, 0, 0] [%b, %t, 8] [1, 1, 1]
      : tensor<?x?x8xf32> to tensor<?x?x8xf32>
  return %0, %1 : tensor<?x?x8xf32>, tensor<?x?x8xf32>
}

// -----

// Slices that threads write.

// CHECK-LABEL: func @decode(
// CHECK: scf.forall {{.*}} shared_outs(%[[O:.*]] = %{{.*}}) -> (tensor<1x?xf32>)
// CHECK: tensor.parallel_insert_slice %{{.*}} into %[[O]][0, %{{.*}}] [1, 1] [1, 1] : tensor<1x1xf32> into tensor<1x?xf32>
func.func @prefill(%x: tensor<?x?xf32> {marimba.time = 0 : i64}, %n: index)
    -> tensor<?x?xf32> attributes {marimba.entry = "prefill"} {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x?xf32>
  %0 = scf.forall (%i) in (%n) shared_outs(%o = %x) -> tensor<?x?xf32> {
    %s = tensor.extract_slice %x[0, %i] [%t, 1] [1, 1]
        : tensor<?x?xf32> to tensor<?x1xf32>
    %y = arith.addf %s, %s : tensor<?x1xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %y into %o[0, %i] [%t, 1] [1, 1]
          : tensor<?x1xf32> into tensor<?x?xf32>
    }
  }
  return %0 : tensor<?x?xf32>
}

// -----

// The dimension that an inserted slice leaves out is still the second; what is
// not known of its source is not known of the slice.

// CHECK-LABEL: func @decode(
// CHECK: tensor.insert_slice %{{.*}} into %{{.*}}[0, 2, 0] [1, 1, 8] [1, 1, 1] : tensor<1x8xf32> into tensor<?x4x8xf32>
// CHECK: %[[IF:.*]] = scf.if
// CHECK: tensor.insert_slice %[[IF]] into %{{.*}}[0, 2, 0] [%{{.*}}, 1, 8] [1, 1, 1] : tensor<?x8xf32> into tensor<?x4x8xf32>
func.func @prefill(%x: tensor<?x8xf32> {marimba.time = 0 : i64},
    %h: tensor<?x4x8xf32>, %c: i1, %n: index)
    -> (tensor<?x4x8xf32>, tensor<?x4x8xf32>)
    attributes {marimba.entry = "prefill"} {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x8xf32>
  %0 = tensor.insert_slice %x into %h[0, 2, 0] [%n, 1, 8] [1, 1, 1]
      : tensor<?x8xf32> into tensor<?x4x8xf32>
  %y = scf.if %c -> tensor<?x8xf32> {
    scf.yield %x : tensor<?x8xf32>
  } else {
    %z = arith.addf %x, %x : tensor<?x8xf32>
    scf.yield %z : tensor<?x8xf32>
  }
  %1 = tensor.insert_slice %y into %h[0, 2, 0] [%t, 1, 8] [1, 1, 1]
      : tensor<?x8xf32> into tensor<?x4x8xf32>
  return %0, %1 : tensor<?x4x8xf32>, tensor<?x4x8xf32>
}

// -----

// Sizes that are known are no operands any more.

// CHECK-LABEL: func @decode(
// CHECK: tensor.splat %{{.*}}[%[[B:[a-z0-9_]+]]] : tensor<?x1xf32>
// CHECK: tensor.generate %[[B]] {
// CHECK: } : tensor<1x?xf32>
// CHECK: bufferization.alloc_tensor(%[[B]]) : tensor<?x1xf32>
// CHECK: bufferization.alloc_tensor() copy(%{{.*}}) : tensor<?x1xf32>
func.func @prefill(%x: tensor<?x?xf32> {marimba.time = 1 : i64}, %v: f32)
    -> (tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>)
    attributes {marimba.entry = "prefill"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?xf32>
  %0 = tensor.splat %v[%b, %t] : tensor<?x?xf32>
  %1 = tensor.generate %t, %b {
  ^bb0(%i: index, %j: index):
    tensor.yield %v : f32
  } : tensor<?x?xf32>
  %2 = bufferization.alloc_tensor(%b, %t) : tensor<?x?xf32>
  %3 = bufferization.alloc_tensor() copy(%x) : tensor<?x?xf32>
  return %0, %1, %2, %3
      : tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>
}

// -----

// A loop that has no tensors as results ties them to arguments of its regions.

// CHECK-LABEL: func @decode(
// CHECK: %[[C:.*]] = tensor.cast %{{.*}} : tensor<?x1xf32> to tensor<?x?xf32>
// CHECK: scf.while (%{{.*}} = %[[C]]) : (tensor<?x?xf32>) -> index
func.func @prefill(%x: tensor<?x?xf32> {marimba.time = 1 : i64},
    %next: tensor<?x?xf32>, %c: i1)
    -> index attributes {marimba.entry = "prefill"} {
  %c0 = arith.constant 0 : index
  %0 = scf.while (%a = %x) : (tensor<?x?xf32>) -> index {
    %d = tensor.dim %a, %c0 : tensor<?x?xf32>
    scf.condition(%c) %d : index
  } do {
  ^bb0(%d: index):
    scf.yield %next : tensor<?x?xf32>
  }
  return %0 : index
}

// -----

// What an expansion makes of a size that is known has to be known.

// CHECK-LABEL: func @decode(
// CHECK: tensor.expand_shape %{{.*}} {{\[\[}}0], [1, 2]] output_shape [%{{.*}}, 1, 1] : tensor<?x1xf32> into tensor<?x1x1xf32>
// CHECK: %[[X:.*]] = tensor.cast %{{.*}} : tensor<?x1xf32> to tensor<?x?xf32>
// CHECK: tensor.expand_shape %[[X]] {{\[\[}}0], [1, 2]] output_shape [%{{.*}}, %{{.*}}, %{{.*}}] : tensor<?x?xf32> into tensor<?x?x?xf32>
func.func @prefill(%x: tensor<?x?xf32> {marimba.time = 1 : i64}, %b: index,
    %n: index, %m: index) -> (tensor<?x?x1xf32>, tensor<?x?x?xf32>)
    attributes {marimba.entry = "prefill"} {
  %0 = tensor.expand_shape %x [[0], [1, 2]] output_shape [%b, %n, 1]
      : tensor<?x?xf32> into tensor<?x?x1xf32>
  %1 = tensor.expand_shape %x [[0], [1, 2]] output_shape [%b, %n, %m]
      : tensor<?x?xf32> into tensor<?x?x?xf32>
  return %0, %1 : tensor<?x?x1xf32>, tensor<?x?x?xf32>
}
