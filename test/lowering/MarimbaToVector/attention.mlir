// RUN: marimba-opt %s -convert-marimba-to-vector -split-input-file | FileCheck %s

// First all rows append their keys and values, then each query passes over the
// cache once with a running maximum, sum and output.

// CHECK-LABEL: func @attention(
// CHECK-SAME: %[[Q:[a-z0-9]+]]: memref<?x?x4x32xf32>, %[[K:[a-z0-9]+]]: memref<?x?x2x32xf32>, %[[V:[a-z0-9]+]]: memref<?x?x2x32xf32>, %[[PAST:[a-z0-9]+]]: memref<?xi32>, %[[Y:[a-z0-9]+]]: memref<?x?x4x32xf32>, %[[KC:[a-z0-9]+]]: memref<?x2x?x32xf32>, %[[VC:[a-z0-9]+]]: memref<?x2x?x32xf32>
// CHECK: scf.parallel (%[[ROW:.*]], %[[GROUP:.*]]) =
// CHECK: %[[P32:.*]] = memref.load %[[PAST]][%[[ROW]]]
// CHECK: %[[P:.*]] = arith.index_cast %[[P32]]
// CHECK: scf.for %[[T:[a-z0-9]+]] =
// CHECK: %[[AT:.*]] = arith.addi %[[P]], %[[T]]
// CHECK: vector.load %[[K]][%[[ROW]], %[[T]], %[[GROUP]],
// CHECK: vector.store %{{.*}}, %[[KC]][%[[ROW]], %[[GROUP]], %[[AT]],
// CHECK: vector.load %[[V]][%[[ROW]], %[[T]], %[[GROUP]],
// CHECK: vector.store %{{.*}}, %[[VC]][%[[ROW]], %[[GROUP]], %[[AT]],
// CHECK: scf.parallel (%[[ROW:.*]], %[[HEAD:.*]], %{{.*}}) =
// Two query heads share a group.
// CHECK: %[[TWO:.*]] = arith.constant 2 : index
// CHECK: %[[GROUP:.*]] = arith.divui %[[HEAD]], %[[TWO]]
// CHECK: scf.for %[[T:[a-z0-9]+]] =
// CHECK: %[[BEFORE:.*]] = arith.addi %{{.*}}, %[[T]]
// CHECK: %[[VISIBLE:.*]] = arith.addi %[[BEFORE]], %{{.*}}
// CHECK: vector.load %[[Q]][%[[ROW]], %[[T]], %[[HEAD]],
// CHECK: arith.constant 1.250000e-01 : f32
// CHECK: %[[END:.*]]:4 = scf.for %[[S:[a-z0-9]+]] = %{{.*}} to %[[VISIBLE]] step %{{.*}} iter_args(%[[MAX:.*]] = %{{.*}}, %[[SUM:.*]] = %{{.*}}, %{{.*}} = %{{.*}}, %{{.*}} = %{{.*}}) -> (f32, f32, vector<16xf32>, vector<16xf32>)
// CHECK-COUNT-32: vector.load %[[KC]][%[[ROW]], %[[GROUP]],
// CHECK-NOT: vector.load %[[KC]]
// CHECK: %[[LEFT:.*]] = arith.subi %[[VISIBLE]], %[[S]]
// CHECK: %[[MASK:.*]] = vector.create_mask %[[LEFT]] : vector<16xi1>
// CHECK: %[[SCORES:.*]] = arith.select %[[MASK]],
// CHECK: %[[BLOCKMAX:.*]] = vector.reduction <maximumf>, %[[SCORES]]
// CHECK: %[[NEWMAX:.*]] = arith.maximumf %[[MAX]], %[[BLOCKMAX]]
// CHECK: math.exp {{.*}} : vector<16xf32>
// CHECK: %[[WEIGHTS:.*]] = arith.select %[[MASK]],
// CHECK: %[[DROP:.*]] = arith.subf %[[MAX]], %[[NEWMAX]]
// CHECK: %[[SHRINK:.*]] = math.exp %[[DROP]] : f32
// CHECK: %[[BLOCKSUM:.*]] = vector.reduction <add>, %[[WEIGHTS]]
// CHECK: %[[NEWSUM:.*]] = math.fma %[[SUM]], %[[SHRINK]], %[[BLOCKSUM]]
// CHECK-COUNT-32: vector.load %[[VC]][%[[ROW]], %[[GROUP]],
// CHECK: scf.yield %[[NEWMAX]], %[[NEWSUM]],
// CHECK: %[[TOTAL:.*]] = vector.broadcast %[[END]]#1
// CHECK: arith.divf %[[END]]#2, %[[TOTAL]]
// CHECK: vector.store %{{.*}}, %[[Y]][%[[ROW]], %[[T]], %[[HEAD]],
// CHECK: arith.divf %[[END]]#3,
// CHECK: vector.store %{{.*}}, %[[Y]][%[[ROW]], %[[T]], %[[HEAD]],
// CHECK-NOT: marimba.attention
func.func @attention(%q: memref<?x?x4x32xf32>, %k: memref<?x?x2x32xf32>,
    %v: memref<?x?x2x32xf32>, %past: memref<?xi32>, %y: memref<?x?x4x32xf32>,
    %kc: memref<?x2x?x32xf32>, %vc: memref<?x2x?x32xf32>) {
  marimba.attention %q, %k, %v past(%past)
      outs(%y, %kc, %vc : memref<?x?x4x32xf32>, memref<?x2x?x32xf32>,
                          memref<?x2x?x32xf32>) {scale = 0.125 : f64}
      : memref<?x?x4x32xf32>, memref<?x?x2x32xf32>, memref<?x?x2x32xf32>,
        memref<?xi32>
  return
}

// -----

// Heads of 24: one whole vector and one masked to eight lanes. Queries behind
// `valid` give zero.

// CHECK-LABEL: func @tail(
// CHECK-SAME: %[[VALID:[a-z0-9]+]]: memref<?xi32>, %[[Y:[a-z0-9]+]]: memref<?x?x2x24xf32>
// CHECK: %[[EIGHT:.*]] = arith.constant 8 : index
// CHECK: %[[MASK:.*]] = vector.create_mask %[[EIGHT]] : vector<16xi1>
// CHECK: scf.parallel
// CHECK: memref.load %[[VALID]]
// CHECK: vector.load
// CHECK: vector.maskedload %{{.*}}, %[[MASK]],
// CHECK: scf.parallel
// CHECK: memref.load %[[VALID]]
// CHECK: vector.maskedstore %[[Y]]{{.*}}, %[[MASK]],
// CHECK: %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : vector<16xf32>
// CHECK-NEXT: arith.constant 0 : index
// CHECK-NEXT: vector.store %[[ZERO]], %[[Y]]
// CHECK: vector.maskedstore %[[Y]]{{.*}}, %[[MASK]],
func.func @tail(%q: memref<?x?x2x24xf32>, %past: memref<?xi32>,
    %valid: memref<?xi32>, %y: memref<?x?x2x24xf32>,
    %kc: memref<?x2x?x24xf32>, %vc: memref<?x2x?x24xf32>) {
  marimba.attention %q, %q, %q past(%past) valid(%valid : memref<?xi32>)
      outs(%y, %kc, %vc : memref<?x?x2x24xf32>, memref<?x2x?x24xf32>,
                          memref<?x2x?x24xf32>) {scale = 1.0 : f64}
      : memref<?x?x2x24xf32>, memref<?x?x2x24xf32>, memref<?x?x2x24xf32>,
        memref<?xi32>
  return
}

// -----

// The loop over the keys begins where the window does; scores are bounded
// before they are compared.

// CHECK-LABEL: func @window(
// CHECK: %[[SIZE:.*]] = arith.constant 7 : index
// CHECK: %[[BACK:.*]] = arith.subi %[[VISIBLE:.*]], %[[SIZE]]
// CHECK: %[[FIRST:.*]] = arith.maxsi %[[BACK]], %{{.*}}
// CHECK: scf.for %{{.*}} = %[[FIRST]] to %[[VISIBLE]] step
// CHECK: %[[BOUNDED:.*]] = math.tanh {{.*}} : vector<16xf32>
// CHECK: vector.reduction <maximumf>
// CHECK-NOT: math.tanh
func.func @window(%q: memref<?x?x4x16xf32>, %k: memref<?x?x2x16xf32>,
    %past: memref<?xi32>, %y: memref<?x?x4x16xf32>, %c: memref<?x2x?x16xf32>) {
  marimba.attention %q, %k, %k past(%past)
      outs(%y, %c, %c : memref<?x?x4x16xf32>, memref<?x2x?x16xf32>,
                        memref<?x2x?x16xf32>)
      {scale = 0.25 : f64, softcap = 5.0 : f64, window = 7}
      : memref<?x?x4x16xf32>, memref<?x?x2x16xf32>, memref<?x?x2x16xf32>,
        memref<?xi32>
  return
}
