// RUN: marimba-opt %s -tile-recurrences='channels=16 tokens=4 lanes=8' -canonicalize \
// RUN:   -split-input-file | FileCheck %s
// RUN: marimba-opt %s -tile-recurrences='channels=16 tokens=4 lanes=8 threads=4' -canonicalize \
// RUN:   -split-input-file | FileCheck %s --check-prefix=THREADS
// RUN: marimba-opt %s -tile-recurrences='chunk=8 state-bytes=1024' -canonicalize \
// RUN:   -split-input-file | FileCheck %s --check-prefix=HEADS
// RUN: marimba-opt %s -tile-recurrences -canonicalize \
// RUN:   -split-input-file | FileCheck %s --check-prefix=DEFAULT

// Softplus in front of the scan and the gate behind it end in its loops: rows
// and groups of channels outside, blocks of time with the state inside. The
// gate alone reads the scan's output: no tensor of all tokens holds it.

// CHECK-LABEL: func @whole_layer(
// CHECK-SAME: %[[DT:[a-z0-9]+]]: tensor<?x?x32xf32>, %[[Z:[a-z0-9]+]]: tensor<?x?x32xf32>
// CHECK-NOT: linalg.generic
// CHECK: scf.forall (%[[ROW:.*]], %[[D:.*]]) = (0, 0) to (%{{.*}}, 32) step (1, 16)
// CHECK: %[[STATES:.*]] = tensor.extract_slice %{{.*}}[%[[ROW]], 0, %[[D]]] [1, 4, 16]
// CHECK: scf.for %[[T:.*]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%[[H:.*]] = %[[STATES]]
// CHECK: %[[STEP:.*]] = linalg.generic
// CHECK: math.log1p
// CHECK: %[[VALID:.*]] = linalg.generic
// CHECK: arith.subi
// CHECK: %[[Y:.*]]:2 = marimba.selective_scan %{{.*}}, %[[STEP]], {{.*}} valid(%[[VALID]] : tensor<1xi32>)
// CHECK-SAME: outs(%{{.*}}, %[[H]] : tensor<1x?x16xf32>, tensor<1x4x16xf32>)
// CHECK: %[[GATED:.*]] = linalg.generic {{.*}} ins(%[[Y]]#0,
// CHECK: tensor.insert_slice %[[GATED]]
// CHECK: scf.yield
// CHECK-NOT: linalg.generic
// CHECK: return

// Groups of eight channels are enough for four threads.

// THREADS-LABEL: func @whole_layer(
// THREADS: scf.forall {{.*}} step (1, 8)
#all = affine_map<(b, t, d) -> (b, t, d)>
func.func @whole_layer(%dt: tensor<?x?x32xf32>, %z: tensor<?x?x32xf32>,
    %A: tensor<4x32xf32>, %B: tensor<?x?x4xf32>, %v: tensor<?xi32>,
    %out: tensor<?x?x32xf32>, %h: tensor<?x4x32xf32>)
    -> (tensor<?x?x32xf32>, tensor<?x4x32xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %dt, %c0 : tensor<?x?x32xf32>
  %t = tensor.dim %dt, %c1 : tensor<?x?x32xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x32xf32>
  %delta = linalg.generic {indexing_maps = [#all, #all],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%dt : tensor<?x?x32xf32>) outs(%e : tensor<?x?x32xf32>) {
  ^bb0(%x: f32, %o: f32):
    %p = math.exp %x : f32
    %l = math.log1p %p : f32
    linalg.yield %l : f32
  } -> tensor<?x?x32xf32>
  %y, %last = marimba.selective_scan %z, %delta, %A, %B, %B
      valid(%v : tensor<?xi32>)
      outs(%e, %h : tensor<?x?x32xf32>, tensor<?x4x32xf32>)
      : tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<4x32xf32>,
        tensor<?x?x4xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x32xf32>, tensor<?x4x32xf32>
  %gated = linalg.generic {indexing_maps = [#all, #all, #all],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%y, %z : tensor<?x?x32xf32>, tensor<?x?x32xf32>)
      outs(%out : tensor<?x?x32xf32>) {
  ^bb0(%a: f32, %g: f32, %o: f32):
    %m = arith.mulf %a, %g : f32
    linalg.yield %m : f32
  } -> tensor<?x?x32xf32>
  return %gated, %last : tensor<?x?x32xf32>, tensor<?x4x32xf32>
}

// -----

// One token and one group: no loop over time, and the row loop only.

// CHECK-LABEL: func @decode(
// CHECK: scf.forall (%{{.*}}) in (%{{.*}})
// CHECK-NOT: scf.for
// CHECK: marimba.causal_conv1d {{.*}} outs(%{{.*}} : tensor<1x1x16xf32>, tensor<1x3x16xf32>)
func.func @decode(%x: tensor<?x1x16xf32>, %w: tensor<4x16xf32>,
    %e: tensor<?x1x16xf32>, %h: tensor<?x3x16xf32>)
    -> (tensor<?x1x16xf32>, tensor<?x3x16xf32>) {
  %y, %last = marimba.causal_conv1d %x, %w
      outs(%e, %h : tensor<?x1x16xf32>, tensor<?x3x16xf32>)
      : tensor<?x1x16xf32>, tensor<4x16xf32>
     -> tensor<?x1x16xf32>, tensor<?x3x16xf32>
  return %y, %last : tensor<?x1x16xf32>, tensor<?x3x16xf32>
}

// -----

// The scan's output has another reader: the consumer stays outside, and what
// makes delta, which is read outside, too.

// CHECK-LABEL: func @other_readers(
// CHECK: %[[DELTA:.*]] = linalg.exp
// CHECK: %[[LOOP:.*]]:2 = scf.forall
// CHECK-NOT: linalg.
// CHECK: marimba.lti_scan
// CHECK: linalg.mul ins(%[[LOOP]]#0, %[[DELTA]]
// CHECK: return %[[LOOP]]#0
func.func @other_readers(%x: tensor<?x?x16xf32>, %A: tensor<4x16xf32>,
    %e: tensor<?x?x16xf32>, %f: tensor<?x?x16xf32>, %h: tensor<?x4x16xf32>)
    -> (tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x4x16xf32>) {
  %delta = linalg.exp ins(%x : tensor<?x?x16xf32>)
      outs(%f : tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %y, %last = marimba.lti_scan %delta, %A, %A, %A
      outs(%e, %h : tensor<?x?x16xf32>, tensor<?x4x16xf32>)
      : tensor<?x?x16xf32>, tensor<4x16xf32>, tensor<4x16xf32>, tensor<4x16xf32>
     -> tensor<?x?x16xf32>, tensor<?x4x16xf32>
  %z = linalg.mul ins(%y, %delta : tensor<?x?x16xf32>, tensor<?x?x16xf32>)
      outs(%x : tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  return %y, %z, %last : tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x4x16xf32>
}

// -----

// MLIR has no slices of nothing: a convolution of width 1 keeps its place.

// CHECK-LABEL: func @no_state(
// CHECK-NOT: scf.
// CHECK: marimba.causal_conv1d
func.func @no_state(%x: tensor<?x?x32xf32>, %w: tensor<1x32xf32>,
    %e: tensor<?x?x32xf32>, %h: tensor<?x0x32xf32>)
    -> (tensor<?x?x32xf32>, tensor<?x0x32xf32>) {
  %y, %last = marimba.causal_conv1d %x, %w
      outs(%e, %h : tensor<?x?x32xf32>, tensor<?x0x32xf32>)
      : tensor<?x?x32xf32>, tensor<1x32xf32>
     -> tensor<?x?x32xf32>, tensor<?x0x32xf32>
  return %y, %last : tensor<?x?x32xf32>, tensor<?x0x32xf32>
}

// -----

// Heads with matrices of 16 x 8 (512 bytes): two of them are the bytes of a
// group, so that each pair of four takes the keys and queries that it reads, of
// group head / 4, and chunks of 8 tokens. What is made of the values of the
// tokens, and what reads the output by heads, is in the nest.

// HEADS-LABEL: func @heads(
// HEADS-SAME: %[[Q:[a-z0-9]+]]: tensor<?x?x2x16xf32>, %[[X:[a-z0-9]+]]: tensor<?x?x8x8xf32>
// HEADS-NOT: linalg.
// HEADS: scf.forall (%[[ROW:.*]], %[[H:.*]]) = (0, 0) to (%{{.*}}, 8) step (1, 2)
// HEADS: %[[GROUP:.*]] = affine.apply #{{.*}}()[%[[H]]]
// HEADS: tensor.extract_slice %[[Q]][%[[ROW]], 0, %[[GROUP]], 0] [1, %{{.*}}, 1, 16]
// HEADS: %[[STATES:.*]] = tensor.extract_slice %{{.*}}[%[[ROW]], %[[H]], 0, 0] [1, 2, 16, 8]
// HEADS: scf.for %[[T:.*]] = %{{.*}} to %{{.*}} step %c8{{.*}} iter_args(%[[S:.*]] = %[[STATES]],
// HEADS: linalg.exp
// HEADS: %[[VALID:.*]] = linalg.generic
// HEADS: arith.subi
// HEADS: %[[Y:.*]]:2 = marimba.linear_attention {{.*}} valid(%[[VALID]] : tensor<1xi32>) outs(%{{.*}}, %[[S]] : tensor<1x?x2x8xf32>, tensor<1x2x16x8xf32>)
// HEADS-SAME: tensor<1x?x1x16xf32>, tensor<1x?x1x16xf32>, tensor<1x?x2x8xf32>
// HEADS: linalg.mul ins(%[[Y]]#0,
// HEADS-NOT: linalg.
// HEADS: return
func.func @heads(%q: tensor<?x?x2x16xf32>, %x: tensor<?x?x8x8xf32>,
    %z: tensor<?x?x8x8xf32>, %A: tensor<8xf32>, %dt: tensor<?x?x8xf32>,
    %valid: tensor<?xi32>, %out: tensor<?x?x8x8xf32>, %s: tensor<?x8x16x8xf32>)
    -> (tensor<?x?x8x8xf32>, tensor<?x8x16x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x8x8xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x8x8xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x8x8xf32>
  %v = linalg.exp ins(%x : tensor<?x?x8x8xf32>)
      outs(%e : tensor<?x?x8x8xf32>) -> tensor<?x?x8x8xf32>
  %y, %last = marimba.linear_attention %q, %q, %v decay(%A : tensor<8xf32>)
      step(%dt : tensor<?x?x8xf32>) valid(%valid : tensor<?xi32>)
      outs(%e, %s : tensor<?x?x8x8xf32>, tensor<?x8x16x8xf32>)
      : tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>, tensor<?x?x8x8xf32>
     -> tensor<?x?x8x8xf32>, tensor<?x8x16x8xf32>
  %gated = linalg.mul ins(%y, %z : tensor<?x?x8x8xf32>, tensor<?x?x8x8xf32>)
      outs(%out : tensor<?x?x8x8xf32>) -> tensor<?x?x8x8xf32>
  return %gated, %last : tensor<?x?x8x8xf32>, tensor<?x8x16x8xf32>
}

// -----

// A tile of whole groups: four heads read two of four.

// HEADS-LABEL: func @whole_groups(
// HEADS: scf.forall {{.*}} to (%{{.*}}, 8) step (1, 4)
// HEADS-NOT: scf.for
// HEADS: marimba.linear_attention {{.*}} tensor<1x1x2x8xf32>, tensor<1x1x2x8xf32>, tensor<1x1x4x8xf32>
func.func @whole_groups(%q: tensor<?x1x4x8xf32>, %v: tensor<?x1x8x8xf32>,
    %s: tensor<?x8x8x8xf32>) -> (tensor<?x1x8x8xf32>, tensor<?x8x8x8xf32>) {
  %y, %last = marimba.linear_attention %q, %q, %v
      outs(%v, %s : tensor<?x1x8x8xf32>, tensor<?x8x8x8xf32>)
      : tensor<?x1x4x8xf32>, tensor<?x1x4x8xf32>, tensor<?x1x8x8xf32>
     -> tensor<?x1x8x8xf32>, tensor<?x8x8x8xf32>
  return %y, %last : tensor<?x1x8x8xf32>, tensor<?x8x8x8xf32>
}

// -----

// Three heads share keys: four or two would read keys of two groups, in part.

// HEADS-LABEL: func @odd_groups(
// HEADS: scf.forall {{.*}} to (%{{.*}}, 12) step (1, 3)
// HEADS: marimba.linear_attention {{.*}} tensor<1x1x1x8xf32>, tensor<1x1x1x8xf32>, tensor<1x1x3x8xf32>
func.func @odd_groups(%q: tensor<?x1x4x8xf32>, %v: tensor<?x1x12x8xf32>,
    %s: tensor<?x12x8x8xf32>) -> (tensor<?x1x12x8xf32>, tensor<?x12x8x8xf32>) {
  %y, %last = marimba.linear_attention %q, %q, %v
      outs(%v, %s : tensor<?x1x12x8xf32>, tensor<?x12x8x8xf32>)
      : tensor<?x1x4x8xf32>, tensor<?x1x4x8xf32>, tensor<?x1x12x8xf32>
     -> tensor<?x1x12x8xf32>, tensor<?x12x8x8xf32>
  return %y, %last : tensor<?x1x12x8xf32>, tensor<?x12x8x8xf32>
}

// -----

// Keys of 16384 and values of one: the keys of a group are what a tile is made
// of, one at a time and four tokens of them.

// HEADS-LABEL: func @long_keys(
// HEADS: scf.forall {{.*}} in (%{{.*}}, 4)
// HEADS: scf.for {{.*}} step %c4
// HEADS: marimba.linear_attention {{.*}} tensor<1x?x1x16384xf32>, tensor<1x?x1x16384xf32>, tensor<1x?x1x1xf32>
func.func @long_keys(%q: tensor<?x?x4x16384xf32>, %v: tensor<?x?x4x1xf32>,
    %s: tensor<?x4x16384x1xf32>) -> (tensor<?x?x4x1xf32>, tensor<?x4x16384x1xf32>) {
  %y, %last = marimba.linear_attention %q, %q, %v
      outs(%v, %s : tensor<?x?x4x1xf32>, tensor<?x4x16384x1xf32>)
      : tensor<?x?x4x16384xf32>, tensor<?x?x4x16384xf32>, tensor<?x?x4x1xf32>
     -> tensor<?x?x4x1xf32>, tensor<?x4x16384x1xf32>
  return %y, %last : tensor<?x?x4x1xf32>, tensor<?x4x16384x1xf32>
}

// -----

// Keys that are wider than values count: what makes them is in the nest, too.

// DEFAULT-LABEL: func @narrow_values(
// DEFAULT: scf.forall {{.*}} to (%{{.*}}, 64) step (1, 4)
func.func @narrow_values(%q: tensor<?x?x64x128xf32>, %v: tensor<?x?x64x1xf32>,
    %s: tensor<?x64x128x1xf32>) -> (tensor<?x?x64x1xf32>, tensor<?x64x128x1xf32>) {
  %y, %last = marimba.linear_attention %q, %q, %v
      outs(%v, %s : tensor<?x?x64x1xf32>, tensor<?x64x128x1xf32>)
      : tensor<?x?x64x128xf32>, tensor<?x?x64x128xf32>, tensor<?x?x64x1xf32>
     -> tensor<?x?x64x1xf32>, tensor<?x64x128x1xf32>
  return %y, %last : tensor<?x?x64x1xf32>, tensor<?x64x128x1xf32>
}

// -----

// A norm of each head reads the output twice. Its sum of squares, its factor and
// the gate are in both loops, and nothing of all tokens holds what is between.

// HEADS-LABEL: func @normed(
// HEADS-SAME: %[[V:[a-z0-9]+]]: tensor<?x?x8x8xf32>, %[[Z:[a-z0-9]+]]: tensor<?x?x8x8xf32>, %[[OUT:[a-z0-9]+]]: tensor<?x?x8x8xf32>
// HEADS-NOT: linalg.
// HEADS: scf.forall {{.*}} shared_outs(%{{.*}} = %{{.*}}, %{{.*}} = %{{.*}}) -> (
// HEADS: scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}, %{{.*}} = %{{.*}}) -> (
// HEADS: %[[Y:.*]]:2 = marimba.linear_attention
// HEADS: linalg.fill
// HEADS: %[[SQUARES:.*]] = linalg.generic {{.*}} ins(%[[Y]]#0 :
// HEADS: %[[FACTOR:.*]] = linalg.generic {{.*}} ins(%[[SQUARES]] :
// HEADS: linalg.generic {{.*}} ins(%[[Y]]#0, %[[FACTOR]], %
// HEADS: tensor.insert_slice
// HEADS-NOT: tensor.insert_slice
// HEADS: scf.yield
// HEADS-NOT: linalg.
// HEADS: return
func.func @normed(%q: tensor<?x?x4x8xf32>, %v: tensor<?x?x8x8xf32>,
    %z: tensor<?x?x8x8xf32>, %out: tensor<?x?x8x8xf32>,
    %s: tensor<?x8x8x8xf32>) -> (tensor<?x?x8x8xf32>, tensor<?x8x8x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %rows = tensor.dim %v, %c0 : tensor<?x?x8x8xf32>
  %time = tensor.dim %v, %c1 : tensor<?x?x8x8xf32>
  %y0 = tensor.empty(%rows, %time) : tensor<?x?x8x8xf32>
  %y, %last = marimba.linear_attention %q, %q, %v
      outs(%y0, %s : tensor<?x?x8x8xf32>, tensor<?x8x8x8xf32>)
      : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>, tensor<?x?x8x8xf32>
     -> tensor<?x?x8x8xf32>, tensor<?x8x8x8xf32>
  %e0 = tensor.empty(%rows, %time) : tensor<?x?x8xf32>
  %none = linalg.fill ins(%zero : f32) outs(%e0 : tensor<?x?x8xf32>)
      -> tensor<?x?x8xf32>
  %squares = linalg.generic {
      indexing_maps = [affine_map<(b, t, h, p) -> (b, t, h, p)>,
                       affine_map<(b, t, h, p) -> (b, t, h)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%y : tensor<?x?x8x8xf32>) outs(%none : tensor<?x?x8xf32>) {
  ^bb0(%in: f32, %sum: f32):
    %0 = arith.mulf %in, %in : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x?x8xf32>
  %e1 = tensor.empty(%rows, %time) : tensor<?x?x8xf32>
  %factor = linalg.generic {
      indexing_maps = [affine_map<(b, t, h) -> (b, t, h)>,
                       affine_map<(b, t, h) -> (b, t, h)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%squares : tensor<?x?x8xf32>) outs(%e1 : tensor<?x?x8xf32>) {
  ^bb0(%in: f32, %init: f32):
    %0 = math.rsqrt %in : f32
    linalg.yield %0 : f32
  } -> tensor<?x?x8xf32>
  %gated = linalg.generic {
      indexing_maps = [affine_map<(b, t, h, p) -> (b, t, h, p)>,
                       affine_map<(b, t, h, p) -> (b, t, h)>,
                       affine_map<(b, t, h, p) -> (b, t, h, p)>,
                       affine_map<(b, t, h, p) -> (b, t, h, p)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%y, %factor, %z : tensor<?x?x8x8xf32>, tensor<?x?x8xf32>,
          tensor<?x?x8x8xf32>) outs(%out : tensor<?x?x8x8xf32>) {
  ^bb0(%in: f32, %f: f32, %g: f32, %init: f32):
    %0 = arith.mulf %in, %f : f32
    %1 = arith.mulf %0, %g : f32
    linalg.yield %1 : f32
  } -> tensor<?x?x8x8xf32>
  return %gated, %last : tensor<?x?x8x8xf32>, tensor<?x8x8x8xf32>
}
