// RUN: marimba-opt %s -bufferize-model -split-input-file -verify-diagnostics

// The old state is read behind the scan, so the new one needs a buffer.

// expected-error@+1 {{result #0 is a new buffer; it has to be one of the arguments, updated in place (is its old value read afterwards?)}}
func.func private @old_state(%x: tensor<?x?x4x8xf32>, %h: tensor<?x4x8xf32>)
    -> (tensor<?x4x8xf32>, tensor<?x4x8xf32>) {
  %s, %last = marimba.scan %x, %x
      outs(%x, %h : tensor<?x?x4x8xf32>, tensor<?x4x8xf32>)
      : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4x8xf32>, tensor<?x4x8xf32>
  return %last, %h : tensor<?x4x8xf32>, tensor<?x4x8xf32>
}

// -----

// An entry returns what it made instead of writing to an output.

// expected-error@+1 {{result #0 is a new buffer}}
func.func @prefill(%n: index) -> tensor<?xf32>
    attributes {marimba.entry = "prefill"} {
  %f = arith.constant 1.0 : f32
  %e = tensor.empty(%n) : tensor<?xf32>
  %y = linalg.fill ins(%f : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

// expected-error @+1 {{has a value of type 'tensor<*xf32>' at its boundary, expected ranked tensors}}
func.func @unranked(%x: tensor<*xf32>) -> tensor<*xf32> {
  return %x : tensor<*xf32>
}
