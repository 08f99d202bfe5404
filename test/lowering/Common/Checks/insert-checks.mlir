// RUN: marimba-opt %s --pass-pipeline="builtin.module(func.func(insert-checks),canonicalize,cse)" | FileCheck %s
// RUN: marimba-opt %s --pass-pipeline="builtin.module(func.func(insert-checks),canonicalize,cse)" | marimba-opt | FileCheck %s

// What is known at compile time is not checked again.
// CHECK-LABEL: func.func @known
// CHECK-NOT: rt.check
func.func @known(%x: tensor<2x4xf32>, %w: tensor<3x4xf32>) -> tensor<2x3xf32> {
  %y = marimba.linear %x, %w : tensor<2x4xf32>, tensor<3x4xf32> -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// A letter that follows from another; the same size is not compared with itself.
// CHECK-LABEL: func.func @conv
// CHECK-SAME: %[[X:.+]]: tensor<?x?x4xf32>, %[[W:.+]]: tensor<4x4xf32>, %[[S:.+]]: tensor<?x?x4xf32>
func.func @conv(%x: tensor<?x?x4xf32>, %w: tensor<4x4xf32>, %s: tensor<?x?x4xf32>)
    -> (tensor<?x?x4xf32>, tensor<?x?x4xf32>) {
  // CHECK-DAG: %[[C3:.+]] = arith.constant 3 : index
  // CHECK-DAG: %[[B:.+]] = tensor.dim %[[X]], %c0
  // CHECK-DAG: %[[SB:.+]] = tensor.dim %[[S]], %c0
  // CHECK: %[[ROWS:.+]] = arith.cmpi eq, %[[SB]], %[[B]]
  // CHECK: rt.check %[[ROWS]] "{{.*}}marimba.causal_conv1d: dimension 0 of state (B) is {0}, expected {1}: dimension 0 of input (B)"(%[[SB]], %[[B]])
  // CHECK: %[[SW:.+]] = tensor.dim %[[S]], %c1
  // CHECK: %[[WIDTH:.+]] = arith.cmpi eq, %[[SW]], %[[C3]]
  // CHECK: rt.check %[[WIDTH]] "{{.*}}dimension 1 of state (W-1) is {0}, expected {1}: W-1
  // CHECK-NOT: rt.check
  // CHECK: marimba.causal_conv1d
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x4xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x4xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x4xf32>
  %y:2 = marimba.causal_conv1d %x, %w outs(%e, %s : tensor<?x?x4xf32>, tensor<?x?x4xf32>)
      : tensor<?x?x4xf32>, tensor<4x4xf32> -> tensor<?x?x4xf32>, tensor<?x?x4xf32>
  return %y#0, %y#1 : tensor<?x?x4xf32>, tensor<?x?x4xf32>
}

// Indices are checked one by one, in front of the op.
// CHECK-LABEL: func.func @ids
// CHECK-SAME: %[[IDS:.+]]: tensor<?x?xi32>
// CHECK: scf.for %[[I:.+]] =
// CHECK: scf.for %[[J:.+]] =
// CHECK: %[[ID:.+]] = tensor.extract %[[IDS]][%[[I]], %[[J]]]
// CHECK: rt.check %{{.+}} "{{.*}}ids[{2}, {3}] is {0}, expected at least 0 and less than {1}: V is dimension 0 of table (V)"(%{{.+}}, %c8, %[[I]], %[[J]])
// CHECK: marimba.embedding
func.func @ids(%ids: tensor<?x?xi32>, %table: tensor<8x4xf32>) -> tensor<?x?x4xf32> {
  %y = marimba.embedding %ids, %table : tensor<?x?xi32>, tensor<8x4xf32> -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}

// What follows from arguments alone stands at the front.
// CHECK-LABEL: func.func @front
// CHECK: rt.check
// CHECK: math.exp
// CHECK-NOT: rt.check
func.func @front(%x: tensor<?xf32>, %z: tensor<?xf32>) -> tensor<?xf32> {
  %e = math.exp %x : tensor<?xf32>
  %y = arith.addf %e, %z : tensor<?xf32>
  return %y : tensor<?xf32>
}

// Sizes of heads, keys and values are static; rows and tokens are compared, and
// what is real of a row.
// CHECK-LABEL: func.func @heads
// CHECK: rt.check {{.*}}dimension 1 of keys (T) is {0}, expected {1}: dimension 1 of values (T)
// CHECK: rt.check {{.*}}dimension 0 of state (B) is {0}, expected {1}: dimension 0 of values (B)
// CHECK: rt.check {{.*}}valid[{2}] is {0}
// CHECK: marimba.linear_attention
func.func @heads(%q: tensor<?x?x2x6xf32>, %v: tensor<?x?x4x8xf32>,
    %valid: tensor<?xi32>, %s: tensor<?x4x6x8xf32>, %e: tensor<?x?x4x8xf32>)
    -> (tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>) {
  %y, %last = marimba.linear_attention %q, %q, %v valid(%valid : tensor<?xi32>)
      outs(%e, %s : tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>)
      : tensor<?x?x2x6xf32>, tensor<?x?x2x6xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>
  return %y, %last : tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>
}
