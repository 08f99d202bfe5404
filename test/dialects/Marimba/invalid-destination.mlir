// RUN: marimba-opt %s -split-input-file -verify-diagnostics

// What all destination-style ops share.

func.func @count(%x: tensor<?x?x4x8xf32>, %s: tensor<?x4x8xf32>) {
  // expected-error@+1 {{has 1 destinations, expected 2: states, state}}
  marimba.scan %x, %x outs(%x : tensor<?x?x4x8xf32>)
      : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32> -> tensor<?x?x4x8xf32>
  return
}

// -----

func.func @mixed(%x: tensor<?x?x4x8xf32>, %s: memref<?x4x8xf32>) {
  // expected-error@+1 {{has tensors and memrefs as operands, expected only one of the two}}
  marimba.scan %x, %x outs(%x, %s : tensor<?x?x4x8xf32>, memref<?x4x8xf32>)
      : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32> -> tensor<?x?x4x8xf32>
  return
}

// -----

func.func @missing(%x: tensor<?x?x4x8xf32>, %s: tensor<?x4x8xf32>) {
  // expected-error@+1 {{has 0 results, expected 2: one for each destination tensor}}
  marimba.scan %x, %x outs(%x, %s : tensor<?x?x4x8xf32>, tensor<?x4x8xf32>)
      : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>
  return
}

// -----

func.func @on_memrefs(%x: memref<?x8xf32>, %p: memref<?xi32>) {
  // expected-error@+1 {{has 1 results, expected 0: none on memrefs}}
  marimba.gather_rows %x, %p outs(%x : memref<?x8xf32>) {top_k = 1 : i64}
      : memref<?x8xf32>, memref<?xi32> -> tensor<?x8xf32>
  return
}

// -----

func.func @tied(%x: tensor<?x8xf32>, %p: tensor<?xi32>) {
  // expected-error@+1 {{expected type of operand #2 ('tensor<?x8xf32>') to match type of corresponding result ('tensor<3x8xf32>')}}
  marimba.gather_rows %x, %p outs(%x : tensor<?x8xf32>) {top_k = 1 : i64}
      : tensor<?x8xf32>, tensor<?xi32> -> tensor<3x8xf32>
  return
}
