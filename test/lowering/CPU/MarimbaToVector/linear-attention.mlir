// RUN: marimba-opt %s -convert-marimba-to-vector -split-input-file | FileCheck %s
// RUN: marimba-opt %s -convert-marimba-to-vector=vector-bits=256 -split-input-file | FileCheck %s --check-prefix=V256

// Four rows of a state of 64 values, 16 vectors, stay in registers over a block
// of tokens; the decays of a block are computed together, once for each head.

// CHECK-LABEL: func @mamba2(
// CHECK-SAME: %[[Q:[a-z0-9]+]]: memref<?x?x1x128xf32>, %[[K:[a-z0-9]+]]: memref<?x?x1x128xf32>, %[[X:[a-z0-9]+]]: memref<?x?x4x64xf32>, %[[A:[a-z0-9]+]]: memref<4xf32>, %[[DT:[a-z0-9]+]]: memref<?x?x4xf32>, %[[D:[a-z0-9]+]]: memref<4xf32>, %[[Y:[a-z0-9]+]]: memref<?x?x4x64xf32>, %[[S:[a-z0-9]+]]: memref<?x4x128x64xf32>
// CHECK-DAG: %[[QUERIES:.*]] = memref.alloca() {{.*}} : memref<16x128xf32>
// CHECK-DAG: %[[DECAYS:.*]] = memref.alloca() {{.*}} : memref<16xf32>
// CHECK-NOT: mask
// CHECK-NOT: divf
// CHECK-COUNT-1: math.exp %{{.*}} fastmath<afn> : vector<16xf32>
// CHECK-NOT: math.exp
// CHECK: scf.for %[[N:[a-z0-9]+]] =
// CHECK-COUNT-16: vector.load %[[S]][
// CHECK-NOT: [[S]][
// CHECK: scf.for %[[T:[a-z0-9]+]] = {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK-NOT: [[S]][
// CHECK-COUNT-32: math.fma
// CHECK: scf.yield
// CHECK-COUNT-16: vector.store %{{.*}}, %[[S]][
// CHECK-NOT: [[S]][
// CHECK-NOT: marimba
// CHECK: return

// Eight vectors of states in 16 registers.
// V256-LABEL: func @mamba2(
// V256: scf.for {{.*}} -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>) {
func.func @mamba2(%q: memref<?x?x1x128xf32>, %k: memref<?x?x1x128xf32>,
    %x: memref<?x?x4x64xf32>, %A: memref<4xf32>, %dt: memref<?x?x4xf32>,
    %D: memref<4xf32>, %y: memref<?x?x4x64xf32>, %s: memref<?x4x128x64xf32>) {
  marimba.linear_attention %q, %k, %x decay(%A : memref<4xf32>)
      step(%dt : memref<?x?x4xf32>) skip(%D, %x : memref<4xf32>, memref<?x?x4x64xf32>)
      outs(%y, %s : memref<?x?x4x64xf32>, memref<?x4x128x64xf32>)
      : memref<?x?x1x128xf32>, memref<?x?x1x128xf32>, memref<?x?x4x64xf32>
  return
}

// -----

// One token: the state is read and written in one walk, and prefetched.

// CHECK-LABEL: func @decode(
// CHECK-SAME: %[[S:[a-z0-9]+]]: memref<?x4x128x64xf32>
// CHECK: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>) {
// CHECK-COUNT-16: memref.prefetch %[[S]]
// CHECK: vector.load %[[S]]
// CHECK: vector.store %{{.*}}, %[[S]]
// CHECK: scf.yield
// CHECK-NOT: [[S]][
// CHECK: return
func.func @decode(%q: memref<?x1x2x128xf32>, %k: memref<?x1x2x128xf32>,
    %v: memref<?x1x4x64xf32>, %g: memref<?x1x4xf32>, %y: memref<?x1x4x64xf32>,
    %s: memref<?x4x128x64xf32>) {
  marimba.linear_attention %q, %k, %v decay(%g : memref<?x1x4xf32>)
      outs(%y, %s : memref<?x1x4x64xf32>, memref<?x4x128x64xf32>)
      : memref<?x1x2x128xf32>, memref<?x1x2x128xf32>, memref<?x1x4x64xf32>
  return
}

// -----

// One value, one key channel: the equations of the op, term by term. The delta
// rule reads the state for its key and its query in one walk, corrects the value
// and the output, and writes the state in a second one. Both walks prefetch the
// next head's.

// CHECK-LABEL: func @equations(
// CHECK-SAME: %[[DECAY:[a-z0-9]+]]: memref<1x1x1x1xf32>, %[[BETA:[a-z0-9]+]]: memref<1x1x1xf32>
// CHECK-SAME: memref<1x1x1x16xf32>, %[[S:[a-z0-9]+]]: memref<1x1x1x16xf32>)
// CHECK: %[[SCALE:.*]] = arith.constant 5.000000e-01 : f32
// CHECK: %[[G:.*]] = vector.maskedload %[[DECAY]][
// CHECK: math.exp %[[G]] fastmath<afn>
// CHECK: math.fma
// CHECK: %[[QK:.*]] = vector.reduction <add>
// CHECK: memref.store %[[QK]], %[[FACTORS:.*]][
// CHECK: %[[READ:.*]]:2 = scf.for
// CHECK: memref.prefetch %[[S]]
// CHECK: %[[OLD:.*]] = vector.load %[[S]]
// CHECK: math.fma %{{.*}}, %[[OLD]], %
// CHECK: math.fma %{{.*}}, %[[OLD]], %
// CHECK-NOT: [[S]][
// CHECK: memref.load %[[BETA]]
// CHECK: %[[NEW:.*]] = arith.subf %{{.*}}, %[[READ]]#0
// CHECK: %[[U:.*]] = arith.mulf %{{.*}}, %[[NEW]]
// CHECK: memref.load %[[FACTORS]][
// CHECK: math.fma %{{.*}}, %[[U]], %[[READ]]#1
// CHECK: memref.prefetch %[[S]]
// CHECK: %[[STATE:.*]] = vector.load %[[S]]
// CHECK: %[[KEPT:.*]] = arith.mulf %{{.*}}, %[[STATE]]
// CHECK: %[[WRITTEN:.*]] = math.fma %{{.*}}, %[[U]], %[[KEPT]]
// CHECK: vector.store %[[WRITTEN]], %[[S]]
func.func @equations(%q: memref<1x1x1x1xf32>, %k: memref<1x1x1x1xf32>,
    %v: memref<1x1x1x16xf32>, %g: memref<1x1x1x1xf32>, %beta: memref<1x1x1xf32>,
    %y: memref<1x1x1x16xf32>, %s: memref<1x1x1x16xf32>) {
  marimba.linear_attention %q, %k, %v decay(%g : memref<1x1x1x1xf32>)
      beta(%beta : memref<1x1x1xf32>)
      outs(%y, %s : memref<1x1x1x16xf32>, memref<1x1x1x16xf32>)
      {delta_rule, scale = 0.5 : f64}
      : memref<1x1x1x1xf32>, memref<1x1x1x1xf32>, memref<1x1x1x16xf32>
  return
}

// -----

// Tokens of the delta rule go in groups of four: 16 sums of two vectors of
// columns for their keys and queries, and one walk that writes; single tokens
// follow. Six products of keys, ten of queries.

// CHECK-LABEL: func @delta_groups(
// CHECK-SAME: %[[S:[a-z0-9]+]]: memref<?x4x128x128xf32>)
// CHECK-NOT: prefetch %[[S]]
// CHECK-COUNT-16: vector.reduction <add>
// CHECK: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>) {
// CHECK-COUNT-2: vector.load %[[S]][
// CHECK-COUNT-16: math.fma
// CHECK: scf.yield
// CHECK: vector.load %[[S]][
// CHECK: vector.store %{{.*}}, %[[S]][
// CHECK: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>) {
// CHECK: return

// One vector of columns in 16 registers.
// V256-LABEL: func @delta_groups(
// V256: scf.for {{.*}} -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>) {
func.func @delta_groups(%q: memref<?x?x2x128xf32>, %k: memref<?x?x2x128xf32>,
    %v: memref<?x?x4x128xf32>, %g: memref<?x?x4xf32>, %beta: memref<?x?x4xf32>,
    %y: memref<?x?x4x128xf32>, %s: memref<?x4x128x128xf32>) {
  marimba.linear_attention %q, %k, %v decay(%g : memref<?x?x4xf32>)
      beta(%beta : memref<?x?x4xf32>)
      outs(%y, %s : memref<?x?x4x128xf32>, memref<?x4x128x128xf32>)
      {delta_rule}
      : memref<?x?x2x128xf32>, memref<?x?x2x128xf32>, memref<?x?x4x128xf32>
  return
}

// -----

// 83 values are a block of four whole vectors and one of two, the last masked;
// 21 rows of states are five times four and one more. What is padding is 0.

// CHECK-LABEL: func @odd(
// CHECK-SAME: memref<?xi32>, %[[Y:[a-z0-9]+]]: memref<?x?x2x83xf32>, %[[S:[a-z0-9]+]]: memref<?x2x21x83xf32>
// CHECK: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>) {
// CHECK: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>) {
// CHECK: vector.maskedload %[[S]]
// CHECK: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>) {
// CHECK: vector.maskedstore %[[S]]
// CHECK: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>) {
// CHECK: vector.store %{{.*}}, %[[Y]]
func.func @odd(%q: memref<?x?x1x21xf32>, %k: memref<?x?x1x21xf32>,
    %v: memref<?x?x2x83xf32>, %valid: memref<?xi32>, %y: memref<?x?x2x83xf32>,
    %s: memref<?x2x21x83xf32>) {
  marimba.linear_attention %q, %k, %v valid(%valid : memref<?xi32>)
      outs(%y, %s : memref<?x?x2x83xf32>, memref<?x2x21x83xf32>)
      : memref<?x?x1x21xf32>, memref<?x?x1x21xf32>, memref<?x?x2x83xf32>
  return
}

// -----

// Tensors are for the stages before.

// CHECK-LABEL: func @tensors(
// CHECK: marimba.linear_attention
func.func @tensors(%q: tensor<1x2x1x4xf32>, %v: tensor<1x2x1x16xf32>,
    %s: tensor<1x1x4x16xf32>) -> (tensor<1x2x1x16xf32>, tensor<1x1x4x16xf32>) {
  %y, %last = marimba.linear_attention %q, %q, %v
      outs(%v, %s : tensor<1x2x1x16xf32>, tensor<1x1x4x16xf32>)
      : tensor<1x2x1x4xf32>, tensor<1x2x1x4xf32>, tensor<1x2x1x16xf32>
     -> tensor<1x2x1x16xf32>, tensor<1x1x4x16xf32>
  return %y, %last : tensor<1x2x1x16xf32>, tensor<1x1x4x16xf32>
}
