// RUN: marimba-opt %s -table-layer-arguments -split-input-file | FileCheck %s

// What is a weight or an argument of the call at every call of a layer comes
// from its table; the residual stream, scratch, stays an argument.

// CHECK-LABEL: func private @layer(
// CHECK-SAME: %{{.*}}: !rt.context, %[[CALL:.*]]: !rt.call, %[[TABLE:.*]]: !rt.table, %[[X:.*]]: memref<8xf32>)
// CHECK-DAG: %[[W:.*]] = rt.layer_weight %[[CALL]], %[[TABLE]][0] : memref<8xf32>
// CHECK-DAG: %[[H:.*]] = rt.layer_argument %[[CALL]], %[[TABLE]][1] : memref<?xf32>
// CHECK: linalg.copy ins(%[[W]] {{.*}} outs(%[[X]]
// CHECK: memref.dim %[[H]]
func.func private @layer(%ctx: !rt.context, %w: memref<8xf32>,
    %x: memref<8xf32>, %h: memref<?xf32>) {
  linalg.copy ins(%w : memref<8xf32>) outs(%x : memref<8xf32>)
  %c0 = arith.constant 0 : index
  %n = memref.dim %h, %c0 : memref<?xf32>
  %s = rt.arena_alloc %ctx(%n) : memref<?xf32>
  return
}

// CHECK-LABEL: func @marimba_prefill(
// CHECK-SAME: %[[CTX:.*]]: !rt.context, %[[CALL:.*]]: !rt.call)
// CHECK: %[[X:.*]] = rt.arena_alloc
// CHECK: %[[T0:.*]] = rt.table [3, 7]
// CHECK: call @layer(%[[CTX]], %[[CALL]], %[[T0]], %[[X]])
// CHECK: %[[T1:.*]] = rt.table [4, 8]
// CHECK: call @layer(%[[CTX]], %[[CALL]], %[[T1]], %[[X]])
func.func @marimba_prefill(%ctx: !rt.context, %call: !rt.call) {
  %x = rt.arena_alloc %ctx() : memref<8xf32>
  %w0 = rt.weight %call[3] : memref<8xf32>
  %w1 = rt.weight %call[4] : memref<8xf32>
  %h0 = rt.argument %call[7] : memref<?xf32>
  %h1 = rt.argument %call[8] : memref<?xf32>
  call @layer(%ctx, %w0, %x, %h0)
      : (!rt.context, memref<8xf32>, memref<8xf32>, memref<?xf32>) -> ()
  call @layer(%ctx, %w1, %x, %h1)
      : (!rt.context, memref<8xf32>, memref<8xf32>, memref<?xf32>) -> ()
  return
}

// -----

// A weight here, an argument there: stays as it is.

// CHECK-LABEL: func private @layer(
// CHECK-SAME: %{{.*}}: !rt.context, %{{.*}}: memref<8xf32>)
// CHECK-LABEL: func @marimba_prefill(
// CHECK-NOT: rt.table
// CHECK: {{^// -+$}}
func.func private @layer(%ctx: !rt.context, %w: memref<8xf32>) {
  return
}
func.func @marimba_prefill(%ctx: !rt.context, %call: !rt.call) {
  %w = rt.weight %call[3] : memref<8xf32>
  %a = rt.argument %call[3] : memref<8xf32>
  call @layer(%ctx, %w) : (!rt.context, memref<8xf32>) -> ()
  call @layer(%ctx, %a) : (!rt.context, memref<8xf32>) -> ()
  return
}

// -----

// Public functions may have callers elsewhere.

// CHECK-LABEL: func @layer(
// CHECK-SAME: %{{.*}}: !rt.context, %{{.*}}: memref<8xf32>)
// CHECK-NOT: rt.table
func.func @layer(%ctx: !rt.context, %w: memref<8xf32>) {
  return
}
func.func @marimba_prefill(%ctx: !rt.context, %call: !rt.call) {
  %w = rt.weight %call[3] : memref<8xf32>
  call @layer(%ctx, %w) : (!rt.context, memref<8xf32>) -> ()
  return
}
