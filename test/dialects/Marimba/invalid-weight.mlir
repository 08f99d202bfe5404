// RUN: marimba-opt %s -split-input-file -verify-diagnostics

// expected-error@+1 {{has type 'tensor<?x8xbf16>', expected a static tensor of f32, bf16, f16 or i32}}
marimba.weight @w : tensor<?x8xbf16> from ["w"]

// -----

// expected-error@+1 {{has type 'tensor<8xi8>', expected a static tensor of f32, bf16, f16 or i32}}
marimba.weight @w : tensor<8xi8> from ["w"]

// -----

// expected-error@+1 {{has type 'memref<8xf32>', expected a static tensor of f32, bf16, f16 or i32}}
marimba.weight @w : memref<8xf32> derived

// -----

// expected-error@+1 {{has no source, expected `from` or `derived`}}
marimba.weight @w : tensor<8xf32>

// -----

// expected-error@+1 {{is derived but has sources, expected only one of both}}
marimba.weight @w : tensor<8xf32> from ["w"] derived

// -----

// expected-error@+1 {{has an empty list of sources, expected at least one}}
marimba.weight @w : tensor<8xf32> from []

// -----

// expected-error@+1 {{has a source without a name}}
marimba.weight @w : tensor<2x8xf32> from ["w", ""]

// -----

// expected-error@+1 {{stacks 3 sources in 'tensor<4x8xf32>', expected dimension 0 of that size}}
marimba.weight @w : tensor<4x8xf32> from ["a", "b", "c"]

// -----

// expected-error@+1 {{stacks 2 sources in 'tensor<f32>', expected dimension 0 of that size}}
marimba.weight @w : tensor<f32> from ["a", "b"]

// -----

func.func private @f()
func.func @g() {
  // expected-error@+1 {{refers to @f, which is not a marimba.weight}}
  %w = marimba.get_weight @f : tensor<8xf32>
  return
}

// -----

func.func @missing() {
  // expected-error@+1 {{refers to @w, which is not a marimba.weight}}
  %w = marimba.get_weight @w : tensor<8xf32>
  return
}

// -----

marimba.weight @w : tensor<8xf32> from ["w"]
func.func @element_type() {
  // expected-error@+1 {{has a result of type 'tensor<8xbf16>', expected 'tensor<8xf32>': the type of @w}}
  %w = marimba.get_weight @w : tensor<8xbf16>
  return
}

// -----

marimba.weight @w : tensor<8xf32> from ["w"]
func.func @shape() {
  // expected-error@+1 {{has a result of type 'memref<9xf32>', expected 'tensor<8xf32>': the type of @w}}
  %w = marimba.get_weight @w : memref<9xf32>
  return
}

// -----

marimba.weight @w : tensor<8xf32> from ["w"]
func.func @layout() {
  // expected-error@+1 {{has a result of type 'memref<8xf32, strided<[2]>>', expected row-major order}}
  %w = marimba.get_weight @w : memref<8xf32, strided<[2]>>
  return
}
