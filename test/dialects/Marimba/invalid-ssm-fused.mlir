// RUN: marimba-opt %s -split-input-file -verify-diagnostics

func.func @selective_scan_A(%u: memref<?x?x8xf32>, %A: memref<8x4xf32>,
    %B: memref<?x?x4xf32>, %s: memref<?x4x8xf32>) {
  // expected-error@+1 {{A has size 4 in dimension 1 (D), expected 8: dimension 2 of u}}
  marimba.selective_scan %u, %u, %A, %B, %B
      outs(%u, %s : memref<?x?x8xf32>, memref<?x4x8xf32>)
      : memref<?x?x8xf32>, memref<?x?x8xf32>, memref<8x4xf32>,
        memref<?x?x4xf32>, memref<?x?x4xf32>
  return
}

// -----

func.func @selective_scan_bias(%u: memref<?x?x8xf32>, %A: memref<4x8xf32>,
    %B: memref<?x?x4xf32>, %s: memref<?x4x8xf32>, %b: memref<1x8xf32>) {
  // expected-error@+1 {{delta_bias has rank 2, expected 1: [D]}}
  marimba.selective_scan %u, %u, %A, %B, %B delta_bias(%b : memref<1x8xf32>)
      outs(%u, %s : memref<?x?x8xf32>, memref<?x4x8xf32>)
      : memref<?x?x8xf32>, memref<?x?x8xf32>, memref<4x8xf32>,
        memref<?x?x4xf32>, memref<?x?x4xf32>
  return
}

// -----

func.func @conv_state(%x: memref<?x?x8xf32>, %w: memref<4x8xf32>,
                      %s: memref<?x4x8xf32>) {
  // expected-error@+1 {{state has size 4 in dimension 1 (W-1), expected 3: one less than the weight's width 4}}
  marimba.causal_conv1d %x, %w
      outs(%x, %s : memref<?x?x8xf32>, memref<?x4x8xf32>)
      : memref<?x?x8xf32>, memref<4x8xf32>
  return
}

// -----

func.func @conv_width(%x: memref<?x?x8xf32>, %w: memref<0x8xf32>,
                      %s: memref<?x?x8xf32>) {
  // expected-error@+1 {{weight has width 0, expected at least 1}}
  marimba.causal_conv1d %x, %w
      outs(%x, %s : memref<?x?x8xf32>, memref<?x?x8xf32>)
      : memref<?x?x8xf32>, memref<0x8xf32>
  return
}

// -----

func.func @dynamic_states(%x: memref<?x?x8xf32>, %A: memref<?x8xf32>,
    %B: memref<?x?x?xf32>, %h: memref<?x?x8xf32>) {
  // expected-error @+1 {{N is dynamic, expected a static size}}
  marimba.selective_scan %x, %x, %A, %B, %B
      outs(%x, %h : memref<?x?x8xf32>, memref<?x?x8xf32>)
      : memref<?x?x8xf32>, memref<?x?x8xf32>, memref<?x8xf32>,
        memref<?x?x?xf32>, memref<?x?x?xf32>
  return
}
