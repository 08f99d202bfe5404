// RUN: marimba-opt %s -convert-marimba-to-vector="vector-bits=128 threads=2" -canonicalize -cse -split-input-file | FileCheck %s

// One token, two groups on two threads: one loop appends and attends. Each key
// that is loaded serves both heads of its group, lanes are summed up for four
// products together; four streams of keys, so four values at a time.

// CHECK-LABEL: func @even(
// CHECK-SAME: %[[Q:[a-z0-9]+]]: memref<?x1x4x32xf32>, %[[K:[a-z0-9]+]]: memref<?x1x2x32xf32>, %[[V:[a-z0-9]+]]: memref<?x1x2x32xf32>, %[[PAST:[a-z0-9]+]]: memref<?xi32>, %[[Y:[a-z0-9]+]]: memref<?x1x4x32xf32>, %[[KC:[a-z0-9]+]]: memref<?x2x?x32xf32>, %[[VC:[a-z0-9]+]]: memref<?x2x?x32xf32>
// CHECK-NOT: rt.
// CHECK: scf.parallel (%[[ROW:.*]], %[[GROUP:.*]]) =
// CHECK: %[[QUERIES:.*]] = memref.alloca() {{.*}} : memref<2x32xf32>
// CHECK: %[[SUMS:.*]] = memref.alloca() {{.*}} : memref<2x32xf32>
// CHECK: %[[SCORES:.*]] = memref.alloca() {{.*}} : memref<2x260xf32>
// CHECK: %[[P:.*]] = arith.index_cast
// CHECK: vector.load %[[K]][%[[ROW]], %c0, %[[GROUP]],
// CHECK: vector.store %{{.*}}, %[[KC]][%[[ROW]], %[[GROUP]], %[[P]],
// CHECK: vector.load %[[V]][%[[ROW]], %c0, %[[GROUP]],
// CHECK: vector.store %{{.*}}, %[[VC]][%[[ROW]], %[[GROUP]], %[[P]],
// CHECK: %[[STREAM:.*]] = arith.ceildivui %{{.*}}, %c4
// CHECK: vector.load %[[Q]]
// CHECK: vector.store %{{.*}}, %[[QUERIES]]
// CHECK: scf.for %{{.*}} = %c0 to %[[STREAM]] step %c64
// CHECK: scf.for %[[I:.*]] = %c0 to %c32 step %c16 iter_args({{.*}}) -> ({{(vector<4xf32>(, )?){4}[)]}}
// CHECK-COUNT-2: memref.prefetch %[[KC]]
// CHECK: %[[K0:.*]] = vector.load %[[KC]]{{.*}}, %[[I]]]
// CHECK: %[[K1:.*]] = vector.load %[[KC]]{{.*}}, %[[I]]]
// CHECK: %[[Q0:.*]] = vector.load %[[QUERIES]][%c0, %[[I]]]
// CHECK: math.fma %[[Q0]], %[[K0]]
// CHECK: math.fma %[[Q0]], %[[K1]]
// CHECK: %[[Q1:.*]] = vector.load %[[QUERIES]][%c1, %[[I]]]
// CHECK: math.fma %[[Q1]], %[[K0]]
// CHECK: math.fma %[[Q1]], %[[K1]]
// CHECK: scf.yield
// CHECK-COUNT-6: vector.shuffle
// CHECK: vector.store %{{.*}}, %[[SCORES]][%c0,
// CHECK: vector.store %{{.*}}, %[[SCORES]][%c1,
// CHECK: math.exp2
// CHECK-COUNT-8: vector.broadcast
// CHECK: scf.for
// CHECK-COUNT-4: memref.prefetch %[[VC]]
// CHECK: vector.load %[[SUMS]]
// CHECK: vector.load %[[VC]]
// CHECK-COUNT-2: math.fma
// CHECK: vector.load %[[VC]]
// CHECK: vector.store %{{.*}}, %[[SUMS]]
// CHECK: vector.store %{{.*}}, %[[Y]]
// CHECK-NOT: scf.parallel
func.func @even(%q: memref<?x1x4x32xf32>, %k: memref<?x1x2x32xf32>,
    %v: memref<?x1x2x32xf32>, %past: memref<?xi32>, %y: memref<?x1x4x32xf32>,
    %kc: memref<?x2x?x32xf32>, %vc: memref<?x2x?x32xf32>) {
  marimba.attention %q, %k, %v past(%past)
      outs(%y, %kc, %vc : memref<?x1x4x32xf32>, memref<?x2x?x32xf32>,
                          memref<?x2x?x32xf32>) {scale = 0.125 : f64}
      : memref<?x1x4x32xf32>, memref<?x1x2x32xf32>, memref<?x1x2x32xf32>,
        memref<?xi32>
  return
}

// -----

// Few groups: the keys of a row are cut into parts, as many as its own keys are
// worth, whatever the threads and the other rows. The part with the new key
// appends it. What the parts found is merged, where a row has more than one.

// CHECK-LABEL: func @split(
// CHECK-SAME: %[[PAST:[a-z0-9]+]]: memref<?xi32>
// CHECK: %[[CONTEXT:.*]] = rt.context
// CHECK: %[[MOST:.*]] = scf.for %[[ROW:.*]] = %c0 to %[[BATCH:.*]] step %c1 iter_args(%[[OLD:.*]] = %c1)
// CHECK: %[[P:.*]] = memref.load %[[PAST]][%[[ROW]]]
// CHECK: %[[SEEN:.*]] = arith.minsi %{{.*}}, %c900
// CHECK: %[[FULL:.*]] = arith.divui %[[SEEN]], %c256
// CHECK: %[[MORE:.*]] = arith.cmpi sgt, %[[FULL]], %c1
// CHECK: %[[TWO:.*]] = arith.select %[[MORE]], %c2, %c1
// CHECK: %[[MORE:.*]] = arith.cmpi sgt, %[[FULL]], %c2
// CHECK: arith.select %[[MORE]], %c4, %[[TWO]]
// CHECK: %[[PARTS:.*]] = arith.select %{{.*}}, %c64,
// CHECK: arith.maxsi %[[OLD]], %[[PARTS]]
// CHECK: %[[SPLIT:.*]] = arith.cmpi sgt, %[[MOST]], %c1
// CHECK: %[[MARK:.*]] = rt.arena_mark %[[CONTEXT]]
// CHECK: %[[ROWS:.*]] = arith.select %[[SPLIT]], %[[BATCH]], %c0
// CHECK: %[[SUMS:.*]] = rt.arena_alloc %[[CONTEXT]](%[[ROWS]], %[[MOST]]) : memref<?x1x?x2x8xf32>
// CHECK: %[[STATS:.*]] = rt.arena_alloc %[[CONTEXT]](%[[ROWS]], %[[MOST]]) : memref<?x1x?x2x2xf32>
// CHECK: scf.parallel (%{{.*}}, %[[PART:.*]]) = {{.*}} to (%[[BATCH]], %[[MOST]])
// CHECK-NOT: scf.if
// CHECK-COUNT-5: memref.alloca()
// CHECK: %[[OWN:.*]] = arith.select %{{.*}}, %c64,
// CHECK: %[[INSIDE:.*]] = arith.cmpi slt, %[[PART]], %[[OWN]]
// CHECK: scf.if %[[INSIDE]]
// CHECK-NOT: memref.alloca
// CHECK: arith.divui %{{.*}}, %[[OWN]]
// CHECK: scf.if
// CHECK: vector.maskedstore
// CHECK: vector.store %{{.*}}, %[[SUMS]]
// CHECK: scf.if %[[SPLIT]]
// CHECK: scf.parallel
// CHECK: %[[OWN:.*]] = arith.select %{{.*}}, %c64,
// CHECK: %[[HAS:.*]] = arith.cmpi sgt, %[[OWN]], %c1
// CHECK: scf.if %[[HAS]]
// CHECK: memref.load %[[STATS]]
// CHECK: math.exp2
// CHECK: memref.store %{{.*}}, %[[STATS]]
// CHECK: vector.load %[[SUMS]]
// CHECK: memref.load %[[STATS]]
// CHECK: vector.maskedstore
// CHECK: rt.arena_release %[[CONTEXT]], %[[MARK]]
func.func @split(%context: !rt.context, %q: memref<?x1x2x6xf32>,
    %past: memref<?xi32>, %y: memref<?x1x2x6xf32>, %k: memref<?x1x1x6xf32>,
    %kc: memref<?x1x?x6xf32>, %vc: memref<?x1x?x6xf32>) {
  marimba.attention %q, %k, %k past(%past)
      outs(%y, %kc, %vc : memref<?x1x2x6xf32>, memref<?x1x?x6xf32>,
                          memref<?x1x?x6xf32>) {scale = 1.0 : f64, window = 900}
      : memref<?x1x2x6xf32>, memref<?x1x1x6xf32>, memref<?x1x1x6xf32>,
        memref<?xi32>
  return
}

// -----

// Of two groups parts are longer and fewer.

// CHECK-LABEL: func @two_groups(
// CHECK: arith.divui %{{.*}}, %c512
// CHECK: arith.select %{{.*}}, %c32,
// CHECK-NOT: %c64
// CHECK: rt.arena_alloc
func.func @two_groups(%context: !rt.context, %q: memref<?x1x2x6xf32>,
    %past: memref<?xi32>, %y: memref<?x1x2x6xf32>, %k: memref<?x1x2x6xf32>,
    %kc: memref<?x2x?x6xf32>, %vc: memref<?x2x?x6xf32>) {
  marimba.attention %q, %k, %k past(%past)
      outs(%y, %kc, %vc : memref<?x1x2x6xf32>, memref<?x2x?x6xf32>,
                          memref<?x2x?x6xf32>) {scale = 1.0 : f64}
      : memref<?x1x2x6xf32>, memref<?x1x2x6xf32>, memref<?x1x2x6xf32>,
        memref<?xi32>
  return
}

// -----

// So many groups occupy the threads without parts.

// CHECK-LABEL: func @many_groups(
// CHECK-NOT: rt.arena
// CHECK: scf.parallel
// CHECK-NOT: scf.parallel
func.func @many_groups(%context: !rt.context, %q: memref<?x1x33x6xf32>,
    %past: memref<?xi32>, %y: memref<?x1x33x6xf32>, %k: memref<?x1x33x6xf32>,
    %kc: memref<?x33x?x6xf32>, %vc: memref<?x33x?x6xf32>) {
  marimba.attention %q, %k, %k past(%past)
      outs(%y, %kc, %vc : memref<?x1x33x6xf32>, memref<?x33x?x6xf32>,
                          memref<?x33x?x6xf32>) {scale = 1.0 : f64}
      : memref<?x1x33x6xf32>, memref<?x1x33x6xf32>, memref<?x1x33x6xf32>,
        memref<?xi32>
  return
}

// -----

// Without a context there is no memory for parts.

// CHECK-LABEL: func @no_context(
// CHECK-NOT: rt.
// CHECK: scf.parallel
// CHECK-NOT: scf.parallel
func.func @no_context(%q: memref<?x1x2x6xf32>, %past: memref<?xi32>,
    %y: memref<?x1x2x6xf32>, %k: memref<?x1x1x6xf32>, %kc: memref<?x1x?x6xf32>) {
  marimba.attention %q, %k, %k past(%past)
      outs(%y, %kc, %kc : memref<?x1x2x6xf32>, memref<?x1x?x6xf32>,
                          memref<?x1x?x6xf32>) {scale = 1.0 : f64}
      : memref<?x1x2x6xf32>, memref<?x1x1x6xf32>, memref<?x1x1x6xf32>,
        memref<?xi32>
  return
}

// -----

// Products are of codes; scales come to scores and to weights.

// CHECK-LABEL: func @codes(
// CHECK-SAME: %[[KC:[a-z0-9]+]]: memref<?x1x?x64xi8>, %[[VC:[a-z0-9]+]]: memref<?x1x?x64xi8>, %[[KS:[a-z0-9]+]]: memref<?x1x?xf32>, %[[VS:[a-z0-9]+]]: memref<?x1x?xf32>
// CHECK: %[[SCORES:.*]] = memref.alloca() {{.*}} : memref<2x260xf32>
// CHECK: %[[KEYS:.*]] = memref.alloca() {{.*}} : memref<260xf32>
// CHECK: %[[VALUES:.*]] = memref.alloca() {{.*}} : memref<260xf32>
// CHECK: math.roundeven
// CHECK: vector.store %{{.*}}, %[[KC]]{{.*}} vector<4xi8>
// A line of the cache has 64 codes.
// CHECK-COUNT-2: memref.prefetch %[[KC]]
// CHECK-NOT: memref.prefetch
// CHECK: %[[CODES:.*]] = vector.load %[[KC]]
// CHECK: arith.sitofp %[[CODES]] : vector<4xi8> to vector<4xf32>
// CHECK: memref.load %[[KS]]
// CHECK: memref.load %[[VS]]
// CHECK: %[[SCALE:.*]] = vector.load %[[KEYS]]
// CHECK: arith.mulf %{{.*}}, %[[SCALE]]
// CHECK: %[[P:.*]] = math.exp2
// CHECK: %[[SCALE:.*]] = vector.load %[[VALUES]]
// CHECK: %[[WEIGHT:.*]] = arith.mulf %{{.*}}, %[[SCALE]]
// CHECK: vector.store %[[WEIGHT]], %[[SCORES]]
func.func @codes(%q: memref<?x1x2x64xf32>, %k: memref<?x1x1x64xf32>,
    %past: memref<?xi32>, %kc: memref<?x1x?x64xi8>, %vc: memref<?x1x?x64xi8>,
    %ks: memref<?x1x?xf32>, %vs: memref<?x1x?xf32>) {
  marimba.attention %q, %k, %k past(%past)
      outs(%q, %kc, %vc, %ks, %vs : memref<?x1x2x64xf32>, memref<?x1x?x64xi8>,
           memref<?x1x?x64xi8>, memref<?x1x?xf32>, memref<?x1x?xf32>)
      {scale = 0.125 : f64}
      : memref<?x1x2x64xf32>, memref<?x1x1x64xf32>, memref<?x1x1x64xf32>,
        memref<?xi32>
  return
}

// -----

// Values are the first 16 elements of keys of 20, and already in the cache when
// they are added up: only keys are fetched ahead.

// CHECK-LABEL: func @latent(
// CHECK-SAME: %[[Q:[a-z0-9]+]]: memref<?x1x80x20xf32>, %[[K:[a-z0-9]+]]: memref<?x1x40x20xf32>, %{{[a-z0-9]+}}: memref<?xi32>, %[[Y:[a-z0-9]+]]: memref<?x1x80x16xf32>, %[[KC:[a-z0-9]+]]: memref<?x40x?x20xf32>
// CHECK: memref.alloca() {{.*}} : memref<2x20xf32>
// CHECK: %[[SUMS:.*]] = memref.alloca() {{.*}} : memref<2x16xf32>
// CHECK: vector.load %[[K]]
// CHECK: vector.store %{{.*}}, %[[KC]]
// CHECK: memref.prefetch %[[KC]]
// CHECK: math.exp2
// CHECK-COUNT-8: vector.broadcast
// CHECK-NOT: memref.prefetch
// CHECK: vector.load %[[SUMS]]
// CHECK: vector.load %[[KC]]
// CHECK: vector.store %{{.*}}, %[[SUMS]]
// CHECK: scf.for %{{.*}} = %c0 to %c16
// CHECK: vector.store %{{.*}}, %[[Y]]
func.func @latent(%q: memref<?x1x80x20xf32>, %k: memref<?x1x40x20xf32>,
    %past: memref<?xi32>, %y: memref<?x1x80x16xf32>,
    %kc: memref<?x40x?x20xf32>) {
  marimba.attention %q, %k past(%past)
      outs(%y, %kc : memref<?x1x80x16xf32>, memref<?x40x?x20xf32>)
      {scale = 0.125 : f64}
      : memref<?x1x80x20xf32>, memref<?x1x40x20xf32>, memref<?xi32>
  return
}
