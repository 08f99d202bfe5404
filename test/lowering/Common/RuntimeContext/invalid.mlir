// RUN: marimba-opt %s -add-runtime-context -split-input-file \
// RUN:   -verify-diagnostics

marimba.weight @A : tensor<4x8xf32> derived

func.func private @layer(%x: memref<?x8xf32>) {
  // expected-error@+1 {{weights are read in entries only (functions with 'marimba.entry'): pass this one as an argument}}
  %w = marimba.get_weight @A : memref<4x8xf32>
  return
}

// -----

// expected-error@+1 {{argument #1 of an entry has type 'index', expected a tensor}}
func.func @prefill(%x: memref<?x8xf32>, %n: index)
    attributes {marimba.entry = "prefill"} {
  return
}
