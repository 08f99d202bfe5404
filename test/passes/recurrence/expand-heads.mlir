// RUN: marimba-opt %s -expand-heads -split-input-file | FileCheck %s

// The gate of channels, and the SiLU that makes it, go by heads; the collapse
// is what is left for the projection.

// CHECK-LABEL: func @gate(
// CHECK-SAME: %[[Q:[a-z0-9]+]]: tensor<?x?x2x6xf32>, %[[V:[a-z0-9]+]]: tensor<?x?x4x8xf32>, %[[Z:[a-z0-9]+]]: tensor<?x?x32xf32>
// CHECK: %[[Y:.*]]:2 = marimba.linear_attention
// CHECK: %[[ZH:.*]] = tensor.expand_shape %[[Z]] {{\[\[}}0], [1], [2, 3]]
// CHECK: %[[G:.*]] = linalg.generic {{.*}} ins(%[[ZH]] : tensor<?x?x4x8xf32>)
// CHECK: math.exp
// CHECK: %[[GATED:.*]] = linalg.generic {{.*}} ins(%[[Y]]#0, %[[G]] : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>)
// CHECK: %[[D:.*]] = tensor.collapse_shape %[[GATED]] {{\[\[}}0], [1], [2, 3]]
// CHECK: return %[[D]]
#all = affine_map<(b, t, d) -> (b, t, d)>
func.func @gate(%q: tensor<?x?x2x6xf32>, %v: tensor<?x?x4x8xf32>,
    %z: tensor<?x?x32xf32>, %s: tensor<?x4x6x8xf32>, %e: tensor<?x?x32xf32>)
    -> (tensor<?x?x32xf32>, tensor<?x4x6x8xf32>) {
  %y, %last = marimba.linear_attention %q, %q, %v
      outs(%v, %s : tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>)
      : tensor<?x?x2x6xf32>, tensor<?x?x2x6xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>
  %flat = tensor.collapse_shape %y [[0], [1], [2, 3]]
      : tensor<?x?x4x8xf32> into tensor<?x?x32xf32>
  %g = linalg.generic {indexing_maps = [#all, #all],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%z : tensor<?x?x32xf32>) outs(%e : tensor<?x?x32xf32>) {
  ^bb0(%a: f32, %o: f32):
    %x = math.exp %a : f32
    linalg.yield %x : f32
  } -> tensor<?x?x32xf32>
  %gated = linalg.generic {indexing_maps = [#all, #all, #all],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%flat, %g : tensor<?x?x32xf32>, tensor<?x?x32xf32>)
      outs(%flat : tensor<?x?x32xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %m = arith.mulf %a, %b : f32
    linalg.yield %m : f32
  } -> tensor<?x?x32xf32>
  return %gated, %last : tensor<?x?x32xf32>, tensor<?x4x6x8xf32>
}

// -----

// A norm sums over all heads, and what it scales has two readers. Sizes are
// asked of the heads.

// CHECK-LABEL: func @norm(
// CHECK-SAME: %[[Q:[a-z0-9]+]]: tensor<?x?x2x6xf32>, %[[V:[a-z0-9]+]]: tensor<?x?x4x8xf32>
// CHECK: %[[D:.*]] = tensor.collapse_shape
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]} ins(%[[D]] : tensor<?x?x32xf32>)
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "parallel"]} ins(%[[D]] : tensor<?x?x32xf32>)
// CHECK: tensor.dim %[[V]], %c1
// CHECK: return
func.func @norm(%q: tensor<?x?x2x6xf32>, %v: tensor<?x?x4x8xf32>,
    %s: tensor<?x4x6x8xf32>, %e: tensor<?x?xf32>, %w: tensor<?x?x32xf32>)
    -> (tensor<?x?xf32>, tensor<?x?x32xf32>, index) {
  %c1 = arith.constant 1 : index
  %y, %last = marimba.linear_attention %q, %q, %v
      outs(%v, %s : tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>)
      : tensor<?x?x2x6xf32>, tensor<?x?x2x6xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4x8xf32>, tensor<?x4x6x8xf32>
  %flat = tensor.collapse_shape %y [[0], [1], [2, 3]]
      : tensor<?x?x4x8xf32> into tensor<?x?x32xf32>
  %sum = linalg.generic {indexing_maps = [affine_map<(b, t, d) -> (b, t, d)>,
      affine_map<(b, t, d) -> (b, t)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%flat : tensor<?x?x32xf32>) outs(%e : tensor<?x?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.addf %a, %o : f32
    linalg.yield %m : f32
  } -> tensor<?x?xf32>
  %scaled = linalg.generic {indexing_maps = [affine_map<(b, t, d) -> (b, t, d)>,
      affine_map<(b, t, d) -> (b, t, d)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%flat : tensor<?x?x32xf32>) outs(%w : tensor<?x?x32xf32>) {
  ^bb0(%a: f32, %o: f32):
    %x = arith.addf %a, %a : f32
    linalg.yield %x : f32
  } -> tensor<?x?x32xf32>
  %time = tensor.dim %flat, %c1 : tensor<?x?x32xf32>
  return %sum, %scaled, %time : tensor<?x?xf32>, tensor<?x?x32xf32>, index
}

// -----

// Heads of something else: attention's output is read as it is.

// CHECK-LABEL: func @no_recurrence(
// CHECK: %[[D:.*]] = tensor.collapse_shape
// CHECK: linalg.generic {{.*}} ins(%[[D]] : tensor<?x?x32xf32>)
func.func @no_recurrence(%y: tensor<?x?x4x8xf32>, %e: tensor<?x?x32xf32>)
    -> tensor<?x?x32xf32> {
  %flat = tensor.collapse_shape %y [[0], [1], [2, 3]]
      : tensor<?x?x4x8xf32> into tensor<?x?x32xf32>
  %g = linalg.generic {indexing_maps = [affine_map<(b, t, d) -> (b, t, d)>,
      affine_map<(b, t, d) -> (b, t, d)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%flat : tensor<?x?x32xf32>) outs(%e : tensor<?x?x32xf32>) {
  ^bb0(%a: f32, %o: f32):
    %x = math.exp %a : f32
    linalg.yield %x : f32
  } -> tensor<?x?x32xf32>
  return %g : tensor<?x?x32xf32>
}

// -----

// What is read twelve times, ten times over, is looked at once.

#heads = affine_map<(b, t, h, p) -> (b, t, h, p)>
#flat = affine_map<(b, t, d) -> (b, t, d)>
!heads = tensor<?x?x4x8xf32>

// CHECK-LABEL: func @read_often(
// CHECK: tensor.collapse_shape
// CHECK: math.exp
// CHECK: return
func.func @read_often(%x0: !heads, %e: !heads, %f: tensor<?x?x32xf32>)
    -> tensor<?x?x32xf32> {
  %x1 = linalg.generic {
      indexing_maps = [#heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x0, %x0, %x0, %x0, %x0, %x0, %x0, %x0, %x0, %x0, %x0, %x0 : !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads)
      outs(%e : !heads) {
  ^bb0(%a0: f32, %a1: f32, %a2: f32, %a3: f32, %a4: f32, %a5: f32, %a6: f32, %a7: f32, %a8: f32, %a9: f32, %a10: f32, %a11: f32, %a12: f32):
    linalg.yield %a0 : f32
  } -> !heads
  %x2 = linalg.generic {
      indexing_maps = [#heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x1, %x1, %x1, %x1, %x1, %x1, %x1, %x1, %x1, %x1, %x1, %x1 : !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads)
      outs(%e : !heads) {
  ^bb0(%a0: f32, %a1: f32, %a2: f32, %a3: f32, %a4: f32, %a5: f32, %a6: f32, %a7: f32, %a8: f32, %a9: f32, %a10: f32, %a11: f32, %a12: f32):
    linalg.yield %a0 : f32
  } -> !heads
  %x3 = linalg.generic {
      indexing_maps = [#heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x2, %x2, %x2, %x2, %x2, %x2, %x2, %x2, %x2, %x2, %x2, %x2 : !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads)
      outs(%e : !heads) {
  ^bb0(%a0: f32, %a1: f32, %a2: f32, %a3: f32, %a4: f32, %a5: f32, %a6: f32, %a7: f32, %a8: f32, %a9: f32, %a10: f32, %a11: f32, %a12: f32):
    linalg.yield %a0 : f32
  } -> !heads
  %x4 = linalg.generic {
      indexing_maps = [#heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x3, %x3, %x3, %x3, %x3, %x3, %x3, %x3, %x3, %x3, %x3, %x3 : !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads)
      outs(%e : !heads) {
  ^bb0(%a0: f32, %a1: f32, %a2: f32, %a3: f32, %a4: f32, %a5: f32, %a6: f32, %a7: f32, %a8: f32, %a9: f32, %a10: f32, %a11: f32, %a12: f32):
    linalg.yield %a0 : f32
  } -> !heads
  %x5 = linalg.generic {
      indexing_maps = [#heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x4, %x4, %x4, %x4, %x4, %x4, %x4, %x4, %x4, %x4, %x4, %x4 : !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads)
      outs(%e : !heads) {
  ^bb0(%a0: f32, %a1: f32, %a2: f32, %a3: f32, %a4: f32, %a5: f32, %a6: f32, %a7: f32, %a8: f32, %a9: f32, %a10: f32, %a11: f32, %a12: f32):
    linalg.yield %a0 : f32
  } -> !heads
  %x6 = linalg.generic {
      indexing_maps = [#heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x5, %x5, %x5, %x5, %x5, %x5, %x5, %x5, %x5, %x5, %x5, %x5 : !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads)
      outs(%e : !heads) {
  ^bb0(%a0: f32, %a1: f32, %a2: f32, %a3: f32, %a4: f32, %a5: f32, %a6: f32, %a7: f32, %a8: f32, %a9: f32, %a10: f32, %a11: f32, %a12: f32):
    linalg.yield %a0 : f32
  } -> !heads
  %x7 = linalg.generic {
      indexing_maps = [#heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x6, %x6, %x6, %x6, %x6, %x6, %x6, %x6, %x6, %x6, %x6, %x6 : !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads)
      outs(%e : !heads) {
  ^bb0(%a0: f32, %a1: f32, %a2: f32, %a3: f32, %a4: f32, %a5: f32, %a6: f32, %a7: f32, %a8: f32, %a9: f32, %a10: f32, %a11: f32, %a12: f32):
    linalg.yield %a0 : f32
  } -> !heads
  %x8 = linalg.generic {
      indexing_maps = [#heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x7, %x7, %x7, %x7, %x7, %x7, %x7, %x7, %x7, %x7, %x7, %x7 : !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads)
      outs(%e : !heads) {
  ^bb0(%a0: f32, %a1: f32, %a2: f32, %a3: f32, %a4: f32, %a5: f32, %a6: f32, %a7: f32, %a8: f32, %a9: f32, %a10: f32, %a11: f32, %a12: f32):
    linalg.yield %a0 : f32
  } -> !heads
  %x9 = linalg.generic {
      indexing_maps = [#heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x8, %x8, %x8, %x8, %x8, %x8, %x8, %x8, %x8, %x8, %x8, %x8 : !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads)
      outs(%e : !heads) {
  ^bb0(%a0: f32, %a1: f32, %a2: f32, %a3: f32, %a4: f32, %a5: f32, %a6: f32, %a7: f32, %a8: f32, %a9: f32, %a10: f32, %a11: f32, %a12: f32):
    linalg.yield %a0 : f32
  } -> !heads
  %x10 = linalg.generic {
      indexing_maps = [#heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads, #heads],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x9, %x9, %x9, %x9, %x9, %x9, %x9, %x9, %x9, %x9, %x9, %x9 : !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads, !heads)
      outs(%e : !heads) {
  ^bb0(%a0: f32, %a1: f32, %a2: f32, %a3: f32, %a4: f32, %a5: f32, %a6: f32, %a7: f32, %a8: f32, %a9: f32, %a10: f32, %a11: f32, %a12: f32):
    linalg.yield %a0 : f32
  } -> !heads
  %flat = tensor.collapse_shape %x10 [[0], [1], [2, 3]]
      : !heads into tensor<?x?x32xf32>
  %g = linalg.generic {indexing_maps = [#flat, #flat],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%flat : tensor<?x?x32xf32>) outs(%f : tensor<?x?x32xf32>) {
  ^bb0(%a: f32, %o: f32):
    %x = math.exp %a : f32
    linalg.yield %x : f32
  } -> tensor<?x?x32xf32>
  return %g : tensor<?x?x32xf32>
}
