// RUN: marimba-opt %s -convert-marimba-to-linalg | FileCheck %s

// CHECK: #[[ID:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>

// Minus infinity is not divided by infinity.

// CHECK-LABEL: func @silu
// CHECK: linalg.generic {indexing_maps = [#[[ID]], #[[ID]]], iterator_types = ["parallel", "parallel", "parallel"]}
// CHECK: ^bb0(%[[X:.*]]: f32, %{{.*}}: f32)
// CHECK: %[[LEAST:.*]] = arith.constant -1.28
// CHECK: %[[BEYOND:.*]] = arith.cmpf olt, %[[X]], %[[LEAST]]
// CHECK: %[[BOUNDED:.*]] = arith.select %[[BEYOND]], %[[LEAST]], %[[X]]
// CHECK: %[[NEG:.*]] = arith.negf %[[BOUNDED]]
// CHECK: %[[EXP:.*]] = math.exp %[[NEG]] fastmath<afn> : f32
// CHECK: %[[ONE:.*]] = arith.constant 1.0
// CHECK: %[[SUM:.*]] = arith.addf %[[EXP]], %[[ONE]]
// CHECK: %[[Y:.*]] = arith.divf %[[BOUNDED]], %[[SUM]]
// CHECK: linalg.yield %[[Y]]
func.func @silu(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  %0 = marimba.silu %x : tensor<?x?x8xf32>
  return %0 : tensor<?x?x8xf32>
}

// CHECK-LABEL: func @sigmoid
// CHECK: ^bb0(%[[X:.*]]: f32, %{{.*}}: f32)
// CHECK: %[[NEG:.*]] = arith.negf %[[X]]
// CHECK: %[[EXP:.*]] = math.exp %[[NEG]] fastmath<afn>
// CHECK: %[[SUM:.*]] = arith.addf %[[EXP]], %{{.*}}
// CHECK: %[[Y:.*]] = arith.divf %{{.*}}, %[[SUM]]
// CHECK: linalg.yield %[[Y]]
func.func @sigmoid(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  %0 = marimba.sigmoid %x : tensor<?x?x8xf32>
  return %0 : tensor<?x?x8xf32>
}

// CHECK-LABEL: func @relu2
// CHECK: ^bb0(%[[X:.*]]: f32, %{{.*}}: f32)
// CHECK: %[[ZERO:.*]] = arith.constant 0.0
// CHECK: %[[MAX:.*]] = arith.maximumf %[[X]], %[[ZERO]]
// CHECK: %[[Y:.*]] = arith.mulf %[[MAX]], %[[MAX]]
// CHECK: linalg.yield %[[Y]]
func.func @relu2(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  %0 = marimba.relu2 %x : tensor<?x?x8xf32>
  return %0 : tensor<?x?x8xf32>
}

// max(x, 0) + log1p(exp(-|x|)) neither overflows nor cancels.

// CHECK-LABEL: func @softplus
// CHECK: ^bb0(%[[X:.*]]: f32, %{{.*}}: f32)
// CHECK: %[[ABS:.*]] = math.absf %[[X]]
// CHECK: %[[NEG:.*]] = arith.negf %[[ABS]]
// CHECK: %[[EXP:.*]] = math.exp %[[NEG]] fastmath<afn>
// CHECK: %[[TAIL:.*]] = math.log1p %[[EXP]] fastmath<afn>
// CHECK: %[[ZERO:.*]] = arith.constant 0.0
// CHECK: %[[MAX:.*]] = arith.maximumf %[[X]], %[[ZERO]]
// CHECK: %[[Y:.*]] = arith.addf %[[MAX]], %[[TAIL]]
// CHECK: linalg.yield %[[Y]]
func.func @softplus(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  %0 = marimba.softplus %x : tensor<?x?x8xf32>
  return %0 : tensor<?x?x8xf32>
}

// The step of Mamba-2; comparisons leave NaN as it is.

// CHECK-LABEL: func @step
// CHECK: ^bb0(%[[X:.*]]: f32, %[[B:.*]]: bf16, %{{.*}}: f32)
// CHECK: %[[BIAS:.*]] = arith.extf %[[B]]
// CHECK: %[[SUM:.*]] = arith.addf %[[X]], %[[BIAS]]
// CHECK: math.absf %[[SUM]]
// CHECK: %[[SOFT:.*]] = arith.addf
// CHECK: %[[LEAST:.*]] = arith.constant 1.000000e-03
// CHECK: %[[BELOW:.*]] = arith.cmpf olt, %[[SOFT]], %[[LEAST]]
// CHECK: %[[RAISED:.*]] = arith.select %[[BELOW]], %[[LEAST]], %[[SOFT]]
// CHECK: %[[MOST:.*]] = arith.constant 1.000000e-01
// CHECK: %[[ABOVE:.*]] = arith.cmpf ogt, %[[RAISED]], %[[MOST]]
// CHECK: %[[Y:.*]] = arith.select %[[ABOVE]], %[[MOST]], %[[RAISED]]
// CHECK: linalg.yield %[[Y]]
func.func @step(%x: tensor<?x?x8xf32>, %b: tensor<8xbf16>)
    -> tensor<?x?x8xf32> {
  %0 = marimba.softplus %x bias(%b : tensor<8xbf16>) min(1.0e-3) max(0.1)
      : tensor<?x?x8xf32>
  return %0 : tensor<?x?x8xf32>
}

// CHECK-LABEL: func @swiglu
// CHECK-SAME: %[[GATE:.*]]: tensor<?x?x8xf32>, %[[UP:.*]]: tensor<?x?x8xf32>
// CHECK: linalg.generic {{.*}} ins(%[[GATE]], %[[UP]]
// CHECK: ^bb0(%[[G:.*]]: f32, %[[U:.*]]: f32, %{{.*}}: f32)
// CHECK: arith.cmpf olt, %[[G]],
// CHECK: %[[SILU:.*]] = arith.divf
// CHECK: %[[Y:.*]] = arith.mulf %[[SILU]], %[[U]]
// CHECK: linalg.yield %[[Y]]
func.func @swiglu(%g: tensor<?x?x8xf32>, %u: tensor<?x?x8xf32>)
    -> tensor<?x?x8xf32> {
  %0 = marimba.swiglu %g, %u : tensor<?x?x8xf32>
  return %0 : tensor<?x?x8xf32>
}

// CHECK-LABEL: func @softcap
// CHECK: ^bb0(%[[X:.*]]: f32, %{{.*}}: f32)
// CHECK: %[[PART:.*]] = arith.constant 2.5
// CHECK: %[[ARG:.*]] = arith.mulf %[[X]], %[[PART]]
// CHECK: %[[BOUNDED:.*]] = math.tanh %[[ARG]]
// CHECK: %[[CAP:.*]] = arith.constant 4.0
// CHECK: %[[Y:.*]] = arith.mulf %[[BOUNDED]], %[[CAP]]
// CHECK: linalg.yield %[[Y]]
func.func @softcap(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  %0 = marimba.softcap %x cap(4.0) : tensor<?x?x8xf32>
  return %0 : tensor<?x?x8xf32>
}

// Minus infinity is not added to infinity.

// CHECK-LABEL: func @gelu
// CHECK: ^bb0(%[[X:.*]]: f32, %{{.*}}: f32)
// CHECK: %[[LEAST:.*]] = arith.constant -1.6
// CHECK: %[[BEYOND:.*]] = arith.cmpf olt, %[[X]], %[[LEAST]]
// CHECK: %[[BOUNDED:.*]] = arith.select %[[BEYOND]], %[[LEAST]], %[[X]]
// CHECK: %[[HALF:.*]] = arith.mulf %[[BOUNDED]],
// CHECK: %[[SCALED:.*]] = arith.mulf %[[BOUNDED]],
// CHECK: %[[ERF:.*]] = math.erf %[[SCALED]]
// CHECK: %[[Y:.*]] = math.fma %[[HALF]], %[[ERF]], %[[HALF]]
// CHECK: linalg.yield %[[Y]]
func.func @gelu(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  %0 = marimba.gelu %x : tensor<?x?x8xf32>
  return %0 : tensor<?x?x8xf32>
}

// 1 + tanh(y) is 2 sigmoid(2 y); minus infinity is not multiplied by 0.

// CHECK-LABEL: func @gelu_with_tanh
// CHECK: ^bb0(%[[X:.*]]: f32, %{{.*}}: f32)
// CHECK: %[[LEAST:.*]] = arith.constant -1.6
// CHECK: %[[BEYOND:.*]] = arith.cmpf olt, %[[X]], %[[LEAST]]
// CHECK: %[[BOUNDED:.*]] = arith.select %[[BEYOND]], %[[LEAST]], %[[X]]
// CHECK: %[[SQUARE:.*]] = arith.mulf %[[BOUNDED]], %[[BOUNDED]]
// CHECK: %[[CUBE:.*]] = arith.mulf %[[SQUARE]], %[[BOUNDED]]
// CHECK: %[[FACTOR:.*]] = arith.constant 4.471500e-02
// CHECK: %[[SUM:.*]] = math.fma %[[CUBE]], %[[FACTOR]], %[[BOUNDED]]
// CHECK: %[[TWICE:.*]] = arith.constant 1.595
// CHECK: %[[ARG:.*]] = arith.mulf %[[SUM]], %[[TWICE]]
// CHECK: arith.negf %[[ARG]]
// CHECK: math.exp %{{.*}} fastmath<afn>
// CHECK: %[[SIGMOID:.*]] = arith.divf
// CHECK: %[[Y:.*]] = arith.mulf %[[BOUNDED]], %[[SIGMOID]]
// CHECK: linalg.yield %[[Y]]
func.func @gelu_with_tanh(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  %0 = marimba.gelu %x {with_tanh} : tensor<?x?x8xf32>
  return %0 : tensor<?x?x8xf32>
}

// CHECK-LABEL: func @scale
// CHECK: ^bb0(%[[X:.*]]: f32, %{{.*}}: f32)
// CHECK: %[[FACTOR:.*]] = arith.constant 4.375
// CHECK: %[[Y:.*]] = arith.mulf %[[X]], %[[FACTOR]]
// CHECK: linalg.yield %[[Y]]
func.func @scale(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  %0 = marimba.scale %x by(0.4375) : tensor<?x?x8xf32>
  return %0 : tensor<?x?x8xf32>
}

// CHECK-LABEL: func @static
// CHECK: tensor.empty() : tensor<2x8xf32>
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]
func.func @static(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %0 = marimba.silu %x : tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// Destination-style ops are for later.

// CHECK-LABEL: func @not_matched
// CHECK: marimba.gather_rows
func.func @not_matched(%x: tensor<?x8xf32>, %p: tensor<?xi32>)
    -> tensor<?x8xf32> {
  %0 = marimba.gather_rows %x, %p outs(%x : tensor<?x8xf32>) {top_k = 1 : i64}
      : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}
