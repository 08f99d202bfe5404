// RUN: marimba-opt %s -decompose-linear-attention="chunk=32" -split-input-file | FileCheck %s
// RUN: marimba-opt %s -decompose-linear-attention="chunk=32 bf16" -split-input-file | FileCheck %s --check-prefix=BF16
// RUN: marimba-opt %s -decompose-linear-attention="chunk=32 always=false" -split-input-file | FileCheck %s --check-prefix=COST
// RUN: not marimba-opt %s -decompose-linear-attention="chunk=257" -split-input-file 2>&1 | FileCheck %s --check-prefix=LARGE
// LARGE: error: chunk of 257 tokens and vectors of 16, expected 1 to 256 and at least 1

// Scores are computed once for the four heads of the group; each head has three
// products more. Exponents are differences of sums, and the state is decayed 32
// rows at a time.

// CHECK-DAG: #[[A:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG: #[[B:.*]] = affine_map<(d0, d1, d2) -> (d2, d1)>
// CHECK-DAG: #[[C:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-LABEL: func @chunk
// CHECK-NOT: marimba.linear_attention
// CHECK: %[[SCORES:.*]] = linalg.generic {indexing_maps = [#[[A]], #[[B]], #[[C]]]
// CHECK-SAME: ins(%{{.*}}, %{{.*}} : tensor<24x128xf32>, tensor<128x24xf32>) outs(%{{.*}} : tensor<24x24xf32>)
// CHECK: scf.for %[[HEAD:.*]] = %{{.*}} to %c4{{[_0-9]*}} step
// The sums of log-decays, in f64.
// CHECK: scf.for
// CHECK: arith.mulf {{.*}} : f64
// CHECK: arith.maximumf {{.*}} : f64
// CHECK: arith.addf {{.*}} : f64
// The triangle.
// CHECK: scf.for %[[T:.*]] = {{.*}} step
// CHECK: tensor.extract_slice %[[SCORES]][%[[T]], 0] [1, %{{.*}}] [1, 1]
// CHECK: linalg.generic
// CHECK: arith.subf
// CHECK: math.exp {{.*}} fastmath<afn>
// CHECK: tensor.insert_slice
// CHECK: linalg.generic {indexing_maps = [#[[A]], #[[B]], #[[C]]]
// CHECK-SAME: ins(%{{.*}}, %[[S:.*]] : tensor<24x128xf32>, tensor<128x64xf32>) outs(%{{.*}} : tensor<24x64xf32>)
// CHECK: linalg.generic {indexing_maps = [#[[A]], #[[B]], #[[C]]]
// CHECK-SAME: ins(%{{.*}}, %{{.*}} : tensor<24x24xf32>, tensor<24x64xf32>) outs(%{{.*}} : tensor<24x64xf32>) attrs = {marimba.lower_triangular}
// CHECK: linalg.generic {indexing_maps = [#[[A]], #[[B]], #[[C]]]
// CHECK-SAME: ins(%{{.*}}, %{{.*}} : tensor<32x24xf32>, tensor<24x64xf32>) outs(%{{.*}} : tensor<32x64xf32>)
// CHECK: return

// First factors are bf16 in memory, second ones are rounded as they are read.

// BF16-LABEL: func @chunk
// BF16: linalg.generic {{.*}} ins(%{{.*}}, %{{.*}} : tensor<24x128xbf16>, tensor<128x24xbf16>) outs(%{{.*}} : tensor<24x24xf32>)
// BF16: linalg.generic {{.*}} ins(%{{.*}}, %{{.*}} : tensor<24x128xbf16>, tensor<128x64xf32>) outs(%{{.*}} : tensor<24x64xf32>)
// BF16-NEXT: ^bb0(%[[X:.*]]: bf16, %[[Y:.*]]: f32, %[[OLD:.*]]: f32)
// BF16-NEXT: %[[ROUND:.*]] = arith.truncf %[[Y]] : f32 to bf16
// BF16-NEXT: %[[WX:.*]] = arith.extf %[[X]]
// BF16-NEXT: %[[WY:.*]] = arith.extf %[[ROUND]]
// BF16-NEXT: %[[XY:.*]] = arith.mulf %[[WX]], %[[WY]] : f32
// BF16-NEXT: arith.addf %[[OLD]], %[[XY]] : f32

// COST-LABEL: func @chunk
// COST-NOT: marimba.linear_attention
func.func @chunk(%q: tensor<1x24x1x128xf32>, %k: tensor<1x24x1x128xf32>,
    %v: tensor<1x24x4x64xf32>, %A: tensor<4xf32>, %d: tensor<1x24x4xf32>,
    %D: tensor<4xf32>, %y: tensor<1x24x4x64xf32>, %s: tensor<1x4x128x64xf32>)
    -> (tensor<1x24x4x64xf32>, tensor<1x4x128x64xf32>) {
  %r:2 = marimba.linear_attention %q, %k, %v decay(%A : tensor<4xf32>)
      step(%d : tensor<1x24x4xf32>)
      skip(%D, %v : tensor<4xf32>, tensor<1x24x4x64xf32>)
      outs(%y, %s : tensor<1x24x4x64xf32>, tensor<1x4x128x64xf32>)
      : tensor<1x24x1x128xf32>, tensor<1x24x1x128xf32>, tensor<1x24x4x64xf32>
     -> tensor<1x24x4x64xf32>, tensor<1x4x128x64xf32>
  return %r#0, %r#1 : tensor<1x24x4x64xf32>, tensor<1x4x128x64xf32>
}

// -----

// Without decay there is nothing to sum up and no exponential; the padding's
// outputs are zeros. A small head is cheaper as a recurrence.

// CHECK-LABEL: func @no_decay
// CHECK-NOT: marimba.linear_attention
// CHECK-NOT: math.exp
// CHECK: %[[LEFT:.*]] = tensor.extract %{{.*}}[%{{.*}}] : tensor<1xi32>
// CHECK: arith.index_cast %[[LEFT]]
// CHECK: arith.maxsi
// CHECK: arith.minsi
// CHECK: linalg.fill
// CHECK-NOT: math.exp
// CHECK: return

// COST-LABEL: func @no_decay
// COST: marimba.linear_attention
func.func @no_decay(%q: tensor<1x24x2x4xf32>, %k: tensor<1x24x2x4xf32>,
    %v: tensor<1x24x2x8xf32>, %valid: tensor<1xi32>, %y: tensor<1x24x2x8xf32>,
    %s: tensor<1x2x4x8xf32>) -> (tensor<1x24x2x8xf32>, tensor<1x2x4x8xf32>) {
  %r:2 = marimba.linear_attention %q, %k, %v valid(%valid : tensor<1xi32>)
      outs(%y, %s : tensor<1x24x2x8xf32>, tensor<1x2x4x8xf32>) {scale = 0.5 : f64}
      : tensor<1x24x2x4xf32>, tensor<1x24x2x4xf32>, tensor<1x24x2x8xf32>
     -> tensor<1x24x2x8xf32>, tensor<1x2x4x8xf32>
  return %r#0, %r#1 : tensor<1x24x2x8xf32>, tensor<1x2x4x8xf32>
}

// -----

// More tokens than a chunk, any number of them, several rows, one token.

// CHECK-LABEL: func @not_a_chunk
// CHECK-COUNT-4: marimba.linear_attention
func.func @not_a_chunk(%long: tensor<1x33x2x4xf32>, %any: tensor<1x?x2x4xf32>,
    %rows: tensor<2x24x2x4xf32>, %one: tensor<1x1x2x4xf32>,
    %s: tensor<1x2x4x4xf32>, %s2: tensor<2x2x4x4xf32>)
    -> (tensor<1x33x2x4xf32>, tensor<1x?x2x4xf32>, tensor<2x24x2x4xf32>,
        tensor<1x1x2x4xf32>) {
  %a:2 = marimba.linear_attention %long, %long, %long
      outs(%long, %s : tensor<1x33x2x4xf32>, tensor<1x2x4x4xf32>)
      : tensor<1x33x2x4xf32>, tensor<1x33x2x4xf32>, tensor<1x33x2x4xf32>
     -> tensor<1x33x2x4xf32>, tensor<1x2x4x4xf32>
  %b:2 = marimba.linear_attention %any, %any, %any
      outs(%any, %s : tensor<1x?x2x4xf32>, tensor<1x2x4x4xf32>)
      : tensor<1x?x2x4xf32>, tensor<1x?x2x4xf32>, tensor<1x?x2x4xf32>
     -> tensor<1x?x2x4xf32>, tensor<1x2x4x4xf32>
  %c:2 = marimba.linear_attention %rows, %rows, %rows
      outs(%rows, %s2 : tensor<2x24x2x4xf32>, tensor<2x2x4x4xf32>)
      : tensor<2x24x2x4xf32>, tensor<2x24x2x4xf32>, tensor<2x24x2x4xf32>
     -> tensor<2x24x2x4xf32>, tensor<2x2x4x4xf32>
  %d:2 = marimba.linear_attention %one, %one, %one
      outs(%one, %s : tensor<1x1x2x4xf32>, tensor<1x2x4x4xf32>)
      : tensor<1x1x2x4xf32>, tensor<1x1x2x4xf32>, tensor<1x1x2x4xf32>
     -> tensor<1x1x2x4xf32>, tensor<1x2x4x4xf32>
  return %a#0, %b#0, %c#0, %d#0 : tensor<1x33x2x4xf32>, tensor<1x?x2x4xf32>,
      tensor<2x24x2x4xf32>, tensor<1x1x2x4xf32>
}

// -----

// The delta rule: products of keys by keys, the right-hand sides, and blocks of
// 16 tokens that lose what earlier ones contribute (as a product) before they
// depend on each other. The solution takes the place of the values. In f32 the
// recurrence is cheaper.

// CHECK-DAG: #[[A:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG: #[[B:.*]] = affine_map<(d0, d1, d2) -> (d2, d1)>
// CHECK-LABEL: func @delta_rule
// CHECK-SAME: %[[BETA:[a-z0-9]+]]: tensor<1x24x4xf32>
// CHECK-NOT: marimba.linear_attention
// CHECK: %[[SCORES:.*]] = linalg.generic {indexing_maps = [#[[A]], #[[B]]
// CHECK-SAME: outs(%{{.*}} : tensor<24x24xf32>)
// CHECK: %[[KEYS:.*]] = linalg.generic {indexing_maps = [#[[A]], #[[B]]
// CHECK-SAME: outs(%{{.*}} : tensor<24x24xf32>)
// The triangles of both.
// CHECK: %[[BOTH:.*]]:2 = scf.for %[[T:.*]] = {{.*}} step
// CHECK: tensor.extract_slice %[[SCORES]][%[[T]], 0]
// CHECK: tensor.extract_slice %[[KEYS]][%[[T]], 0]
// CHECK: tensor.extract %[[BETA]]
// CHECK: arith.negf
// CHECK: linalg.generic
// What the state knows, and what is wrong with it.
// CHECK: linalg.generic {indexing_maps = [#[[A]], #[[B]]
// CHECK-SAME: ins(%{{.*}}, %{{.*}} : tensor<24x128xf32>, tensor<128x64xf32>)
// CHECK: linalg.generic
// CHECK: arith.subf
// CHECK: scf.for {{.*}} step %c16
// CHECK: linalg.generic {indexing_maps = [#[[A]], #[[B]]
// CHECK-SAME: ins(%{{.*}}, %{{.*}} : tensor<16x?xf32>, tensor<?x64xf32>) outs(%{{.*}} : tensor<16x64xf32>)
// CHECK: scf.for {{.*}} step %c16
// CHECK-COUNT-120: vector.fma
// CHECK-NOT: vector.fma
// CHECK: return

// The system is solved in f32.

// BF16-LABEL: func @delta_rule
// BF16: ins(%{{.*}}, %{{.*}} : tensor<24x128xbf16>, tensor<128x24xbf16>) outs(%{{.*}} : tensor<24x24xf32>)
// BF16: ins(%{{.*}}, %{{.*}} : tensor<24x128xbf16>, tensor<128x24xbf16>) outs(%{{.*}} : tensor<24x24xf32>)
// BF16: ins(%{{.*}}, %{{.*}} : tensor<24x128xbf16>, tensor<128x64xf32>)
// BF16: ins(%{{.*}}, %{{.*}} : tensor<16x?xf32>, tensor<?x64xf32>)

// COST-LABEL: func @delta_rule
// COST: marimba.linear_attention
func.func @delta_rule(%beta: tensor<1x24x4xf32>, %g: tensor<1x24x4xf32>,
    %q: tensor<1x24x2x128xf32>, %k: tensor<1x24x2x128xf32>,
    %v: tensor<1x24x4x64xf32>, %y: tensor<1x24x4x64xf32>,
    %s: tensor<1x4x128x64xf32>)
    -> (tensor<1x24x4x64xf32>, tensor<1x4x128x64xf32>) {
  %r:2 = marimba.linear_attention %q, %k, %v decay(%g : tensor<1x24x4xf32>)
      beta(%beta : tensor<1x24x4xf32>)
      outs(%y, %s : tensor<1x24x4x64xf32>, tensor<1x4x128x64xf32>) {delta_rule}
      : tensor<1x24x2x128xf32>, tensor<1x24x2x128xf32>, tensor<1x24x4x64xf32>
     -> tensor<1x24x4x64xf32>, tensor<1x4x128x64xf32>
  return %r#0, %r#1 : tensor<1x24x4x64xf32>, tensor<1x4x128x64xf32>
}

// -----

// Decays of key channels: blocks of 16 tokens. Decays are multiplied from token
// to token, and the only exponentials are those of one token. All earlier keys
// of a channel are a vector, into which each token puts its own.

// CHECK-LABEL: func @channels
// CHECK-NOT: marimba.linear_attention
// CHECK: scf.for {{.*}} step %c16
// CHECK: affine.min
// CHECK: linalg.generic
// CHECK: math.exp {{.*}} fastmath<afn>
// CHECK-NOT: math.exp
// CHECK: scf.for
// CHECK: arith.mulf {{.*}} : vector<16xf32>
// CHECK: arith.select {{.*}} : vector<16xi1>, vector<16xf32>
// CHECK: vector.fma
// CHECK: marimba.lower_triangular
// CHECK: return

// COST-LABEL: func @channels
// COST: marimba.linear_attention
func.func @channels(%q: tensor<1x24x2x128xf32>, %g: tensor<1x24x2x128xf32>,
    %v: tensor<1x24x2x128xf32>, %s: tensor<1x2x128x128xf32>)
    -> (tensor<1x24x2x128xf32>, tensor<1x2x128x128xf32>) {
  %r:2 = marimba.linear_attention %q, %q, %v decay(%g : tensor<1x24x2x128xf32>)
      outs(%v, %s : tensor<1x24x2x128xf32>, tensor<1x2x128x128xf32>)
      : tensor<1x24x2x128xf32>, tensor<1x24x2x128xf32>, tensor<1x24x2x128xf32>
     -> tensor<1x24x2x128xf32>, tensor<1x2x128x128xf32>
  return %r#0, %r#1 : tensor<1x24x2x128xf32>, tensor<1x2x128x128xf32>
}

// -----

// Both: M, L and what is left of the keys in one walk, then 16 tokens that depend
// on each other. The state is decayed where it is added to, 32 rows at a time.

// CHECK-LABEL: func @channels_delta_rule
// CHECK-NOT: marimba.linear_attention
// CHECK-COUNT-4: scf.for {{.*}} -> (tensor<128x16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK: arith.subf
// CHECK-COUNT-120: vector.fma
// CHECK-NOT: vector.fma
// CHECK: marimba.lower_triangular
// CHECK: scf.for {{.*}} step %c32
// CHECK: return

// COST-LABEL: func @channels_delta_rule
// COST: marimba.linear_attention
func.func @channels_delta_rule(%q: tensor<1x24x2x128xf32>,
    %g: tensor<1x24x2x128xf32>, %v: tensor<1x24x2x128xf32>,
    %beta: tensor<1x24x2xf32>, %s: tensor<1x2x128x128xf32>)
    -> (tensor<1x24x2x128xf32>, tensor<1x2x128x128xf32>) {
  %r:2 = marimba.linear_attention %q, %q, %v decay(%g : tensor<1x24x2x128xf32>)
      beta(%beta : tensor<1x24x2xf32>)
      outs(%v, %s : tensor<1x24x2x128xf32>, tensor<1x2x128x128xf32>) {delta_rule}
      : tensor<1x24x2x128xf32>, tensor<1x24x2x128xf32>, tensor<1x24x2x128xf32>
     -> tensor<1x24x2x128xf32>, tensor<1x2x128x128xf32>
  return %r#0, %r#1 : tensor<1x24x2x128xf32>, tensor<1x2x128x128xf32>
}

// -----

// Keys of a chunk are more than a thread's stack has.

// CHECK-LABEL: func @long_keys
// CHECK: marimba.linear_attention
func.func @long_keys(%q: tensor<1x24x2x4096xf32>, %v: tensor<1x24x2x8xf32>,
    %s: tensor<1x2x4096x8xf32>) -> (tensor<1x24x2x8xf32>, tensor<1x2x4096x8xf32>) {
  %r:2 = marimba.linear_attention %q, %q, %v
      outs(%v, %s : tensor<1x24x2x8xf32>, tensor<1x2x4096x8xf32>)
      : tensor<1x24x2x4096xf32>, tensor<1x24x2x4096xf32>, tensor<1x24x2x8xf32>
     -> tensor<1x24x2x8xf32>, tensor<1x2x4096x8xf32>
  return %r#0, %r#1 : tensor<1x24x2x8xf32>, tensor<1x2x4096x8xf32>
}
