// RUN: marimba-opt %s -convert-marimba-to-vector -split-input-file | FileCheck %s

// The last three inputs slide through registers: each input is read once.

// CHECK-LABEL: func @window(
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<?x?x32xf32>, %[[W:[a-z0-9]+]]: memref<4x32xf32>, %[[B:[a-z0-9]+]]: memref<32xbf16>, %[[Y:[a-z0-9]+]]: memref<?x?x32xf32>, %[[S:[a-z0-9]+]]: memref<?x3x32xf32>
// CHECK-NOT: mask
// CHECK: %[[W0:.*]] = vector.load %[[W]]
// CHECK: %[[W1:.*]] = vector.load %[[W]]
// CHECK: %[[W2:.*]] = vector.load %[[W]]
// CHECK: %[[W3:.*]] = vector.load %[[W]]
// CHECK: %[[S0:.*]] = vector.load %[[S]]
// CHECK: %[[S1:.*]] = vector.load %[[S]]
// CHECK: %[[S2:.*]] = vector.load %[[S]]
// CHECK: %[[B16:.*]] = vector.load %[[B]]
// CHECK: %[[BIAS:.*]] = arith.extf %[[B16]]
// CHECK: %[[END:.*]]:3 = scf.for %{{.*}} iter_args(%[[X0:.*]] = %[[S0]], %[[X1:.*]] = %[[S1]], %[[X2:.*]] = %[[S2]])
// CHECK: %[[X3:.*]] = vector.load %[[X]]
// CHECK: %[[Y0:.*]] = math.fma %[[W0]], %[[X0]], %[[BIAS]]
// CHECK: %[[Y1:.*]] = math.fma %[[W1]], %[[X1]], %[[Y0]]
// CHECK: %[[Y2:.*]] = math.fma %[[W2]], %[[X2]], %[[Y1]]
// CHECK: %[[Y3:.*]] = math.fma %[[W3]], %[[X3]], %[[Y2]]
// CHECK-NOT: math.exp
// CHECK: vector.store %[[Y3]], %[[Y]]
// CHECK: scf.yield %[[X1]], %[[X2]], %[[X3]]
// CHECK: vector.store %[[END]]#0, %[[S]]
// CHECK: vector.store %[[END]]#1, %[[S]]
// CHECK: vector.store %[[END]]#2, %[[S]]
func.func @window(%x: memref<?x?x32xf32>, %w: memref<4x32xf32>,
    %b: memref<32xbf16>, %y: memref<?x?x32xf32>, %s: memref<?x3x32xf32>) {
  marimba.causal_conv1d %x, %w bias(%b : memref<32xbf16>)
      outs(%y, %s : memref<?x?x32xf32>, memref<?x3x32xf32>)
      : memref<?x?x32xf32>, memref<4x32xf32>
  return
}

// -----

// Without a bias the sum starts at zero; silu is applied to what is stored.

// CHECK-LABEL: func @silu(
// CHECK: %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : vector<16xf32>
// CHECK: math.fma %{{.*}}, %{{.*}}, %[[ZERO]]
// CHECK: %[[SUM:.*]] = math.fma
// CHECK: %[[BOUNDED:.*]] = arith.select %{{.*}}, %{{.*}}, %[[SUM]]
// CHECK: math.exp %{{.*}} fastmath<afn>
// CHECK: %[[Y:.*]] = arith.divf %[[BOUNDED]],
// CHECK: vector.store %[[Y]],
func.func @silu(%x: memref<?x?x32xf32>, %w: memref<2x32xf32>,
    %y: memref<?x?x32xf32>, %s: memref<?x1x32xf32>) {
  marimba.causal_conv1d %x, %w
      outs(%y, %s : memref<?x?x32xf32>, memref<?x1x32xf32>) {silu}
      : memref<?x?x32xf32>, memref<2x32xf32>
  return
}

// -----

// CHECK-LABEL: func @tail_and_valid(
// CHECK: memref.load %{{.*}} : memref<?xi32>
// CHECK: vector.create_mask
// CHECK-NOT: vector.{{load|store}}
// CHECK: return
func.func @tail_and_valid(%x: memref<?x?x24xf32>, %w: memref<2x24xf32>,
    %v: memref<?xi32>, %y: memref<?x?x24xf32>, %s: memref<?x1x24xf32>) {
  marimba.causal_conv1d %x, %w valid(%v : memref<?xi32>)
      outs(%y, %s : memref<?x?x24xf32>, memref<?x1x24xf32>)
      : memref<?x?x24xf32>, memref<2x24xf32>
  return
}

// -----

// The loops need the width of the window.

// CHECK-LABEL: func @dynamic_width(
// CHECK: marimba.causal_conv1d
func.func @dynamic_width(%x: memref<?x?x32xf32>, %w: memref<?x32xf32>,
    %y: memref<?x?x32xf32>, %s: memref<?x?x32xf32>) {
  marimba.causal_conv1d %x, %w
      outs(%y, %s : memref<?x?x32xf32>, memref<?x?x32xf32>)
      : memref<?x?x32xf32>, memref<?x32xf32>
  return
}

// -----

// A width of 1 remembers nothing: no values go round the loop.

// CHECK-LABEL: func @width_one(
// CHECK-NOT: iter_args
// CHECK: math.fma
// CHECK: vector.store
// CHECK: return
func.func @width_one(%x: memref<?x?x16xf32>, %w: memref<1x16xf32>,
    %y: memref<?x?x16xf32>, %h: memref<?x0x16xf32>) {
  marimba.causal_conv1d %x, %w
      outs(%y, %h : memref<?x?x16xf32>, memref<?x0x16xf32>)
      : memref<?x?x16xf32>, memref<1x16xf32>
  return
}

// -----

// 100 taps take seven passes, five of them a loop. What a token adds to the
// window of any but the last is in the state or in the input; the state moves
// after all of them.

// CHECK-LABEL: func @wide(
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<?x?x16xf32>, %[[W:[a-z0-9]+]]: memref<100x16xf32>, %[[Y:[a-z0-9]+]]: memref<?x?x16xf32>, %[[S:[a-z0-9]+]]: memref<?x99x16xf32>
// CHECK-COUNT-16: vector.load %[[W]]
// CHECK: scf.for {{.*}} iter_args
// CHECK: scf.if
// CHECK-COUNT-16: math.fma
// CHECK-NOT: math.fma
// CHECK: scf.for %[[K:[a-z0-9]+]] =
// CHECK-COUNT-16: vector.load %[[W]]
// CHECK: scf.for {{.*}} iter_args
// CHECK: scf.if
// CHECK: vector.load %[[Y]]
// CHECK-COUNT-16: math.fma
// CHECK-COUNT-4: vector.load %[[W]]
// CHECK: scf.for {{.*}} iter_args
// CHECK-NOT: scf.if
// CHECK: vector.load %[[Y]]
// CHECK-COUNT-4: math.fma
// CHECK-NOT: math.fma
// CHECK: scf.for
// CHECK: scf.if
// CHECK: vector.store %{{.*}}, %[[S]]
// CHECK: return
func.func @wide(%x: memref<?x?x16xf32>, %w: memref<100x16xf32>,
    %y: memref<?x?x16xf32>, %h: memref<?x99x16xf32>) {
  marimba.causal_conv1d %x, %w
      outs(%y, %h : memref<?x?x16xf32>, memref<?x99x16xf32>)
      : memref<?x?x16xf32>, memref<100x16xf32>
  return
}
