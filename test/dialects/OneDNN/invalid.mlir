// RUN: marimba-opt %s -split-input-file -verify-diagnostics

func.func @rank(%x: memref<8xf32>, %w: memref<4x8xf32>, %y: memref<4xf32>) {
  // expected-error@+1 {{input has rank 1, expected 2 or 3}}
  onednn.matmul %x, %w outs(%y : memref<4xf32>) : memref<8xf32>, memref<4x8xf32>
  return
}

// -----

func.func @weight(%x: memref<?x8xf32>, %w: memref<8x4xf32>,
                  %y: memref<?x4xf32>) {
  // expected-error@+1 {{weight has size 4 in dimension 1 (K), expected 8: dimension 1 of input}}
  onednn.matmul %x, %w outs(%y : memref<?x4xf32>)
      : memref<?x8xf32>, memref<8x4xf32>
  return
}

// -----

func.func @output(%x: memref<?x8xf32>, %w: memref<4x8xf32>,
                  %y: memref<?x8xf32>) {
  // expected-error@+1 {{output has size 8 in dimension 1 (N), expected 4: dimension 0 of weight}}
  onednn.matmul %x, %w outs(%y : memref<?x8xf32>)
      : memref<?x8xf32>, memref<4x8xf32>
  return
}

// -----

func.func @strided(%x: memref<?x8xf32, strided<[16, 2]>>, %w: memref<4x8xf32>,
                   %y: memref<?x4xf32>) {
  // expected-error@+1 {{input is strided in its last dimension, expected stride 1}}
  onednn.matmul %x, %w outs(%y : memref<?x4xf32>)
      : memref<?x8xf32, strided<[16, 2]>>, memref<4x8xf32>
  return
}

// -----

func.func @strided_output(%x: memref<?x8xf32>, %w: memref<4x8xf32>,
                          %y: memref<?x4xf32, strided<[1, ?]>>) {
  // expected-error@+1 {{output is strided in its last dimension, expected stride 1}}
  onednn.matmul %x, %w outs(%y : memref<?x4xf32, strided<[1, ?]>>)
      : memref<?x8xf32>, memref<4x8xf32>
  return
}

// -----

func.func @destinations(%x: memref<?x8xf32>, %w: memref<4x8xf32>) {
  // expected-error@+1 {{has 2 destinations, expected 1: output}}
  onednn.matmul %x, %w outs(%x, %x : memref<?x8xf32>, memref<?x8xf32>)
      : memref<?x8xf32>, memref<4x8xf32>
  return
}

// -----

func.func @dynamic_weight(%x: memref<?x8xf32>, %w: memref<?x8xf32>,
    %y: memref<?x?xf32>) {
  // expected-error @+1 {{N is dynamic, expected a static size}}
  onednn.matmul %x, %w outs(%y : memref<?x?xf32>)
      : memref<?x8xf32>, memref<?x8xf32>
  return
}
