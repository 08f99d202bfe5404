// RUN: marimba-opt %s -split-input-file -verify-diagnostics

func.func @discretize(%d: tensor<?x?x8xf32>, %A: tensor<4x8xf32>,
                      %B: tensor<?x?x5xf32>) {
  // expected-error@+1 {{B has size 5 in dimension 2 (N), expected 4: dimension 0 of A}}
  marimba.discretize euler %d, %A, %B, %d
      : tensor<?x?x8xf32>, tensor<4x8xf32>, tensor<?x?x5xf32>
     -> tensor<?x?x4x8xf32>
  return
}

// -----

func.func @discretize_result(%d: tensor<?x?x8xf32>, %A: tensor<4x8xf32>,
                             %B: tensor<?x?x4xf32>) {
  // expected-error@+1 {{decay has size 8 in dimension 2 (N), expected 4: dimension 0 of A}}
  marimba.discretize euler %d, %A, %B, %d
      : tensor<?x?x8xf32>, tensor<4x8xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x8x4xf32>
  return
}

// -----

func.func @scan(%x: tensor<?x?x4x8xf32>, %s: tensor<?x3x8xf32>) {
  // expected-error@+1 {{state has size 3 in dimension 1 (N), expected 4: dimension 2 of decay}}
  marimba.scan %x, %x outs(%x, %s : tensor<?x?x4x8xf32>, tensor<?x3x8xf32>)
      : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4x8xf32>, tensor<?x3x8xf32>
  return
}

// -----

func.func @scan_valid(%x: memref<2x?x4x8xf32>, %s: memref<2x4x8xf32>,
                      %v: memref<3xi32>) {
  // expected-error@+1 {{valid has size 3 in dimension 0 (B), expected 2: dimension 0 of decay}}
  marimba.scan %x, %x valid(%v : memref<3xi32>)
      outs(%x, %s : memref<2x?x4x8xf32>, memref<2x4x8xf32>)
      : memref<2x?x4x8xf32>, memref<2x?x4x8xf32>
  return
}

// -----

func.func @readout(%x: tensor<?x?x4x8xf32>, %C: tensor<?x?x8xf32>) {
  // expected-error@+1 {{C has size 8 in dimension 2 (N), expected 4: dimension 2 of states}}
  marimba.readout %x, %C
      : tensor<?x?x4x8xf32>, tensor<?x?x8xf32> -> tensor<?x?x8xf32>
  return
}

// -----

func.func @readout_half_skip(%x: tensor<?x?x4x8xf32>, %C: tensor<?x?x4xf32>,
                             %D: tensor<8xf32>) {
  // expected-error@+1 {{has D without u, expected both or none}}
  "marimba.readout"(%x, %C, %D) <{operandSegmentSizes = array<i32: 1, 1, 1, 0>}>
      : (tensor<?x?x4x8xf32>, tensor<?x?x4xf32>, tensor<8xf32>)
     -> tensor<?x?x8xf32>
  return
}

// -----

func.func @readout_half_skip(%x: tensor<?x?x4x8xf32>, %C: tensor<?x?x4xf32>,
                             %u: tensor<?x?x8xf32>) {
  // expected-error@+1 {{has u without D, expected both or none}}
  "marimba.readout"(%x, %C, %u) <{operandSegmentSizes = array<i32: 1, 1, 0, 1>}>
      : (tensor<?x?x4x8xf32>, tensor<?x?x4xf32>, tensor<?x?x8xf32>)
     -> tensor<?x?x8xf32>
  return
}
