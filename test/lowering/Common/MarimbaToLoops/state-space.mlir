// RUN: marimba-opt %s -convert-marimba-to-loops -split-input-file | FileCheck %s

// The equations of the op, one element at a time.

// CHECK-LABEL: func @selective_scan(
// CHECK-SAME: %[[U:[a-z0-9]+]]: memref<?x?x8xf32>, %[[DT:[a-z0-9]+]]: memref<?x?x8xf32>, %[[Z:[a-z0-9]+]]: memref<?x?x8xf32>, %[[A:[a-z0-9]+]]: memref<4x8xf32>, %[[B:[a-z0-9]+]]: memref<?x?x4xf32>, %[[C:[a-z0-9]+]]: memref<?x?x4xf32>, %[[D:[a-z0-9]+]]: memref<8xbf16>, %[[BIAS:[a-z0-9]+]]: memref<8xf16>, %[[V:[a-z0-9]+]]: memref<?xi32>, %[[Y:[a-z0-9]+]]: memref<?x?x8xf32>, %[[H:[a-z0-9]+]]: memref<?x4x8xf32>
// CHECK-NOT: {{vector|scf.parallel|marimba}}
// CHECK: scf.for %[[ROW:[a-z0-9]+]] =
// CHECK: memref.load %[[V]][%[[ROW]]]
// CHECK: arith.minsi
// CHECK: %[[TOKENS:.*]] = arith.maxsi
// CHECK: scf.for %[[T:[a-z0-9]+]] = %{{.*}} to %[[TOKENS]]
// CHECK: scf.for %[[CH:[a-z0-9]+]] =
// CHECK: %[[RAW:.*]] = memref.load %[[DT]][%[[ROW]], %[[T]], %[[CH]]]
// CHECK: %[[B16:.*]] = memref.load %[[BIAS]][%[[CH]]]
// CHECK: %[[BF:.*]] = arith.extf %[[B16]] : f16 to f32
// CHECK: arith.addf %[[RAW]], %[[BF]]
// CHECK: math.log1p
// CHECK: %[[DELTA:.*]] = arith.addf
// CHECK: %[[IN:.*]] = memref.load %[[U]][%[[ROW]], %[[T]], %[[CH]]]
// CHECK: %[[DU:.*]] = arith.mulf %[[DELTA]], %[[IN]]
// CHECK: scf.for %[[N:[a-z0-9]+]] = {{.*}} iter_args(%[[SUM:.*]] =
// CHECK: %[[AN:.*]] = memref.load %[[A]][%[[N]], %[[CH]]]
// CHECK: %[[DA:.*]] = arith.mulf %[[DELTA]], %[[AN]]
// CHECK: %[[DECAY:.*]] = math.exp %[[DA]]
// CHECK: %[[OLD:.*]] = memref.load %[[H]][%[[ROW]], %[[N]], %[[CH]]]
// CHECK: %[[KEPT:.*]] = arith.mulf %[[DECAY]], %[[OLD]]
// CHECK: %[[BN:.*]] = memref.load %[[B]][%[[ROW]], %[[T]], %[[N]]]
// CHECK: %[[ADDED:.*]] = arith.mulf %[[DU]], %[[BN]]
// CHECK: %[[NEW:.*]] = arith.addf %[[KEPT]], %[[ADDED]]
// CHECK: memref.store %[[NEW]], %[[H]][%[[ROW]], %[[N]], %[[CH]]]
// CHECK: %[[CN:.*]] = memref.load %[[C]][%[[ROW]], %[[T]], %[[N]]]
// CHECK: %[[PART:.*]] = arith.mulf %[[NEW]], %[[CN]]
// CHECK: arith.addf %[[SUM]], %[[PART]]
// CHECK: memref.load %[[D]][%[[CH]]]
// CHECK: memref.load %[[Z]][%[[ROW]], %[[T]], %[[CH]]]
// CHECK: memref.store %{{.*}}, %[[Y]][%[[ROW]], %[[T]], %[[CH]]]
// CHECK: scf.for %[[T:[a-z0-9]+]] = %[[TOKENS]] to
// CHECK: memref.store %{{.*}}, %[[Y]][%[[ROW]], %[[T]],
// CHECK-NOT: marimba
func.func @selective_scan(%u: memref<?x?x8xf32>, %dt: memref<?x?x8xf32>,
    %z: memref<?x?x8xf32>, %A: memref<4x8xf32>, %B: memref<?x?x4xf32>,
    %C: memref<?x?x4xf32>, %D: memref<8xbf16>, %bias: memref<8xf16>,
    %v: memref<?xi32>, %y: memref<?x?x8xf32>, %h: memref<?x4x8xf32>) {
  marimba.selective_scan %u, %dt, %A, %B, %C skip(%D : memref<8xbf16>)
      gate(%z : memref<?x?x8xf32>) delta_bias(%bias : memref<8xf16>)
      valid(%v : memref<?xi32>)
      outs(%y, %h : memref<?x?x8xf32>, memref<?x4x8xf32>) {delta_softplus}
      : memref<?x?x8xf32>, memref<?x?x8xf32>, memref<4x8xf32>,
        memref<?x?x4xf32>, memref<?x?x4xf32>
  return
}

// -----

// CHECK-LABEL: func @scan(
// CHECK-SAME: %[[DECAY:[a-z0-9]+]]: memref<?x?x4x8xf32>, %[[IN:[a-z0-9]+]]: memref<?x?x4x8xf32>, %[[STATES:[a-z0-9]+]]: memref<?x?x4x8xf32>, %[[H:[a-z0-9]+]]: memref<?x4x8xf32>
// CHECK: %[[FIRST:.*]] = memref.load %[[H]]
// CHECK: %[[LAST:.*]] = scf.for %[[T:.*]] = {{.*}} iter_args(%[[OLD:.*]] = %[[FIRST]])
// CHECK: %[[A:.*]] = memref.load %[[DECAY]][%{{.*}}, %[[T]],
// CHECK: %[[X:.*]] = memref.load %[[IN]][%{{.*}}, %[[T]],
// CHECK: %[[KEPT:.*]] = arith.mulf %[[A]], %[[OLD]]
// CHECK: %[[NEW:.*]] = arith.addf %[[KEPT]], %[[X]]
// CHECK: memref.store %[[NEW]], %[[STATES]][%{{.*}}, %[[T]],
// CHECK: scf.yield %[[NEW]]
// CHECK: memref.store %[[LAST]], %[[H]]
func.func @scan(%d: memref<?x?x4x8xf32>, %x: memref<?x?x4x8xf32>,
    %states: memref<?x?x4x8xf32>, %h: memref<?x4x8xf32>) {
  marimba.scan %d, %x
      outs(%states, %h : memref<?x?x4x8xf32>, memref<?x4x8xf32>)
      : memref<?x?x4x8xf32>, memref<?x?x4x8xf32>
  return
}

// -----

// A column comes from the state while it lies before the first token. The
// state is written behind all of the row's outputs.

// CHECK-LABEL: func @conv(
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<?x?x8xf32>, %[[W:[a-z0-9]+]]: memref<4x8xf32>, %[[B:[a-z0-9]+]]: memref<8xf32>, %[[Y:[a-z0-9]+]]: memref<?x?x8xf32>, %[[S:[a-z0-9]+]]: memref<?x3x8xf32>
// CHECK: %[[BIAS:.*]] = memref.load %[[B]]
// CHECK: %[[SUM:.*]] = scf.for %[[K:.*]] = {{.*}} iter_args(%{{.*}} = %[[BIAS]])
// CHECK: %[[FROM:.*]] = arith.addi %{{.*}}, %[[K]]
// CHECK: %[[BEFORE:.*]] = arith.cmpi slt, %[[FROM]], %[[COLUMNS:.*]] : index
// CHECK: scf.if %[[BEFORE]]
// CHECK: memref.load %[[S]][%{{.*}}, %[[FROM]],
// CHECK: } else {
// CHECK: %[[T:.*]] = arith.subi %[[FROM]], %[[COLUMNS]]
// CHECK: memref.load %[[X]][%{{.*}}, %[[T]],
// CHECK: memref.load %[[W]][%[[K]],
// CHECK: math.exp
// CHECK: memref.store %{{.*}}, %[[Y]]
// CHECK-NOT: memref.store
// CHECK: scf.for
// CHECK: scf.if
// CHECK: memref.load %[[S]]
// CHECK: memref.load %[[X]]
// CHECK: memref.store %{{.*}}, %[[S]]
func.func @conv(%x: memref<?x?x8xf32>, %w: memref<4x8xf32>, %b: memref<8xf32>,
    %y: memref<?x?x8xf32>, %s: memref<?x3x8xf32>) {
  marimba.causal_conv1d %x, %w bias(%b : memref<8xf32>)
      outs(%y, %s : memref<?x?x8xf32>, memref<?x3x8xf32>) {silu}
      : memref<?x?x8xf32>, memref<4x8xf32>
  return
}

// -----

// CHECK-LABEL: func @tensors(
// CHECK: marimba.scan
func.func @tensors(%x: tensor<?x?x4x8xf32>, %h: tensor<?x4x8xf32>)
    -> tensor<?x4x8xf32> {
  %s, %last = marimba.scan %x, %x
      outs(%x, %h : tensor<?x?x4x8xf32>, tensor<?x4x8xf32>)
      : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4x8xf32>, tensor<?x4x8xf32>
  return %last : tensor<?x4x8xf32>
}
