// RUN: marimba-opt %s -convert-marimba-to-vector=vector-bits=128 -split-input-file | FileCheck %s

// Six frequencies: one whole vector and one masked to two lanes, both constants
// of the code. Nothing calls a cosine of a scalar.

// CHECK-LABEL: func @table(
// CHECK-SAME: %[[PAST:[a-z0-9]+]]: memref<?xi32>, %[[COS:[a-z0-9]+]]: memref<?x?x6xf32>, %[[SIN:[a-z0-9]+]]: memref<?x?x6xf32>
// CHECK: %[[F0:.*]] = arith.constant dense<[1.000000e+00, 5.000000e-01, 2.500000e-01, 1.250000e-01]> : vector<4xf32>
// CHECK: %[[F1:.*]] = arith.constant dense<[6.250000e-02, 3.125000e-02, 0.000000e+00, 0.000000e+00]> : vector<4xf32>
// CHECK: scf.parallel (%[[ROW:.*]], %[[T:.*]]) =
// CHECK: memref.load %[[PAST]][%[[ROW]]]
// CHECK: %[[POSITION:.*]] = arith.sitofp
// CHECK: %[[ALL:.*]] = vector.broadcast %[[POSITION]] : f32 to vector<4xf32>
// CHECK: %[[ANGLE:.*]] = arith.mulf %[[ALL]], %[[F0]]
// CHECK: %[[C:.*]] = math.cos %[[ANGLE]] : vector<4xf32>
// CHECK: vector.store %[[C]], %[[COS]][%[[ROW]], %[[T]],
// CHECK: %[[S:.*]] = math.sin %[[ANGLE]] : vector<4xf32>
// CHECK: vector.store %[[S]], %[[SIN]][%[[ROW]], %[[T]],
// CHECK: %[[TWO:.*]] = arith.constant 2 : index
// CHECK: %[[MASK:.*]] = vector.create_mask %[[TWO]] : vector<4xi1>
// CHECK: %[[ANGLE:.*]] = arith.mulf %{{.*}}, %[[F1]]
// CHECK: vector.maskedstore %[[COS]][%[[ROW]], %[[T]], %{{.*}}], %[[MASK]],
// CHECK: vector.maskedstore %[[SIN]][%[[ROW]], %[[T]], %{{.*}}], %[[MASK]],
// CHECK-NOT: marimba
func.func @table(%past: memref<?xi32>, %cos: memref<?x?x6xf32>,
    %sin: memref<?x?x6xf32>) {
  marimba.rotary_table %past
      outs(%cos, %sin : memref<?x?x6xf32>, memref<?x?x6xf32>)
      {frequencies = array<f32: 1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125>}
      : memref<?xi32>
  return
}

// -----

// Heads of 14 of which 12 turn: pairs (0, 6) to (5, 11), 12 and 13 are copied.
// Cosines and sines are loaded once for all heads of a token.

// CHECK-LABEL: func @embedding(
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<?x?x3x14xf32>, %[[COS:[a-z0-9]+]]: memref<?x?x6xf32>, %[[SIN:[a-z0-9]+]]: memref<?x?x6xf32>, %[[Y:[a-z0-9]+]]: memref<?x?x3x14xf32>
// CHECK: scf.parallel (%[[ROW:.*]], %[[T:.*]]) =
// CHECK: %[[C0:.*]] = vector.load %[[COS]][%[[ROW]], %[[T]],
// CHECK: %[[S0:.*]] = vector.load %[[SIN]][%[[ROW]], %[[T]],
// CHECK: vector.maskedload %[[COS]]
// CHECK: vector.maskedload %[[SIN]]
// CHECK: scf.for %[[HEAD:[a-z0-9]+]] =
// CHECK: %[[U:.*]] = vector.load %[[X]][%[[ROW]], %[[T]], %[[HEAD]],
// CHECK: %[[V:.*]] = vector.load %[[X]][%[[ROW]], %[[T]], %[[HEAD]],
// CHECK: %[[VS:.*]] = arith.mulf %[[V]], %[[S0]]
// CHECK: %[[MINUS:.*]] = arith.negf %[[VS]]
// CHECK: %[[FIRST:.*]] = math.fma %[[U]], %[[C0]], %[[MINUS]]
// CHECK: vector.store %[[FIRST]], %[[Y]][%[[ROW]], %[[T]], %[[HEAD]],
// CHECK: %[[US:.*]] = arith.mulf %[[U]], %[[S0]]
// CHECK: %[[SECOND:.*]] = math.fma %[[V]], %[[C0]], %[[US]]
// CHECK: vector.store %[[SECOND]], %[[Y]][%[[ROW]], %[[T]], %[[HEAD]],
// CHECK-COUNT-2: vector.maskedstore %[[Y]]
// CHECK: arith.constant 12 : index
// CHECK: %[[REST:.*]] = vector.maskedload %[[X]]
// CHECK: vector.maskedstore %[[Y]]{{.*}}, %[[REST]]
// CHECK-NOT: marimba
func.func @embedding(%x: memref<?x?x3x14xf32>, %cos: memref<?x?x6xf32>,
    %sin: memref<?x?x6xf32>, %y: memref<?x?x3x14xf32>) {
  marimba.rotary_embedding %x, %cos, %sin outs(%y : memref<?x?x3x14xf32>)
      : memref<?x?x3x14xf32>, memref<?x?x6xf32>, memref<?x?x6xf32>
  return
}

// -----

// More vectors than registers hold are a loop: 16 whole ones of frequencies,
// from memory, and one masked to two lanes.

// CHECK-LABEL: func @long_table(
// CHECK: %[[TABLE:.*]] = memref.alloca() {alignment = 64 : i64} : memref<68xf32>
// CHECK-COUNT-17: vector.store %{{.*}}, %[[TABLE]]
// CHECK: scf.parallel
// CHECK: scf.for %[[J:[a-z0-9]+]] =
// CHECK: vector.load %[[TABLE]][%[[J]]]
// CHECK-COUNT-1: math.cos
// CHECK-NOT: math.cos
// CHECK: }
// CHECK: vector.load %[[TABLE]]
// CHECK: math.cos
// CHECK-NOT: math.cos
func.func @long_table(%past: memref<?xi32>, %cos: memref<?x?x66xf32>,
    %sin: memref<?x?x66xf32>) {
  marimba.rotary_table %past
      outs(%cos, %sin : memref<?x?x66xf32>, memref<?x?x66xf32>)
      {frequencies = array<f32: 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0>}
      : memref<?xi32>
  return
}

// -----

// CHECK-LABEL: func @long_embedding(
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<?x?x3x256xf32>, %[[COS:[a-z0-9]+]]: memref<?x?x128xf32>
// CHECK-NOT: vector.load
// CHECK: scf.for %[[HEAD:[a-z0-9]+]] =
// CHECK: scf.for %[[J:[a-z0-9]+]] =
// CHECK-COUNT-2: vector.load %[[X]]
// CHECK: vector.load %[[COS]]
// CHECK-NOT: vector.load %[[X]]
// CHECK-NOT: marimba
func.func @long_embedding(%x: memref<?x?x3x256xf32>, %cos: memref<?x?x128xf32>,
    %sin: memref<?x?x128xf32>, %y: memref<?x?x3x256xf32>) {
  marimba.rotary_embedding %x, %cos, %sin outs(%y : memref<?x?x3x256xf32>)
      : memref<?x?x3x256xf32>, memref<?x?x128xf32>, memref<?x?x128xf32>
  return
}
