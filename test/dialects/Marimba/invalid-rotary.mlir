// RUN: marimba-opt %s -split-input-file -verify-diagnostics

func.func @no_frequencies(%past: memref<?xi32>, %t: memref<?x?x0xf32>) {
  // expected-error@+1 {{has no frequencies, expected at least one}}
  marimba.rotary_table %past outs(%t, %t : memref<?x?x0xf32>, memref<?x?x0xf32>)
      {frequencies = array<f32>} : memref<?xi32>
  return
}

// -----

func.func @infinite(%past: memref<?xi32>, %t: memref<?x?x2xf32>) {
  // expected-error@+1 {{frequency 1 is inf, expected a finite number}}
  marimba.rotary_table %past outs(%t, %t : memref<?x?x2xf32>, memref<?x?x2xf32>)
      {frequencies = array<f32: 1.0, 0x7F800000>} : memref<?xi32>
  return
}

// -----

func.func @count(%past: memref<?xi32>, %t: memref<?x?x2xf32>) {
  // expected-error@+1 {{cos has size 2 in dimension 2 (J), expected 3: the number of frequencies}}
  marimba.rotary_table %past outs(%t, %t : memref<?x?x2xf32>, memref<?x?x2xf32>)
      {frequencies = array<f32: 1.0, 0.1, 0.01>} : memref<?xi32>
  return
}

// -----

func.func @one_table(%past: memref<?xi32>, %t: memref<?x?x1xf32>) {
  // expected-error@+1 {{has 1 destinations, expected 2: cos, sin}}
  marimba.rotary_table %past outs(%t : memref<?x?x1xf32>)
      {frequencies = array<f32: 1.0>} : memref<?xi32>
  return
}

// -----

func.func @too_many(%x: memref<?x?x6x8xf32>, %t: memref<?x?x5xf32>) {
  // expected-error@+1 {{turns 5 pairs of elements (J), expected at most half of a head's 8 (dh)}}
  marimba.rotary_embedding %x, %t, %t outs(%x : memref<?x?x6x8xf32>)
      : memref<?x?x6x8xf32>, memref<?x?x5xf32>, memref<?x?x5xf32>
  return
}

// -----

func.func @tables(%x: memref<?x?x6x8xf32>, %c: memref<?x?x4xf32>,
    %s: memref<?x?x2xf32>) {
  // expected-error@+1 {{sin has size 2 in dimension 2 (J), expected 4: dimension 2 of cos}}
  marimba.rotary_embedding %x, %c, %s outs(%x : memref<?x?x6x8xf32>)
      : memref<?x?x6x8xf32>, memref<?x?x4xf32>, memref<?x?x2xf32>
  return
}

// -----

func.func @dynamic(%x: memref<?x?x6x?xf32>, %t: memref<?x?x4xf32>) {
  // expected-error@+1 {{dh is dynamic, expected a static size}}
  marimba.rotary_embedding %x, %t, %t outs(%x : memref<?x?x6x?xf32>)
      : memref<?x?x6x?xf32>, memref<?x?x4xf32>, memref<?x?x4xf32>
  return
}
