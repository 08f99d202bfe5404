// RUN: marimba-opt %s -convert-marimba-to-vector=vector-bits=128 -canonicalize -cse -split-input-file | FileCheck %s

// First all rows append their keys and values. A tile is 96 query rows (tokens
// times the two heads of a group), in the lanes: 24 vectors. Its queries are
// transposed once; keys and values are scalars where they lie.

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

// At most 96 rows; of four tiles a thread or more early and late ones take turns.
// CHECK: %[[STRIPS:.*]] = arith.ceildivui %{{.*}}, %c48
// CHECK: %[[LEAST:.*]] = arith.maxsi %[[STRIPS]], %c1
// CHECK: %[[SIZE:.*]] = arith.muli %[[LEAST]], %c12
// CHECK: %[[ROWS:.*]] = arith.minsi %[[SIZE]], %c96
// CHECK: %[[TILES:.*]] = arith.ceildivui %{{.*}}, %[[ROWS]]
// CHECK: scf.parallel (%[[ROW:.*]], %[[GROUP:.*]], %[[INDEX:.*]]) = ({{.*}}) to ({{.*}}, %[[TILES]])
// CHECK: %[[EARLY:.*]] = arith.shrui %[[INDEX]], %c1
// CHECK: %[[LATE:.*]] = arith.subi %{{.*}}, %[[EARLY]]
// CHECK: arith.select %{{.*}}, %[[EARLY]], %[[LATE]]
// CHECK: %[[QT:.*]] = memref.alloca() {{.*}} : memref<24x32x4xf32>
// CHECK: %[[SUMS:.*]] = memref.alloca() {{.*}} : memref<24x32x4xf32>
// CHECK: %[[SCORES:.*]] = memref.alloca() {{.*}} : memref<3x72x4xf32>
// CHECK-COUNT-4: vector.load %[[Q]]
// CHECK-COUNT-8: vector.shuffle
// CHECK: vector.store %{{.*}}, %[[QT]][
// CHECK-NOT: vector.shuffle

// Blocks of keys, strips of three vectors of rows, four keys together.
// CHECK: scf.for %[[BLOCK:.*]] = %{{.*}} to %{{.*}} step %c64
// CHECK: scf.for %[[STRIP:.*]] = %{{.*}} to %{{.*}} step %c3
// CHECK: scf.for %{{.*}} step %c4
// CHECK: scf.for %[[I:[a-z0-9]+]] = %c0 to %c32 step %c1 iter_args({{.*}}) -> ({{(vector<4xf32>(, )?){12}[)]}}
// CHECK-COUNT-3: vector.load %[[QT]]{{.*}}%[[I]], %c0]
// CHECK: %[[KEY:.*]] = memref.load %[[KC]][%[[ROW]], %[[GROUP]], %{{.*}}, %[[I]]]
// CHECK: %[[KEYS:.*]] = vector.broadcast %[[KEY]]
// CHECK-COUNT-3: math.fma %[[KEYS]],
// CHECK-COUNT-3: memref.load %[[KC]]
// CHECK-COUNT-12: vector.store %{{.*}}, %[[SCORES]]

// Only blocks that some row does not see as a whole are masked.
// CHECK: scf.if
// CHECK-NOT: arith.cmpi {{.*}} vector
// CHECK: else
// CHECK: arith.cmpi sge, {{.*}} : vector<4xi32>
// CHECK: math.exp2
// CHECK: scf.for
// CHECK: vector.load %[[SCORES]]
// CHECK: math.exp2
// CHECK: vector.store %{{.*}}, %[[SCORES]]
// CHECK: scf.for %{{.*}} = %c0 to %c32 step %c4
// CHECK: vector.load %[[SUMS]]
// CHECK: scf.for {{.*}} -> ({{(vector<4xf32>(, )?){12}[)]}}
// CHECK-COUNT-4: memref.load %[[VC]][%[[ROW]], %[[GROUP]],
// CHECK: vector.store %{{.*}}, %[[SUMS]]

// The rest of the vectors one by one, eight keys together.
// CHECK: scf.for %{{.*}} step %c8
// CHECK: -> ({{(vector<4xf32>(, )?){8}[)]}}
// CHECK: arith.divf
// CHECK-COUNT-8: vector.shuffle
// CHECK-COUNT-4: vector.store %{{.*}}, %[[Y]]
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

// Heads of 6: one whole vector and one masked to two lanes, which is all that
// is kept of it. Rows behind `valid` give zero.

// CHECK-LABEL: func @tail(
// CHECK-SAME: %[[Q:[a-z0-9]+]]: memref<?x?x2x6xf32>
// CHECK-SAME: %[[VALID:[a-z0-9]+]]: memref<?xi32>, %[[Y:[a-z0-9]+]]: memref<?x?x2x6xf32>
// CHECK-DAG: %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : vector<4xf32>
// CHECK-DAG: %[[MASK:.*]] = {{.*}}vector<4xi1>
// CHECK: scf.parallel
// CHECK: memref.load %[[VALID]]
// CHECK: vector.load
// CHECK: vector.maskedload %{{.*}}, %[[MASK]],
// CHECK: scf.parallel
// CHECK: %[[QT:.*]] = memref.alloca() {{.*}} : memref<24x6x4xf32>
// CHECK: memref.load %[[VALID]]
// CHECK: vector.store %[[ZERO]], %[[Y]]
// CHECK: vector.maskedstore %[[Y]]{{.*}}, %[[MASK]], %[[ZERO]]
// CHECK-COUNT-4: vector.maskedload %[[Q]]
// CHECK-COUNT-2: vector.store %{{.*}}, %[[QT]][
// CHECK-NOT: vector.store %{{.*}}, %[[QT]][
// CHECK: vector.maskedstore %[[Y]]{{.*}}, %[[MASK]],
func.func @tail(%q: memref<?x?x2x6xf32>, %past: memref<?xi32>,
    %valid: memref<?xi32>, %y: memref<?x?x2x6xf32>,
    %kc: memref<?x2x?x6xf32>, %vc: memref<?x2x?x6xf32>) {
  marimba.attention %q, %q, %q past(%past) valid(%valid : memref<?xi32>)
      outs(%y, %kc, %vc : memref<?x?x2x6xf32>, memref<?x2x?x6xf32>,
                          memref<?x2x?x6xf32>) {scale = 1.0 : f64}
      : memref<?x?x2x6xf32>, memref<?x?x2x6xf32>, memref<?x?x2x6xf32>,
        memref<?xi32>
  return
}

// -----

// The loop over the keys begins with the block in which the window of the first
// row does: blocks are the same for every tile. Scores are bounded before they
// are compared, masked or not.

// CHECK-LABEL: func @window(
// CHECK-DAG: %[[SIX:.*]] = arith.constant 6 : index
// CHECK-DAG: %[[SEVEN:.*]] = arith.constant 7 : index
// CHECK: %[[BACK:.*]] = arith.subi %{{.*}}, %[[SIX]]
// CHECK: %[[SEEN:.*]] = arith.maxsi %[[BACK]], %c0
// CHECK: %[[INTO:.*]] = arith.remui %[[SEEN]], %c64
// CHECK: %[[FIRST:.*]] = arith.subi %[[SEEN]], %[[INTO]]
// CHECK: scf.for %{{.*}} = %[[FIRST]] to %{{.*}} step %c64
// CHECK: scf.if
// CHECK: math.tanh
// CHECK: else
// CHECK: math.tanh
// CHECK: %[[SEEN:.*]] = arith.cmpi sge
// CHECK: %[[END:.*]] = arith.addi %{{.*}}, %[[SEVEN]]
// CHECK: %[[NEAR:.*]] = arith.cmpi slt
// CHECK: %[[BOTH:.*]] = arith.andi %[[SEEN]], %[[NEAR]] : vector<4xi1>
// CHECK: arith.select %[[BOTH]],
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

// -----

// Values are the first 20 elements of keys of 24: one cache, of which a block is
// widened once. What some rows do not see is not added to their sums.

// CHECK-LABEL: func @latent(
// CHECK-SAME: %[[Q:[a-z0-9]+]]: memref<?x?x4x24xf32>, %[[K:[a-z0-9]+]]: memref<?x?x1x24xf32>, %{{[a-z0-9]+}}: memref<?xi32>, %[[Y:[a-z0-9]+]]: memref<?x?x4x20xf32>, %[[KC:[a-z0-9]+]]: memref<?x1x?x24xbf16>
// CHECK: scf.parallel
// CHECK: scf.for %{{.*}} = %c0 to %c24 step %c4
// CHECK: vector.load %[[K]]
// CHECK: vector.store %{{.*}}, %[[KC]]
// CHECK-NOT: vector.store %{{.*}}, %[[KC]]
// CHECK: scf.parallel
// CHECK: %[[QT:.*]] = memref.alloca() {{.*}} : memref<24x24x4xf32>
// CHECK: %[[SUMS:.*]] = memref.alloca() {{.*}} : memref<24x20x4xf32>
// CHECK: %[[BLOCK:.*]] = memref.alloca() {{.*}} : memref<64x24xf32>
// CHECK-NOT: memref<64x
// CHECK: vector.load %[[KC]]
// CHECK: vector.store %{{.*}}, %[[BLOCK]]
// CHECK-NOT: vector.load %[[KC]]
// CHECK: scf.for %[[I:[a-z0-9]+]] = %c0 to %c24 step %c1 iter_args
// CHECK: memref.load %[[BLOCK]]
// CHECK: scf.for %{{.*}} = %c0 to %c20 step %c4
// CHECK: vector.load %[[SUMS]]
// CHECK: scf.for {{.*}} -> ({{(vector<4xf32>(, )?){12}[)]}}
// CHECK: memref.load %[[BLOCK]]
// CHECK-NOT: arith.select
// CHECK: scf.yield
// CHECK: scf.for {{.*}} -> ({{(vector<4xf32>(, )?){12}[)]}}
// CHECK: memref.load %[[BLOCK]]
// CHECK: %[[NEW:.*]] = math.fma {{.*}}, %[[OLD:[a-z0-9_]+]] : vector<4xf32>
// CHECK: %[[SEEN:.*]] = arith.cmpi sge, {{.*}} : vector<4xi32>
// CHECK: arith.select %[[SEEN]], %[[NEW]], %[[OLD]]
// CHECK: vector.store %{{.*}}, %[[SUMS]]
// CHECK: vector.store %{{.*}}, %[[Y]]
func.func @latent(%q: memref<?x?x4x24xf32>, %k: memref<?x?x1x24xf32>,
    %past: memref<?xi32>, %y: memref<?x?x4x20xf32>,
    %c: memref<?x1x?x24xbf16>) {
  marimba.attention %q, %k past(%past)
      outs(%y, %c : memref<?x?x4x20xf32>, memref<?x1x?x24xbf16>)
      {scale = 0.25 : f64}
      : memref<?x?x4x24xf32>, memref<?x?x1x24xf32>, memref<?xi32>
  return
}
