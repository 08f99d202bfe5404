// RUN: marimba-opt %s -convert-marimba-to-loops -split-input-file | FileCheck %s

// Softmax over all experts, then the best k of those that are open.

// CHECK-LABEL: func @route(
// CHECK-SAME: %[[LOGITS:[a-z0-9]+]]: memref<?x?x4xf32>, %[[W:[a-z0-9]+]]: memref<?x?x2xf32>, %[[E:[a-z0-9]+]]: memref<?x?x2xi32>
// CHECK: scf.parallel (%[[B:[a-z0-9]+]], %[[T:[a-z0-9]+]]) =
// CHECK: %[[COUNT:.*]] = arith.constant 4 : index
// CHECK: %[[LARGEST:.*]] = scf.for {{.*}} to %[[COUNT]]
// CHECK: arith.maximumf
// CHECK: %[[TOTAL:.*]] = scf.for {{.*}} to %[[COUNT]]
// CHECK: arith.subf %{{.*}}, %[[LARGEST]]
// CHECK: math.exp
// Logits are compared: they do not underflow.
// CHECK: %[[CHOICES:.*]] = memref.alloca() : memref<4xf32>
// CHECK: %[[OPEN:.*]] = memref.alloca() : memref<4xi32>
// CHECK: scf.for %[[I:[a-z0-9]+]] =
// CHECK-NEXT: %[[L:.*]] = memref.load %[[LOGITS]][%[[B]], %[[T]], %[[I]]]
// CHECK-NEXT: memref.store %[[L]], %[[CHOICES]][%[[I]]]
// CHECK: memref.store %{{.*}}, %[[OPEN]][%[[I]]]
// CHECK: scf.for %[[K:[a-z0-9]+]] =
// "None" is chosen so far: any expert is better.
// CHECK: %[[BEST:.*]]:2 = scf.for {{.*}} to %[[COUNT]] step %{{.*}} iter_args(%[[HELD:.*]] = %[[COUNT]], %{{.*}} =
// CHECK: memref.load %[[OPEN]]
// CHECK: arith.cmpi eq, %[[HELD]], %[[COUNT]]
// The lower index first where two are equal.
// CHECK: arith.cmpf ogt
// CHECK: memref.store %{{.*}}, %[[OPEN]][%[[BEST]]#0]
// CHECK: %[[CHOSEN:.*]] = arith.index_cast %[[BEST]]#0 : index to i32
// CHECK: memref.store %[[CHOSEN]], %[[E]][%[[B]], %[[T]], %[[K]]]
// CHECK: %[[WEIGHT:.*]] = arith.divf %{{.*}}, %[[TOTAL]]
// CHECK: memref.store %[[WEIGHT]], %[[W]][%[[B]], %[[T]], %[[K]]]
// CHECK-NOT: arith.divf
// CHECK: return
func.func @route(%l: memref<?x?x4xf32>, %w: memref<?x?x2xf32>,
    %e: memref<?x?x2xi32>) {
  marimba.route %l outs(%w, %e : memref<?x?x2xf32>, memref<?x?x2xi32>)
      : memref<?x?x4xf32>
  return
}

// -----

// CHECK-LABEL: func @normalized(
// CHECK-SAME: %[[W:[a-z0-9]+]]: memref<?x?x2xf32>,
// CHECK: %[[KEPT:.*]] = scf.for %{{.*}} iter_args
// CHECK: arith.divf
// CHECK: %[[SHARE:.*]] = arith.divf
// CHECK: memref.store %[[SHARE]], %[[W]]
func.func @normalized(%l: memref<?x?x4xf32>, %w: memref<?x?x2xf32>,
    %e: memref<?x?x2xi32>) {
  marimba.route %l outs(%w, %e : memref<?x?x2xf32>, memref<?x?x2xi32>)
      {normalize} : memref<?x?x4xf32>
  return
}

// -----

// Nothing but the choice sees the bias; no softmax.

// CHECK-LABEL: func @sigmoid(
// CHECK-SAME: %[[BIAS:[a-z0-9]+]]: memref<4xf32>, %[[W:[a-z0-9]+]]: memref<?x?x2xf32>
// CHECK-NOT: arith.maximumf
// CHECK: %[[CHOICES:.*]] = memref.alloca() : memref<4xf32>
// CHECK: %[[SCORE:.*]] = arith.divf
// CHECK: %[[B:.*]] = memref.load %[[BIAS]]
// CHECK: %[[CHOICE:.*]] = arith.addf %[[SCORE]], %[[B]]
// CHECK: memref.store %[[CHOICE]], %[[CHOICES]]
// CHECK-NOT: memref.load %[[BIAS]]
// CHECK: %[[WEIGHT:.*]] = arith.divf
// CHECK: memref.store %[[WEIGHT]], %[[W]]
// CHECK: %[[SUM:.*]] = arith.addf %{{.*}}, %cst
// CHECK: %[[SHARE:.*]] = arith.divf %{{.*}}, %[[SUM]]
// CHECK: %[[SCALED:.*]] = arith.mulf %[[SHARE]],
// CHECK: memref.store %[[SCALED]], %[[W]]
func.func @sigmoid(%l: memref<?x?x4xf32>, %b: memref<4xf32>,
    %w: memref<?x?x2xf32>, %e: memref<?x?x2xi32>) {
  marimba.route %l bias(%b : memref<4xf32>)
      outs(%w, %e : memref<?x?x2xf32>, memref<?x?x2xi32>)
      {sigmoid, normalize, epsilon = 1.0e-6 : f64, scale = 2.5 : f64}
      : memref<?x?x4xf32>
  return
}

// -----

// Experts are closed until their group is chosen, by its two largest.

// CHECK-LABEL: func @groups(
// CHECK: memref.alloca() : memref<6xf32>
// CHECK: %[[OPEN:.*]] = memref.alloca() : memref<6xi32>
// CHECK: memref.store %[[CLOSED:.*]], %[[OPEN]]
// CHECK: %[[SUMS:.*]] = memref.alloca() : memref<2xf32>
// CHECK: %[[LEFT:.*]] = memref.alloca() : memref<2xi32>
// CHECK: scf.for
// CHECK: %[[BEST:.*]]:2 = scf.for
// CHECK: %[[SUM:.*]] = arith.addf %[[BEST]]#0, %[[BEST]]#1
// CHECK: memref.store %[[SUM]], %[[SUMS]]
// CHECK: memref.load %[[LEFT]]
// CHECK: memref.store %{{.*}}, %[[OPEN]]
// CHECK: memref.load %[[OPEN]]
func.func @groups(%l: memref<?x?x6xf32>, %w: memref<?x?x2xf32>,
    %e: memref<?x?x2xi32>) {
  marimba.route %l outs(%w, %e : memref<?x?x2xf32>, memref<?x?x2xi32>)
      {sigmoid, groups = 2 : i64} : memref<?x?x6xf32>
  return
}

// -----

// A counting sort: zeros, counts, sums, places, and offsets moved back by one.

// CHECK-LABEL: func @group_by_expert(
// CHECK-SAME: %[[E:[a-z0-9]+]]: memref<?x2xi32>, %[[PAIRS:[a-z0-9]+]]: memref<?xi32>, %[[OFFSETS:[a-z0-9]+]]: memref<5xi32>
// CHECK: scf.for
// CHECK: memref.store %{{.*}}, %[[OFFSETS]]
// CHECK: scf.for
// CHECK: scf.for
// CHECK: memref.load %[[E]]
// CHECK: memref.store %{{.*}}, %[[OFFSETS]]
// CHECK: scf.for
// CHECK-COUNT-2: memref.load %[[OFFSETS]]
// CHECK: memref.store %{{.*}}, %[[OFFSETS]]
// CHECK: scf.for %[[R:[a-z0-9]+]] =
// CHECK: scf.for %[[K:[a-z0-9]+]] =
// CHECK: memref.load %[[E]][%[[R]], %[[K]]]
// CHECK: memref.store %{{.*}}, %[[OFFSETS]]
// CHECK: %[[FIRST:.*]] = arith.muli %[[R]],
// CHECK: %[[PAIR:.*]] = arith.addi %[[FIRST]], %[[K]]
// CHECK: %[[PAIR32:.*]] = arith.index_cast %[[PAIR]]
// CHECK: memref.store %[[PAIR32]], %[[PAIRS]]
// CHECK: scf.for
// CHECK: memref.store %{{.*}}, %[[OFFSETS]]
// CHECK: }
// CHECK: memref.store %{{.*}}, %[[OFFSETS]]
func.func @group_by_expert(%e: memref<?x2xi32>, %pairs: memref<?xi32>,
    %offsets: memref<5xi32>) {
  marimba.group_by_expert %e outs(%pairs, %offsets : memref<?xi32>, memref<5xi32>)
      : memref<?x2xi32>
  return
}

// -----

// CHECK-LABEL: func @gather_rows(
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<?x8xf32>, %[[PAIRS:[a-z0-9]+]]: memref<?xi32>, %[[Y:[a-z0-9]+]]: memref<?x8xf32>
// CHECK: %[[TWO:.*]] = arith.constant 2 : index
// CHECK: scf.parallel (%[[I:[a-z0-9]+]]) =
// CHECK: %[[P32:.*]] = memref.load %[[PAIRS]][%[[I]]]
// CHECK: %[[P:.*]] = arith.index_cast %[[P32]]
// CHECK: %[[ROW:.*]] = arith.divui %[[P]], %[[TWO]]
// CHECK: scf.for %[[H:[a-z0-9]+]] =
// CHECK: %[[V:.*]] = memref.load %[[X]][%[[ROW]], %[[H]]]
// CHECK: memref.store %[[V]], %[[Y]][%[[I]], %[[H]]]
// Rows without a pair are zero.
// CHECK: scf.for
// CHECK: scf.for
// CHECK: %[[ZERO:.*]] = arith.constant 0.0
// CHECK: memref.store %[[ZERO]], %[[Y]]
func.func @gather_rows(%x: memref<?x8xf32>, %p: memref<?xi32>,
    %y: memref<?x8xf32>) {
  marimba.gather_rows %x, %p outs(%y : memref<?x8xf32>) {top_k = 2 : i64}
      : memref<?x8xf32>, memref<?xi32>
  return
}

// -----

// CHECK-LABEL: func @scatter_add_rows(
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<?x8xf32>, %[[PAIRS:[a-z0-9]+]]: memref<?xi32>, %[[W:[a-z0-9]+]]: memref<?xf32>, %[[Y:[a-z0-9]+]]: memref<?x8xf32>
// CHECK: %[[TWO:.*]] = arith.constant 2 : index
// CHECK: scf.parallel (%[[I:[a-z0-9]+]]) =
// CHECK: %[[P32:.*]] = memref.load %[[PAIRS]][%[[I]]]
// CHECK: %[[P:.*]] = arith.index_cast %[[P32]]
// CHECK: %[[WEIGHT:.*]] = memref.load %[[W]][%[[P]]]
// CHECK: %[[ROW:.*]] = arith.divui %[[P]], %[[TWO]]
// CHECK: scf.for %[[H:[a-z0-9]+]] =
// CHECK: %[[OLD:.*]] = memref.load %[[Y]][%[[ROW]], %[[H]]]
// CHECK: %[[V:.*]] = memref.load %[[X]][%[[I]], %[[H]]]
// CHECK: %[[PART:.*]] = arith.mulf %[[WEIGHT]], %[[V]]
// CHECK: %[[NEW:.*]] = arith.addf %[[OLD]], %[[PART]]
// CHECK: memref.store %[[NEW]], %[[Y]][%[[ROW]], %[[H]]]
func.func @scatter_add_rows(%x: memref<?x8xf32>, %p: memref<?xi32>,
    %w: memref<?xf32>, %y: memref<?x8xf32>) {
  marimba.scatter_add_rows %x, %p, %w outs(%y : memref<?x8xf32>)
      {top_k = 2 : i64} : memref<?x8xf32>, memref<?xi32>, memref<?xf32>
  return
}

// -----

// Experts with pairs, then those without.

// CHECK-LABEL: func @group_in_order(
// CHECK-SAME: %[[OFFSETS:[a-z0-9]+]]: memref<5xi32>, %[[ORDER:[a-z0-9]+]]: memref<4xi32>
// CHECK: %[[USED:.*]] = scf.for %[[E:[a-z0-9]+]] = {{.*}} iter_args(%[[AT:.*]] = %{{.*}}) -> (index) {
// CHECK: %[[HAS:.*]] = arith.cmpi slt,
// CHECK-NEXT: scf.if %[[HAS]] {
// CHECK: memref.store %{{.*}}, %[[ORDER]][%[[AT]]]
// CHECK: scf.for {{.*}} iter_args(%[[AFTER:.*]] = %[[USED]]) -> (index) {
// CHECK: %[[NONE:.*]] = arith.cmpi sge,
// CHECK-NEXT: scf.if %[[NONE]] {
// CHECK: memref.store %{{.*}}, %[[ORDER]][%[[AFTER]]]
func.func @group_in_order(%e: memref<?x2xi32>, %pairs: memref<?xi32>,
    %offsets: memref<5xi32>, %order: memref<4xi32>) {
  marimba.group_by_expert %e outs(%pairs, %offsets, %order : memref<?xi32>, memref<5xi32>, memref<4xi32>)
      : memref<?x2xi32>
  return
}

// -----

// CHECK-LABEL: func @grouped_matmul(
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<?x8xf32>, %[[W:[a-z0-9]+]]: memref<4x16x8xf32>, %[[G:[a-z0-9]+]]: memref<4x16x8xf32>, %[[PAIRS:[a-z0-9]+]]: memref<?xi32>, %[[OFFSETS:[a-z0-9]+]]: memref<5xi32>, %{{.*}}: memref<4xi32>, %[[Y:[a-z0-9]+]]: memref<?x16xf32>
// CHECK: scf.parallel (%[[E:[a-z0-9]+]]) =
// CHECK-COUNT-2: memref.load %[[OFFSETS]]
// CHECK: scf.for %[[I:[a-z0-9]+]] =
// CHECK: memref.load %[[PAIRS]][%[[I]]]
// CHECK: %[[ROW:.*]] = arith.divui
// CHECK: scf.for %[[N:[a-z0-9]+]] =
// CHECK: memref.load %[[X]][%[[ROW]], %[[D:[a-z0-9]+]]]
// CHECK: memref.load %[[W]][%[[E]], %[[N]], %[[D]]]
// CHECK: math.fma
// CHECK: memref.load %[[G]][%[[E]], %[[N]],
// CHECK: math.exp
// CHECK: memref.store %{{.*}}, %[[Y]][%{{.*}}, %[[N]]]
func.func @grouped_matmul(%x: memref<?x8xf32>, %w: memref<4x16x8xf32>,
    %g: memref<4x16x8xf32>, %pairs: memref<?xi32>, %offsets: memref<5xi32>,
    %order: memref<4xi32>, %y: memref<?x16xf32>) {
  marimba.grouped_matmul %x, %w gate(%g : memref<4x16x8xf32>)
      groups(%pairs, %offsets, %order : memref<?xi32>, memref<5xi32>, memref<4xi32>)
      outs(%y : memref<?x16xf32>) {top_k = 2 : i64}
      : memref<?x8xf32>, memref<4x16x8xf32>
  return
}
