// RUN: marimba-opt %s -convert-marimba-to-loops | FileCheck %s

// CHECK-LABEL: func @attention(
// CHECK-SAME: %[[Q:[a-z0-9]+]]: memref<?x?x4x8xf32>, %[[K:[a-z0-9]+]]: memref<?x?x2x8xf32>, %[[V:[a-z0-9]+]]: memref<?x?x2x8xf32>, %[[PAST:[a-z0-9]+]]: memref<?xi32>, %[[Y:[a-z0-9]+]]: memref<?x?x4x8xf32>, %[[KC:[a-z0-9]+]]: memref<?x2x?x8xf32>, %[[VC:[a-z0-9]+]]: memref<?x2x?x8xf32>
// CHECK-NOT: {{vector|scf.parallel|marimba}}
// CHECK: %[[SCALE:.*]] = arith.constant 2.5
// CHECK: scf.for %[[ROW:[a-z0-9]+]] =
// CHECK: %[[P32:.*]] = memref.load %[[PAST]][%[[ROW]]]
// CHECK: %[[P:.*]] = arith.index_cast %[[P32]]
// All of this call's keys are in the cache before the first query.
// CHECK: scf.for %[[T:[a-z0-9]+]] =
// CHECK: %[[AT:.*]] = arith.addi %[[P]], %[[T]]
// CHECK: scf.for %[[G:[a-z0-9]+]] =
// CHECK: memref.store %{{.*}}, %[[KC]][%[[ROW]], %[[G]], %[[AT]],
// CHECK: memref.store %{{.*}}, %[[VC]][%[[ROW]], %[[G]], %[[AT]],
// CHECK: scf.for %[[T:[a-z0-9]+]] =
// CHECK: %[[BEFORE:.*]] = arith.addi %[[P]], %[[T]]
// CHECK: %[[VISIBLE:.*]] = arith.addi %[[BEFORE]],
// CHECK: scf.for %[[HEAD:[a-z0-9]+]] =
// CHECK: %[[PER:.*]] = arith.constant 2 : index
// CHECK: %[[G:.*]] = arith.divui %[[HEAD]], %[[PER]]
// CHECK: %[[LARGEST:.*]] = scf.for %{{.*}} to %[[VISIBLE]]
// CHECK: memref.load %[[Q]][%[[ROW]], %[[T]], %[[HEAD]],
// CHECK: memref.load %[[KC]][%[[ROW]], %[[G]],
// CHECK: arith.mulf %{{.*}}, %[[SCALE]]
// CHECK: arith.maximumf
// CHECK: %[[TOTAL:.*]] = scf.for %{{.*}} to %[[VISIBLE]]
// CHECK: %[[SHIFTED:.*]] = arith.subf %{{.*}}, %[[LARGEST]]
// CHECK: math.exp %[[SHIFTED]]
// CHECK: memref.load %[[VC]][%[[ROW]], %[[G]],
// CHECK: arith.divf %{{.*}}, %[[TOTAL]]
// CHECK: memref.store %{{.*}}, %[[Y]][%[[ROW]], %[[T]], %[[HEAD]],
// CHECK-NOT: marimba
func.func @attention(%q: memref<?x?x4x8xf32>, %k: memref<?x?x2x8xf32>,
    %v: memref<?x?x2x8xf32>, %past: memref<?xi32>, %y: memref<?x?x4x8xf32>,
    %kc: memref<?x2x?x8xf32>, %vc: memref<?x2x?x8xf32>) {
  marimba.attention %q, %k, %v past(%past)
      outs(%y, %kc, %vc : memref<?x?x4x8xf32>, memref<?x2x?x8xf32>,
                          memref<?x2x?x8xf32>) {scale = 0.25 : f64}
      : memref<?x?x4x8xf32>, memref<?x?x2x8xf32>, memref<?x?x2x8xf32>,
        memref<?xi32>
  return
}

// Both passes over the keys begin where the window does.

// CHECK-LABEL: func @window(
// CHECK: %[[VISIBLE:.*]] = arith.addi %{{.*}}, %{{.*}} : index
// CHECK: %[[SIZE:.*]] = arith.constant 7 : index
// CHECK: %[[BACK:.*]] = arith.subi %{{.*}}, %[[SIZE]]
// CHECK: %[[FIRST:.*]] = arith.maxsi %[[BACK]], %{{.*}}
// CHECK: math.tanh
// CHECK: scf.for %{{.*}} = %[[FIRST]] to
// CHECK: math.tanh
// CHECK: scf.for %{{.*}} = %[[FIRST]] to
// CHECK: math.tanh
// CHECK: math.exp
func.func @window(%q: memref<?x?x4x8xf32>, %k: memref<?x?x2x8xf32>,
    %past: memref<?xi32>, %y: memref<?x?x4x8xf32>, %c: memref<?x2x?x8xf32>) {
  marimba.attention %q, %k, %k past(%past)
      outs(%y, %c, %c : memref<?x?x4x8xf32>, memref<?x2x?x8xf32>,
                        memref<?x2x?x8xf32>)
      {scale = 0.25 : f64, softcap = 5.0 : f64, window = 7}
      : memref<?x?x4x8xf32>, memref<?x?x2x8xf32>, memref<?x?x2x8xf32>,
        memref<?xi32>
  return
}

// Codes are stored by the scale of the whole vector, and read by it.

// CHECK-LABEL: func @codes(
// CHECK-SAME: %[[K:[a-z0-9]+]]: memref<?x?x2x8xf32>, %[[CACHE:[a-z0-9]+]]: memref<?x2x?x8xi8>, %[[SCALES:[a-z0-9]+]]: memref<?x2x?xf32>
// CHECK: %[[MOST:.*]] = scf.for
// CHECK: math.absf
// CHECK: arith.divf %[[MOST]],
// CHECK: memref.store %{{.*}}, %[[SCALES]]
// CHECK: math.roundeven
// CHECK: arith.trunci
// CHECK: memref.store %{{.*}}, %[[CACHE]]
// CHECK: %[[CODE:.*]] = memref.load %[[CACHE]]
// CHECK: %[[WIDE:.*]] = arith.sitofp %[[CODE]] : i8 to f32
// CHECK: %[[SCALE:.*]] = memref.load %[[SCALES]]
// CHECK: arith.mulf %[[WIDE]], %[[SCALE]]
func.func @codes(%q: memref<?x?x4x8xf32>, %past: memref<?xi32>,
    %k: memref<?x?x2x8xf32>, %c: memref<?x2x?x8xi8>, %s: memref<?x2x?xf32>) {
  marimba.attention %q, %k, %k past(%past)
      outs(%q, %c, %c, %s, %s : memref<?x?x4x8xf32>, memref<?x2x?x8xi8>,
           memref<?x2x?x8xi8>, memref<?x2x?xf32>, memref<?x2x?xf32>)
      {scale = 0.25 : f64}
      : memref<?x?x4x8xf32>, memref<?x?x2x8xf32>, memref<?x?x2x8xf32>,
        memref<?xi32>
  return
}
