// RUN: marimba-opt %s -approximate-math -split-input-file | FileCheck %s

// CHECK-LABEL: func @scalar(
// CHECK-NOT: math.exp
// CHECK: math.fma {{.*}} : f32
// CHECK-NOT: math.exp
// CHECK: return
func.func @scalar(%x: f32) -> f32 {
  %0 = math.exp %x : f32
  return %0 : f32
}

// -----

// 2^n in two factors; NaN passes both clamps.

// CHECK-LABEL: func @vector(
// CHECK-SAME: %[[X:.*]]: vector<16xf32>
// CHECK-NOT: math.exp
// CHECK-DAG: %[[LOW:.*]] = arith.constant dense<-1.040000e+02> : vector<16xf32>
// CHECK-DAG: %[[HIGH:.*]] = arith.constant dense<8.900000e+01> : vector<16xf32>
// CHECK-DAG: %[[BIAS:.*]] = arith.constant dense<127> : vector<16xi32>
// CHECK: %[[BELOW:.*]] = arith.cmpf olt, %[[X]], %[[LOW]]
// CHECK: %[[X1:.*]] = arith.select %[[BELOW]], %[[LOW]], %[[X]]
// CHECK: %[[ABOVE:.*]] = arith.cmpf ogt, %[[X1]], %[[HIGH]]
// CHECK: arith.select %[[ABOVE]], %[[HIGH]], %[[X1]]
// CHECK: %[[HALF:.*]] = arith.shrsi %[[WHOLE:.*]], %{{.*}} : vector<16xi32>
// CHECK: %[[REST:.*]] = arith.subi %[[WHOLE]], %[[HALF]]
// CHECK-DAG: arith.addi %[[HALF]], %[[BIAS]]
// CHECK-DAG: arith.addi %[[REST]], %[[BIAS]]
// CHECK: return
func.func @vector(%x: vector<16xf32>) -> vector<16xf32> {
  %0 = math.exp %x : vector<16xf32>
  return %0 : vector<16xf32>
}

// -----

// With afn: degree 5, and 2^n in one factor. The product with log2 e is exact
// in two steps, so that large arguments are no worse than small ones.

// CHECK-LABEL: func @fast(
// CHECK-NOT: math.exp
// CHECK-DAG: %[[LOG2E:.*]] = arith.constant dense<1.44269502> : vector<16xf32>
// CHECK-DAG: %[[LOW:.*]] = arith.constant dense<1.925963{{.*}}> : vector<16xf32>
// CHECK: %[[SHIFTED:.*]] = math.fma %[[X:.*]], %[[LOG2E]],
// CHECK: %[[N:.*]] = arith.subf %[[SHIFTED]],
// CHECK: %[[MINUS:.*]] = arith.negf %[[N]]
// CHECK: %[[F:.*]] = math.fma %[[X]], %[[LOG2E]], %[[MINUS]]
// CHECK: %[[G:.*]] = math.fma %[[X]], %[[LOW]], %[[F]]
// CHECK-COUNT-5: math.fma %{{.*}}, %[[G]],
// CHECK-NOT: math.fma
// CHECK: arith.mulf
// CHECK: return
func.func @fast(%x: vector<16xf32>) -> vector<16xf32> {
  %0 = math.exp %x fastmath<afn> : vector<16xf32>
  return %0 : vector<16xf32>
}

// -----

// CHECK-LABEL: func @exp2(
// CHECK-NOT: math.exp2
// CHECK: return
func.func @exp2(%x: f32, %v: vector<8xf32>) -> (f32, vector<8xf32>) {
  %0 = math.exp2 %x : f32
  %1 = math.exp2 %v : vector<8xf32>
  return %0, %1 : f32, vector<8xf32>
}

// -----

// CHECK-LABEL: func @log(
// CHECK-NOT: math.log
// CHECK: return
func.func @log(%x: f32, %v: vector<8xf32>)
    -> (f32, vector<8xf32>, f32, vector<8xf32>) {
  %0 = math.log1p %x : f32
  %1 = math.log1p %v : vector<8xf32>
  %2 = math.log %x : f32
  %3 = math.log %v : vector<8xf32>
  return %0, %1, %2, %3 : f32, vector<8xf32>, f32, vector<8xf32>
}

// -----

// CHECK-LABEL: func @trigonometry(
// CHECK-NOT: math.{{sin|cos|tanh}}
// CHECK: return
func.func @trigonometry(%x: f32, %v: vector<8xf32>)
    -> (f32, vector<8xf32>, vector<8xf32>, vector<8xf32>) {
  %0 = math.sin %x : f32
  %1 = math.cos %v : vector<8xf32>
  %2 = math.sin %v : vector<8xf32>
  %3 = math.tanh %v : vector<8xf32>
  return %0, %1, %2, %3 : f32, vector<8xf32>, vector<8xf32>, vector<8xf32>
}

// -----

// The polynomials are for f32.

// CHECK-LABEL: func @other_types(
// CHECK: math.exp %{{.*}} : f64
// CHECK: math.exp %{{.*}} : vector<4xf16>
// CHECK: math.log1p %{{.*}} : f64
func.func @other_types(%x: f64, %h: vector<4xf16>)
    -> (f64, vector<4xf16>, f64) {
  %0 = math.exp %x : f64
  %1 = math.exp %h : vector<4xf16>
  %2 = math.log1p %x : f64
  return %0, %1, %2 : f64, vector<4xf16>, f64
}

// -----

// Roots and others are instructions or not on the fast routes.

// CHECK-LABEL: func @others(
// CHECK: math.sqrt
// CHECK: math.tan
func.func @others(%x: f32) -> (f32, f32) {
  %0 = math.sqrt %x : f32
  %1 = math.tan %x : f32
  return %0, %1 : f32, f32
}

// -----

// The logarithm of softplus: its argument is at most 1.

// CHECK-LABEL: func @softplus_tail(
// CHECK: %[[E:.*]] = arith.mulf
// CHECK-COUNT-8: math.fma %{{.*}}, %[[E]],
// CHECK-NOT: math.fma
// CHECK: arith.mulf %{{.*}}, %[[E]]
// CHECK: return
func.func @softplus_tail(%x: vector<8xf32>) -> vector<8xf32> {
  %a = math.absf %x : vector<8xf32>
  %m = arith.negf %a : vector<8xf32>
  %e = math.exp %m fastmath<afn> : vector<8xf32>
  %l = math.log1p %e fastmath<afn> : vector<8xf32>
  return %l : vector<8xf32>
}

// -----

// Of exp(-x) nobody knows that it is at most 1: MLIR's logarithm.

// CHECK-LABEL: func @any_argument(
// CHECK: arith.cmpf
// CHECK: arith.select
// CHECK: arith.bitcast
// CHECK: math.fma
// CHECK: return
func.func @any_argument(%x: vector<8xf32>) -> vector<8xf32> {
  %m = arith.negf %x : vector<8xf32>
  %e = math.exp %m fastmath<afn> : vector<8xf32>
  %l = math.log1p %e fastmath<afn> : vector<8xf32>
  return %l : vector<8xf32>
}
