// RUN: marimba-opt %s -convert-marimba-to-loops -split-input-file | FileCheck %s

// CHECK-LABEL: func @table(
// CHECK-SAME: %[[PAST:[a-z0-9]+]]: memref<?xi32>, %[[COS:[a-z0-9]+]]: memref<?x?x2xf32>, %[[SIN:[a-z0-9]+]]: memref<?x?x2xf32>
// CHECK-NOT: {{vector|scf.parallel|marimba}}
// CHECK: %[[TABLE:.*]] = memref.alloca() : memref<2xf32>
// CHECK: %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
// CHECK: memref.store %[[ONE]], %[[TABLE]]
// CHECK: %[[QUARTER:.*]] = arith.constant 2.500000e-01 : f32
// CHECK: memref.store %[[QUARTER]], %[[TABLE]]
// CHECK: scf.for %[[ROW:[a-z0-9]+]] =
// CHECK: %[[P32:.*]] = memref.load %[[PAST]][%[[ROW]]]
// CHECK: %[[P:.*]] = arith.index_cast %[[P32]]
// CHECK: scf.for %[[T:[a-z0-9]+]] =
// CHECK: %[[AT:.*]] = arith.addi %[[P]], %[[T]]
// CHECK: %[[I32:.*]] = arith.index_cast %[[AT]] : index to i32
// CHECK: %[[POSITION:.*]] = arith.sitofp %[[I32]] : i32 to f32
// CHECK: scf.for %[[J:[a-z0-9]+]] =
// CHECK: %[[F:.*]] = memref.load %[[TABLE]][%[[J]]]
// CHECK: %[[ANGLE:.*]] = arith.mulf %[[POSITION]], %[[F]]
// CHECK: %[[C:.*]] = math.cos %[[ANGLE]]
// CHECK: memref.store %[[C]], %[[COS]][%[[ROW]], %[[T]], %[[J]]]
// CHECK: %[[S:.*]] = math.sin %[[ANGLE]]
// CHECK: memref.store %[[S]], %[[SIN]][%[[ROW]], %[[T]], %[[J]]]
// CHECK-NOT: math.cos
func.func @table(%past: memref<?xi32>, %cos: memref<?x?x2xf32>,
    %sin: memref<?x?x2xf32>) {
  marimba.rotary_table %past
      outs(%cos, %sin : memref<?x?x2xf32>, memref<?x?x2xf32>)
      {frequencies = array<f32: 1.0, 0.25>} : memref<?xi32>
  return
}

// -----

// Elements 0 and 1 turn with 2 and 3, the others are copied.

// CHECK-LABEL: func @embedding(
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<?x?x4x8xf32>, %[[COS:[a-z0-9]+]]: memref<?x?x2xf32>, %[[SIN:[a-z0-9]+]]: memref<?x?x2xf32>, %[[Y:[a-z0-9]+]]: memref<?x?x4x8xf32>
// CHECK-NOT: {{vector|scf.parallel|marimba}}
// CHECK: %[[PAIRS:.*]] = arith.constant 2 : index
// CHECK: scf.for %[[ROW:[a-z0-9]+]] =
// CHECK: scf.for %[[T:[a-z0-9]+]] =
// CHECK: scf.for %[[HEAD:[a-z0-9]+]] =
// CHECK: scf.for %[[J:[a-z0-9]+]] = %{{.*}} to %[[PAIRS]]
// CHECK: %[[SECOND:.*]] = arith.addi %[[J]], %[[PAIRS]]
// CHECK: %[[C:.*]] = memref.load %[[COS]][%[[ROW]], %[[T]], %[[J]]]
// CHECK: %[[S:.*]] = memref.load %[[SIN]][%[[ROW]], %[[T]], %[[J]]]
// CHECK: %[[U:.*]] = memref.load %[[X]][%[[ROW]], %[[T]], %[[HEAD]], %[[J]]]
// CHECK: %[[V:.*]] = memref.load %[[X]][%[[ROW]], %[[T]], %[[HEAD]], %[[SECOND]]]
// CHECK-DAG: %[[UC:.*]] = arith.mulf %[[U]], %[[C]]
// CHECK-DAG: %[[VS:.*]] = arith.mulf %[[V]], %[[S]]
// CHECK: %[[Y1:.*]] = arith.subf %[[UC]], %[[VS]]
// CHECK: memref.store %[[Y1]], %[[Y]][%[[ROW]], %[[T]], %[[HEAD]], %[[J]]]
// CHECK-DAG: %[[VC:.*]] = arith.mulf %[[V]], %[[C]]
// CHECK-DAG: %[[US:.*]] = arith.mulf %[[U]], %[[S]]
// CHECK: %[[Y2:.*]] = arith.addf %[[VC]], %[[US]]
// CHECK: memref.store %[[Y2]], %[[Y]][%[[ROW]], %[[T]], %[[HEAD]], %[[SECOND]]]
// CHECK: scf.for %[[I:[a-z0-9]+]] =
// CHECK: %[[SAME:.*]] = memref.load %[[X]][%[[ROW]], %[[T]], %[[HEAD]], %[[I]]]
// CHECK: memref.store %[[SAME]], %[[Y]][%[[ROW]], %[[T]], %[[HEAD]], %[[I]]]
func.func @embedding(%x: memref<?x?x4x8xf32>, %cos: memref<?x?x2xf32>,
    %sin: memref<?x?x2xf32>, %y: memref<?x?x4x8xf32>) {
  marimba.rotary_embedding %x, %cos, %sin outs(%y : memref<?x?x4x8xf32>)
      : memref<?x?x4x8xf32>, memref<?x?x2xf32>, memref<?x?x2xf32>
  return
}
