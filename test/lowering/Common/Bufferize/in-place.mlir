// RUN: marimba-opt %s -bufferize-model | FileCheck %s

// States are updated in place: results that are arguments go, the callers'
// too. Scratch is allocated where it is needed.

// CHECK-LABEL: func private @layer(
// CHECK-SAME: %[[X:.*]]: memref<?x?x4x8xf32, {{.*}}>, %[[H:.*]]: memref<?x4x8xf32, strided<[?, 8, 1], offset: ?>>) {
// CHECK: %[[STATES:.*]] = memref.alloc(%{{.*}}, %{{.*}}) {alignment = 64 : i64} : memref<?x?x4x8xf32>
// CHECK: marimba.scan %[[X]], %[[X]] outs(%[[STATES]], %[[H]] :
// CHECK-NOT: memref.copy
// CHECK: return{{$}}
func.func private @layer(%x: tensor<?x?x4x8xf32>, %h: tensor<?x4x8xf32>)
    -> tensor<?x4x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x4x8xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x4x8xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x4x8xf32>
  %s, %last = marimba.scan %x, %x
      outs(%e, %h : tensor<?x?x4x8xf32>, tensor<?x4x8xf32>)
      : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4x8xf32>, tensor<?x4x8xf32>
  return %last : tensor<?x4x8xf32>
}

// CHECK-LABEL: func @prefill(
// CHECK-SAME: %[[X:.*]]: memref<?x?x4x8xf32, {{.*}}>, %[[H:.*]]: memref<?x4x8xf32, {{.*}}>)
// CHECK-NOT: ->
// CHECK-SAME: attributes {marimba.entry = "prefill"}
// CHECK-NOT: memref.alloc
// CHECK: call @layer(%[[X]], %[[H]]) : ({{.*}}) -> ()
// CHECK-NEXT: call @layer(%[[X]], %[[H]]) : ({{.*}}) -> ()
// CHECK-NEXT: return{{$}}
func.func @prefill(%x: tensor<?x?x4x8xf32>, %h: tensor<?x4x8xf32>)
    -> tensor<?x4x8xf32> attributes {marimba.entry = "prefill"} {
  %0 = call @layer(%x, %h)
      : (tensor<?x?x4x8xf32>, tensor<?x4x8xf32>) -> tensor<?x4x8xf32>
  %1 = call @layer(%x, %0)
      : (tensor<?x?x4x8xf32>, tensor<?x4x8xf32>) -> tensor<?x4x8xf32>
  return %1 : tensor<?x4x8xf32>
}
