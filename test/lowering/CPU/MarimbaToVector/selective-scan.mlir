// RUN: marimba-opt %s -convert-marimba-to-vector -split-input-file | FileCheck %s

// 16 states of 16 channels stay in registers over a block of tokens; 32
// channels are whole vectors, so nothing is masked.

// CHECK-LABEL: func @registers(
// CHECK-SAME: %[[U:[a-z0-9]+]]: memref<?x?x32xf32>, %[[DT:[a-z0-9]+]]: memref<?x?x32xf32>, %[[Z:[a-z0-9]+]]: memref<?x?x32xf32>, %[[A:[a-z0-9]+]]: memref<16x32xf32>, %[[B:[a-z0-9]+]]: memref<?x?x16xf32>, %[[C:[a-z0-9]+]]: memref<?x?x16xf32>, %[[D:[a-z0-9]+]]: memref<32xbf16>, %[[V:[a-z0-9]+]]: memref<?xi32>, %[[Y:[a-z0-9]+]]: memref<?x?x32xf32>, %[[H:[a-z0-9]+]]: memref<?x16x32xf32>
// CHECK-NOT: mask
// CHECK: scf.for %[[ROW:[a-z0-9]+]] =
// CHECK: scf.for %[[D0:[a-z0-9]+]] =
// CHECK-NOT: scf.for
// CHECK-COUNT-16: vector.load %[[H]][%[[ROW]], %{{.*}}, %[[D0]]]
// CHECK: scf.for %[[T:[a-z0-9]+]] = {{.*}} iter_args({{.*}}) -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK-NOT: [[H]]
// CHECK-COUNT-8: math.exp2 {{.*}} : vector<2x16xf32>
// CHECK-NOT: math.exp
// CHECK: vector.store %{{.*}}, %[[Y]][%[[ROW]], %[[T]], %[[D0]]]
// CHECK: scf.yield
// CHECK-COUNT-16: vector.store %{{.*}}, %[[H]][%[[ROW]], %{{.*}}, %[[D0]]]
// CHECK-NOT: mask
// CHECK-NOT: marimba
// CHECK: return
func.func @registers(%u: memref<?x?x32xf32>, %dt: memref<?x?x32xf32>,
    %z: memref<?x?x32xf32>, %A: memref<16x32xf32>, %B: memref<?x?x16xf32>,
    %C: memref<?x?x16xf32>, %D: memref<32xbf16>, %v: memref<?xi32>,
    %y: memref<?x?x32xf32>, %h: memref<?x16x32xf32>) {
  marimba.selective_scan %u, %dt, %A, %B, %C
      outs(%y, %h : memref<?x?x32xf32>, memref<?x16x32xf32>)
      : memref<?x?x32xf32>, memref<?x?x32xf32>, memref<16x32xf32>,
        memref<?x?x16xf32>, memref<?x?x16xf32>
  return
}

// -----

// One state: the equations of the op, term by term; exp(delta A) is
// 2^(delta A log2 e).

// CHECK-LABEL: func @equations(
// CHECK-SAME: %[[U:[a-z0-9]+]]: memref<?x?x32xf32>, %[[DT:[a-z0-9]+]]: memref<?x?x32xf32>, %[[Z:[a-z0-9]+]]: memref<?x?x32xf32>, %[[A:[a-z0-9]+]]: memref<1x32xf32>, %[[B:[a-z0-9]+]]: memref<?x?x1xf32>, %[[C:[a-z0-9]+]]: memref<?x?x1xf32>, %[[D:[a-z0-9]+]]: memref<32xbf16>, %[[V:[a-z0-9]+]]: memref<?xi32>, %[[Y:[a-z0-9]+]]: memref<?x?x32xf32>, %[[H:[a-z0-9]+]]: memref<?x1x32xf32>
// CHECK: %[[H0:.*]] = vector.load %[[H]]
// CHECK: %[[A0:.*]] = vector.load %[[A]]
// CHECK: %[[LOG2E:.*]] = arith.constant 1.442695
// CHECK: %[[LOG2EV:.*]] = vector.broadcast %[[LOG2E]]
// CHECK: %[[RATE:.*]] = arith.mulf %[[A0]], %[[LOG2EV]]
// CHECK: %[[D16:.*]] = vector.load %[[D]]
// CHECK: %[[SKIP:.*]] = arith.extf %[[D16]]
// CHECK: scf.for {{.*}} iter_args(%[[OLD:.*]] = %[[H0]])
// CHECK: vector.load %[[DT]]
// CHECK: math.absf
// CHECK: %[[E:.*]] = math.exp %{{.*}} fastmath<afn>
// CHECK: %[[TAIL:.*]] = math.log1p %[[E]] fastmath<afn>
// CHECK: %[[DELTA:.*]] = arith.addf %{{.*}}, %[[TAIL]]
// CHECK: %[[IN:.*]] = vector.load %[[U]]
// CHECK: %[[DU:.*]] = arith.mulf %[[DELTA]], %[[IN]]
// CHECK: %[[DIRECT:.*]] = arith.mulf %[[SKIP]], %[[IN]]
// CHECK: %[[CROW:.*]] = memref.subview %[[C]]
// CHECK: %[[BROW:.*]] = memref.subview %[[B]]
// CHECK: %[[DA:.*]] = arith.mulf %[[DELTA]], %[[RATE]]
// CHECK: vector.insert %[[DA]]
// CHECK: %[[DECAYS:.*]] = math.exp2 {{.*}} : vector<1x16xf32>
// CHECK: %[[DECAY:.*]] = vector.extract %[[DECAYS]][0]
// CHECK: %[[BN:.*]] = memref.load %[[BROW]]
// CHECK: %[[BV:.*]] = vector.broadcast %[[BN]]
// CHECK: %[[GROWN:.*]] = arith.mulf %[[DU]], %[[BV]]
// CHECK: %[[NEW:.*]] = math.fma %[[DECAY]], %[[OLD]], %[[GROWN]]
// CHECK: %[[CN:.*]] = memref.load %[[CROW]]
// CHECK: %[[CV:.*]] = vector.broadcast %[[CN]]
// CHECK: %[[OUT:.*]] = math.fma %[[NEW]], %[[CV]], %[[DIRECT]]
// CHECK: %[[GATE:.*]] = vector.load %[[Z]]
// CHECK: %[[BOUNDED:.*]] = arith.select %{{.*}}, %{{.*}}, %[[GATE]]
// CHECK: %[[SILU:.*]] = arith.divf %[[BOUNDED]],
// CHECK: %[[GATED:.*]] = arith.mulf %[[OUT]], %[[SILU]]
// CHECK: vector.store %[[GATED]], %[[Y]]
// CHECK: scf.yield %[[NEW]]
func.func @equations(%u: memref<?x?x32xf32>, %dt: memref<?x?x32xf32>,
    %z: memref<?x?x32xf32>, %A: memref<1x32xf32>, %B: memref<?x?x1xf32>,
    %C: memref<?x?x1xf32>, %D: memref<32xbf16>, %v: memref<?xi32>,
    %y: memref<?x?x32xf32>, %h: memref<?x1x32xf32>) {
  marimba.selective_scan %u, %dt, %A, %B, %C
      skip(%D : memref<32xbf16>) gate(%z : memref<?x?x32xf32>)
      outs(%y, %h : memref<?x?x32xf32>, memref<?x1x32xf32>) {delta_softplus}
      : memref<?x?x32xf32>, memref<?x?x32xf32>, memref<1x32xf32>,
        memref<?x?x1xf32>, memref<?x?x1xf32>
  return
}

// -----

// CHECK-LABEL: func @odd_states(
// CHECK: iter_args({{.*}}) -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK-COUNT-2: math.exp2 {{.*}} : vector<2x16xf32>
// CHECK: math.exp2 {{.*}} : vector<1x16xf32>
// CHECK-NOT: math.exp
// CHECK: return
func.func @odd_states(%u: memref<?x?x32xf32>, %dt: memref<?x?x32xf32>,
    %z: memref<?x?x32xf32>, %A: memref<5x32xf32>, %B: memref<?x?x5xf32>,
    %C: memref<?x?x5xf32>, %D: memref<32xbf16>, %v: memref<?xi32>,
    %y: memref<?x?x32xf32>, %h: memref<?x5x32xf32>) {
  marimba.selective_scan %u, %dt, %A, %B, %C
      outs(%y, %h : memref<?x?x32xf32>, memref<?x5x32xf32>)
      : memref<?x?x32xf32>, memref<?x?x32xf32>, memref<5x32xf32>,
        memref<?x?x5xf32>, memref<?x?x5xf32>
  return
}

// -----

// 24 states take two passes: the second one adds to what the first one stored,
// and only it applies the gate.

// CHECK-LABEL: func @two_passes(
// CHECK-SAME: %[[U:[a-z0-9]+]]: memref<?x?x32xf32>, %[[DT:[a-z0-9]+]]: memref<?x?x32xf32>, %[[Z:[a-z0-9]+]]: memref<?x?x32xf32>, %[[A:[a-z0-9]+]]: memref<24x32xf32>, %[[B:[a-z0-9]+]]: memref<?x?x24xf32>, %[[C:[a-z0-9]+]]: memref<?x?x24xf32>, %[[D:[a-z0-9]+]]: memref<32xbf16>, %[[V:[a-z0-9]+]]: memref<?xi32>, %[[Y:[a-z0-9]+]]: memref<?x?x32xf32>, %[[H:[a-z0-9]+]]: memref<?x24x32xf32>
// CHECK: iter_args({{.*}}) -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK-NOT: vector.load %[[Z]]
// CHECK: vector.store %{{.*}}, %[[Y]]
// CHECK-COUNT-16: vector.store %{{.*}}, %[[H]]
// CHECK: iter_args({{.*}}) -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK: vector.load %[[Y]]
// CHECK: vector.load %[[Z]]
// CHECK: vector.store %{{.*}}, %[[Y]]
// CHECK-COUNT-8: vector.store %{{.*}}, %[[H]]
// CHECK-NOT: vector.store
// CHECK: return
func.func @two_passes(%u: memref<?x?x32xf32>, %dt: memref<?x?x32xf32>,
    %z: memref<?x?x32xf32>, %A: memref<24x32xf32>, %B: memref<?x?x24xf32>,
    %C: memref<?x?x24xf32>, %D: memref<32xbf16>, %v: memref<?xi32>,
    %y: memref<?x?x32xf32>, %h: memref<?x24x32xf32>) {
  marimba.selective_scan %u, %dt, %A, %B, %C
      skip(%D : memref<32xbf16>) gate(%z : memref<?x?x32xf32>)
      outs(%y, %h : memref<?x?x32xf32>, memref<?x24x32xf32>)
      : memref<?x?x32xf32>, memref<?x?x32xf32>, memref<24x32xf32>,
        memref<?x?x24xf32>, memref<?x?x24xf32>
  return
}

// -----

// 100 states take seven passes: the first one, five in a loop, and the last one
// with four. The code does not grow with the states.

// CHECK-LABEL: func @many_states(
// CHECK-SAME: %[[U:[a-z0-9]+]]: memref<?x?x32xf32>, %[[DT:[a-z0-9]+]]: memref<?x?x32xf32>, %[[Z:[a-z0-9]+]]: memref<?x?x32xf32>, %[[A:[a-z0-9]+]]: memref<100x32xf32>, %[[B:[a-z0-9]+]]: memref<?x?x100xf32>, %[[C:[a-z0-9]+]]: memref<?x?x100xf32>, %[[Y:[a-z0-9]+]]: memref<?x?x32xf32>, %[[H:[a-z0-9]+]]: memref<?x100x32xf32>
// CHECK: scf.for {{.*}} iter_args
// CHECK-NOT: vector.load %[[Y]]
// CHECK-COUNT-8: math.exp2
// CHECK-NOT: math.exp
// CHECK: %[[FROM:.*]] = arith.constant 16 : index
// CHECK: %[[TO:.*]] = arith.constant 96 : index
// CHECK: scf.for %[[N:[a-z0-9]+]] = %[[FROM]] to %[[TO]] step
// CHECK-COUNT-16: vector.load %[[H]]
// CHECK: scf.for %[[T:[a-z0-9]+]] = {{.*}} iter_args
// CHECK: vector.load %[[Y]]
// CHECK: memref.subview %[[C]][%{{.*}}, %[[T]], %[[N]]] [1, 1, 16]
// CHECK-COUNT-8: math.exp2
// CHECK-NOT: math.exp
// CHECK: scf.for {{.*}} iter_args
// CHECK-COUNT-2: math.exp2
// CHECK: vector.load %[[Z]]
// CHECK-NOT: math.exp2
// CHECK: return
func.func @many_states(%u: memref<?x?x32xf32>, %dt: memref<?x?x32xf32>,
    %z: memref<?x?x32xf32>, %A: memref<100x32xf32>, %B: memref<?x?x100xf32>,
    %C: memref<?x?x100xf32>, %y: memref<?x?x32xf32>, %h: memref<?x100x32xf32>) {
  marimba.selective_scan %u, %dt, %A, %B, %C gate(%z : memref<?x?x32xf32>)
      outs(%y, %h : memref<?x?x32xf32>, memref<?x100x32xf32>)
      : memref<?x?x32xf32>, memref<?x?x32xf32>, memref<100x32xf32>,
        memref<?x?x100xf32>, memref<?x?x100xf32>
  return
}

// -----

// Without states there is one pass: the output is written all the same.

// CHECK-LABEL: func @no_states(
// CHECK-SAME: %[[Y:[a-z0-9]+]]: memref<?x?x32xf32>
// CHECK: scf.for {{.*}} {
// CHECK: arith.divf
// CHECK: vector.store %{{.*}}, %[[Y]]
// CHECK: return
func.func @no_states(%y: memref<?x?x32xf32>, %u: memref<?x?x32xf32>,
    %A: memref<0x32xf32>, %B: memref<?x?x0xf32>, %h: memref<?x0x32xf32>) {
  marimba.selective_scan %u, %u, %A, %B, %B gate(%u : memref<?x?x32xf32>)
      outs(%y, %h : memref<?x?x32xf32>, memref<?x0x32xf32>)
      : memref<?x?x32xf32>, memref<?x?x32xf32>, memref<0x32xf32>,
        memref<?x?x0xf32>, memref<?x?x0xf32>
  return
}

// -----

// 40 channels: every access of theirs is masked.

// CHECK-LABEL: func @tail(
// CHECK: scf.for
// CHECK: %[[LEFT:.*]] = arith.subi %c40, %{{.*}}
// CHECK: %[[MASK:.*]] = vector.create_mask %[[LEFT]] : vector<16xi1>
// CHECK-NOT: vector.load
// CHECK: vector.maskedload %{{.*}}, %[[MASK]],
// CHECK-NOT: vector.{{load|store}}
// CHECK: vector.maskedstore %{{.*}}, %[[MASK]],
// CHECK-NOT: vector.{{load|store}}
// CHECK: return
func.func @tail(%u: memref<?x?x40xf32>, %dt: memref<?x?x40xf32>,
    %z: memref<?x?x40xf32>, %A: memref<2x40xf32>, %B: memref<?x?x2xf32>,
    %C: memref<?x?x2xf32>, %D: memref<40xbf16>, %v: memref<?xi32>,
    %y: memref<?x?x40xf32>, %h: memref<?x2x40xf32>) {
  marimba.selective_scan %u, %dt, %A, %B, %C
      outs(%y, %h : memref<?x?x40xf32>, memref<?x2x40xf32>)
      : memref<?x?x40xf32>, memref<?x?x40xf32>, memref<2x40xf32>,
        memref<?x?x2xf32>, memref<?x?x2xf32>
  return
}

// -----

// CHECK-LABEL: func @dynamic_channels(
// CHECK: vector.create_mask
// CHECK-NOT: vector.{{load|store}}
// CHECK: return
func.func @dynamic_channels(%u: memref<?x?x?xf32>, %dt: memref<?x?x?xf32>,
    %z: memref<?x?x?xf32>, %A: memref<2x?xf32>, %B: memref<?x?x2xf32>,
    %C: memref<?x?x2xf32>, %D: memref<?xbf16>, %v: memref<?xi32>,
    %y: memref<?x?x?xf32>, %h: memref<?x2x?xf32>) {
  marimba.selective_scan %u, %dt, %A, %B, %C
      outs(%y, %h : memref<?x?x?xf32>, memref<?x2x?xf32>)
      : memref<?x?x?xf32>, memref<?x?x?xf32>, memref<2x?xf32>,
        memref<?x?x2xf32>, memref<?x?x2xf32>
  return
}

// -----

// The state stops at `valid`; outputs behind it become zero.

// CHECK-LABEL: func @valid(
// CHECK-SAME: %[[U:[a-z0-9]+]]: memref<?x?x32xf32>, %[[DT:[a-z0-9]+]]: memref<?x?x32xf32>, %[[Z:[a-z0-9]+]]: memref<?x?x32xf32>, %[[A:[a-z0-9]+]]: memref<2x32xf32>, %[[B:[a-z0-9]+]]: memref<?x?x2xf32>, %[[C:[a-z0-9]+]]: memref<?x?x2xf32>, %[[D:[a-z0-9]+]]: memref<32xbf16>, %[[V:[a-z0-9]+]]: memref<?xi32>, %[[Y:[a-z0-9]+]]: memref<?x?x32xf32>, %[[H:[a-z0-9]+]]: memref<?x2x32xf32>
// CHECK: scf.for %[[ROW:[a-z0-9]+]] =
// CHECK: %[[V32:.*]] = memref.load %[[V]][%[[ROW]]]
// CHECK: %[[VALID:.*]] = arith.index_cast %[[V32]]
// CHECK: %[[SOME:.*]] = arith.minsi %[[VALID]], %[[TIME:.*]] : index
// CHECK: %[[TOKENS:.*]] = arith.maxsi %[[SOME]], %
// CHECK: scf.for %{{.*}} = %{{.*}} to %[[TOKENS]] step
// CHECK: scf.for %[[T:.*]] = %[[TOKENS]] to %[[TIME]] step
// CHECK: %[[ZERO:.*]] = arith.constant dense<0.0
// CHECK: vector.store %[[ZERO]], %[[Y]][%[[ROW]], %[[T]],
func.func @valid(%u: memref<?x?x32xf32>, %dt: memref<?x?x32xf32>,
    %z: memref<?x?x32xf32>, %A: memref<2x32xf32>, %B: memref<?x?x2xf32>,
    %C: memref<?x?x2xf32>, %D: memref<32xbf16>, %v: memref<?xi32>,
    %y: memref<?x?x32xf32>, %h: memref<?x2x32xf32>) {
  marimba.selective_scan %u, %dt, %A, %B, %C
      valid(%v : memref<?xi32>)
      outs(%y, %h : memref<?x?x32xf32>, memref<?x2x32xf32>)
      : memref<?x?x32xf32>, memref<?x?x32xf32>, memref<2x32xf32>,
        memref<?x?x2xf32>, memref<?x?x2xf32>
  return
}

// -----

// Before bufferisation there is nothing to do.

// CHECK-LABEL: func @tensors(
// CHECK: marimba.causal_conv1d
func.func @tensors(%x: tensor<?x?x8xf32>, %w: tensor<4x8xf32>,
    %s: tensor<?x3x8xf32>) -> tensor<?x?x8xf32> {
  %y, %last = marimba.causal_conv1d %x, %w
      outs(%x, %s : tensor<?x?x8xf32>, tensor<?x3x8xf32>)
      : tensor<?x?x8xf32>, tensor<4x8xf32>
     -> tensor<?x?x8xf32>, tensor<?x3x8xf32>
  return %y : tensor<?x?x8xf32>
}
