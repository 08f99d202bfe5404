// RUN: marimba-opt %s -write-results -split-input-file -verify-diagnostics | FileCheck %s

// An identity would fold into its input; what it writes to stays named.

// CHECK-LABEL: func @identity(
// CHECK-SAME: %{{.*}}: tensor<4xf32> {marimba.input = "x"}, %[[O:.*]]: tensor<4xf32>
// CHECK: %[[R:.*]] = linalg.transpose
// CHECK: %[[M:.*]] = bufferization.materialize_in_destination %[[R]] in %[[O]]
// CHECK: return %[[M]]
func.func @identity(%x: tensor<4xf32> {marimba.input = "x"}, %o: tensor<4xf32> {marimba.output = "y"})
    -> tensor<4xf32> attributes {marimba.entry = "prefill"} {
  %r = linalg.transpose ins(%x : tensor<4xf32>) outs(%o : tensor<4xf32>) permutation = [0]
  return %r : tensor<4xf32>
}

// -----

// What loops write stays as it is.

// CHECK-LABEL: func @loop(
// CHECK: %[[L:.*]] = scf.for
// CHECK-NOT: materialize_in_destination
// CHECK: return %[[L]]
func.func @loop(%x: tensor<4xf32> {marimba.input = "x"}, %o: tensor<4xf32> {marimba.output = "y"})
    -> tensor<4xf32> attributes {marimba.entry = "prefill"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %c1 step %c1 iter_args(%a = %o) -> tensor<4xf32> {
    %s = tensor.insert_slice %x into %a[0] [4] [1] : tensor<4xf32> into tensor<4xf32>
    scf.yield %s : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}

// -----

// What is copied already, and functions that are no entries, stay as they are.

// CHECK-LABEL: func @written(
// CHECK: %[[M:.*]] = bufferization.materialize_in_destination
// CHECK-NEXT: return %[[M]]
func.func @written(%x: tensor<4xf32> {marimba.input = "x"}, %o: tensor<4xf32> {marimba.output = "y"})
    -> tensor<4xf32> attributes {marimba.entry = "prefill"} {
  %r = bufferization.materialize_in_destination %x in %o : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}
// CHECK-LABEL: func private @helper(
// CHECK-NEXT: return
func.func private @helper(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// -----

func.func @input(%x: tensor<4xf32> {marimba.input = "x"}, %o: tensor<4xf32> {marimba.output = "y"})
    -> tensor<4xf32> attributes {marimba.entry = "prefill"} {
  // expected-error @below {{result #0 is the input, argument #0, expected what was written to an output or a state}}
  return %x : tensor<4xf32>
}

// -----

func.func @new(%x: tensor<4xf32> {marimba.input = "x"}, %o: tensor<4xf32> {marimba.output = "y"})
    -> tensor<4xf32> attributes {marimba.entry = "prefill"} {
  %r = arith.addf %x, %x : tensor<4xf32>
  // expected-error @below {{result #0 is a new tensor, made by 'arith.addf', expected what was written}}
  return %r : tensor<4xf32>
}

// -----

func.func @twice(%s: tensor<4xf32> {marimba.state = "s"}, %o: tensor<4xf32> {marimba.output = "y"})
    -> (tensor<4xf32>, tensor<4xf32>) attributes {marimba.entry = "prefill"} {
  %r = linalg.copy ins(%s : tensor<4xf32>) outs(%o : tensor<4xf32>) -> tensor<4xf32>
  // expected-error @below {{result #1 was written to argument #1, as another result was}}
  return %r, %r : tensor<4xf32>, tensor<4xf32>
}
