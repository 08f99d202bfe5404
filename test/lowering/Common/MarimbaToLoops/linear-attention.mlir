// RUN: marimba-opt %s -convert-marimba-to-loops -split-input-file | FileCheck %s

// Mamba-2: one decay for each head, of step and A; heads 2 and 3 read the keys
// of group 1.

// CHECK-LABEL: func @mamba2(
// CHECK-SAME: %[[Q:[a-z0-9]+]]: memref<?x?x2x6xf32>, %[[K:[a-z0-9]+]]: memref<?x?x2x6xf32>, %[[V:[a-z0-9]+]]: memref<?x?x4x8xf32>, %[[A:[a-z0-9]+]]: memref<4xf32>, %[[DT:[a-z0-9]+]]: memref<?x?x4xf32>, %[[D:[a-z0-9]+]]: memref<4xbf16>, %[[VALID:[a-z0-9]+]]: memref<?xi32>, %[[Y:[a-z0-9]+]]: memref<?x?x4x8xf32>, %[[S:[a-z0-9]+]]: memref<?x4x6x8xf32>
// CHECK-NOT: {{vector|scf.parallel|marimba}}
// CHECK: %[[SHARE:.*]] = arith.constant 2 : index
// CHECK: scf.for %[[ROW:[a-z0-9]+]] =
// CHECK: memref.load %[[VALID]][%[[ROW]]]
// CHECK: %[[TOKENS:.*]] = arith.maxsi
// CHECK: scf.for %[[H:[a-z0-9]+]] =
// CHECK: %[[G:.*]] = arith.divui %[[H]], %[[SHARE]]
// CHECK: scf.for %[[T:[a-z0-9]+]] = %{{.*}} to %[[TOKENS]]
// CHECK: %[[AH:.*]] = memref.load %[[A]][%[[H]]]
// CHECK: %[[STEP:.*]] = memref.load %[[DT]][%[[ROW]], %[[T]], %[[H]]]
// CHECK: %[[LOG:.*]] = arith.mulf %[[STEP]], %[[AH]]
// CHECK: %[[DECAY:.*]] = math.exp %[[LOG]]
// CHECK: scf.for %[[N:[a-z0-9]+]] =
// CHECK: scf.for %[[P:[a-z0-9]+]] =
// CHECK: %[[OLD:.*]] = memref.load %[[S]][%[[ROW]], %[[H]], %[[N]], %[[P]]]
// CHECK: %[[KEPT:.*]] = arith.mulf %[[DECAY]], %[[OLD]]
// CHECK: memref.store %[[KEPT]], %[[S]][%[[ROW]], %[[H]], %[[N]], %[[P]]]
// CHECK: scf.for %[[P:[a-z0-9]+]] =
// CHECK: %[[X:.*]] = memref.load %[[V]][%[[ROW]], %[[T]], %[[H]], %[[P]]]
// CHECK: %[[STEP2:.*]] = memref.load %[[DT]][%[[ROW]], %[[T]], %[[H]]]
// CHECK: %[[U:.*]] = arith.mulf %[[X]], %[[STEP2]]
// CHECK: %[[SUM:.*]] = scf.for %[[N:[a-z0-9]+]] = {{.*}} iter_args(%[[PART:.*]] =
// CHECK: %[[OLD:.*]] = memref.load %[[S]][%[[ROW]], %[[H]], %[[N]], %[[P]]]
// CHECK: %[[KEY:.*]] = memref.load %[[K]][%[[ROW]], %[[T]], %[[G]], %[[N]]]
// CHECK: %[[WRITTEN:.*]] = arith.mulf %[[KEY]], %[[U]]
// CHECK: %[[NEW:.*]] = arith.addf %[[OLD]], %[[WRITTEN]]
// CHECK: memref.store %[[NEW]], %[[S]][%[[ROW]], %[[H]], %[[N]], %[[P]]]
// CHECK: %[[QUERY:.*]] = memref.load %[[Q]][%[[ROW]], %[[T]], %[[G]], %[[N]]]
// CHECK: %[[READ:.*]] = arith.mulf %[[NEW]], %[[QUERY]]
// CHECK: arith.addf %[[PART]], %[[READ]]
// CHECK: arith.mulf %[[SUM]]
// CHECK: memref.load %[[D]][%[[H]]]
// CHECK: memref.store %{{.*}}, %[[Y]][%[[ROW]], %[[T]], %[[H]], %[[P]]]
// CHECK: scf.for %[[T:[a-z0-9]+]] = %[[TOKENS]] to
// CHECK: memref.store %{{.*}}, %[[Y]][%[[ROW]], %[[T]], %[[H]],
// CHECK-NOT: marimba
func.func @mamba2(%q: memref<?x?x2x6xf32>, %k: memref<?x?x2x6xf32>,
    %v: memref<?x?x4x8xf32>, %A: memref<4xf32>, %dt: memref<?x?x4xf32>,
    %D: memref<4xbf16>, %valid: memref<?xi32>, %y: memref<?x?x4x8xf32>,
    %s: memref<?x4x6x8xf32>) {
  marimba.linear_attention %q, %k, %v decay(%A : memref<4xf32>)
      step(%dt : memref<?x?x4xf32>)
      skip(%D, %v : memref<4xbf16>, memref<?x?x4x8xf32>)
      valid(%valid : memref<?xi32>)
      outs(%y, %s : memref<?x?x4x8xf32>, memref<?x4x6x8xf32>)
      : memref<?x?x2x6xf32>, memref<?x?x2x6xf32>, memref<?x?x4x8xf32>
  return
}

// -----

// Kimi: each key channel has a decay; the state predicts the value after it.

// CHECK-LABEL: func @delta_rule(
// CHECK-SAME: %[[K:[a-z0-9]+]]: memref<?x?x4x6xf32>, %[[V:[a-z0-9]+]]: memref<?x?x4x8xf32>, %[[G:[a-z0-9]+]]: memref<?x?x4x6xf32>, %[[BETA:[a-z0-9]+]]: memref<?x?x4xf32>
// CHECK: %[[LOG:.*]] = memref.load %[[G]][
// CHECK: %[[DECAY:.*]] = math.exp %[[LOG]]
// CHECK: arith.mulf %[[DECAY]]
// CHECK: %[[X:.*]] = memref.load %[[V]]
// CHECK: %[[KNOWN:.*]] = scf.for
// CHECK: %[[B:.*]] = memref.load %[[BETA]]
// CHECK: %[[MISSING:.*]] = arith.subf %[[X]], %[[KNOWN]]
// CHECK: %[[U:.*]] = arith.mulf %[[B]], %[[MISSING]]
// CHECK: scf.for
// CHECK: arith.mulf %{{.*}}, %[[U]]
// CHECK-NOT: marimba
func.func @delta_rule(%k: memref<?x?x4x6xf32>, %v: memref<?x?x4x8xf32>,
    %g: memref<?x?x4x6xf32>, %beta: memref<?x?x4xf32>, %y: memref<?x?x4x8xf32>,
    %s: memref<?x4x6x8xf32>) {
  marimba.linear_attention %k, %k, %v decay(%g : memref<?x?x4x6xf32>)
      beta(%beta : memref<?x?x4xf32>)
      outs(%y, %s : memref<?x?x4x8xf32>, memref<?x4x6x8xf32>)
      {scale = 0.5 : f64, delta_rule}
      : memref<?x?x4x6xf32>, memref<?x?x4x6xf32>, memref<?x?x4x8xf32>
  return
}

// -----

// A decay that does not depend on time, and none at all.

// CHECK-LABEL: func @constant_decay(
// CHECK-SAME: %[[A:[a-z0-9]+]]: memref<4xf32>
// CHECK: %[[LOG:.*]] = memref.load %[[A]][%{{.*}}]
// CHECK: math.exp %[[LOG]]
// CHECK-NOT: math.exp
// CHECK: return
func.func @constant_decay(%A: memref<4xf32>, %k: memref<?x?x4x6xf32>,
    %v: memref<?x?x4x8xf32>, %y: memref<?x?x4x8xf32>, %s: memref<?x4x6x8xf32>) {
  marimba.linear_attention %k, %k, %v decay(%A : memref<4xf32>)
      outs(%y, %s : memref<?x?x4x8xf32>, memref<?x4x6x8xf32>)
      : memref<?x?x4x6xf32>, memref<?x?x4x6xf32>, memref<?x?x4x8xf32>
  marimba.linear_attention %k, %k, %v
      outs(%y, %s : memref<?x?x4x8xf32>, memref<?x4x6x8xf32>)
      : memref<?x?x4x6xf32>, memref<?x?x4x6xf32>, memref<?x?x4x8xf32>
  return
}
