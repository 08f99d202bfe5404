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

// -----

func.func @narrow_output(%x: memref<?x8xf32>, %w: memref<4x8xf32>,
    %y: memref<?x4xbf16>) {
  // expected-error@+1 {{output is bf16 with an f32 input, expected f32}}
  onednn.matmul %x, %w outs(%y : memref<?x4xbf16>)
      : memref<?x8xf32>, memref<4x8xf32>
  return
}

// -----

func.func @sum_twice(%x: memref<?x8xf32>, %w: memref<4x8xf32>,
    %y: memref<?x4xf32>) {
  // expected-error@+1 {{has the post-op sum twice, expected it once at most}}
  onednn.matmul %x, %w post_ops [sum, silu, sum] outs(%y : memref<?x4xf32>)
      : memref<?x8xf32>, memref<4x8xf32>
  return
}

// -----

func.func @five(%x: memref<?x8xf32>, %w: memref<4x8xf32>,
    %y: memref<?x4xf32>) {
  // expected-error@+1 {{has 5 post-ops, expected at most 4}}
  onednn.matmul %x, %w post_ops [silu, silu, silu, silu, silu]
      outs(%y : memref<?x4xf32>) : memref<?x8xf32>, memref<4x8xf32>
  return
}

// -----

func.func @operand_shape(%x: memref<?x8xf32>, %w: memref<4x8xf32>,
    %m: memref<?x8xf32>, %y: memref<?x4xf32>) {
  // expected-error@+1 {{operand of a post-op has size 8 in dimension 1 (N), expected 4: dimension 0 of weight}}
  onednn.matmul %x, %w post_ops [mul(%m : memref<?x8xf32>)]
      outs(%y : memref<?x4xf32>) : memref<?x8xf32>, memref<4x8xf32>
  return
}

// -----

func.func @unknown_post_op(%x: memref<?x8xf32>, %w: memref<4x8xf32>,
    %y: memref<?x4xf32>) {
  // expected-error@+1 {{post-op is 'tanh', expected sum, silu, mul, add, scale or relu2}}
  onednn.matmul %x, %w post_ops [tanh] outs(%y : memref<?x4xf32>)
      : memref<?x8xf32>, memref<4x8xf32>
  return
}

// -----

func.func @scale(%x: memref<?x8xf32>, %w: memref<4x8xf32>,
    %y: memref<?x4xf32>) {
  // expected-error@+1 {{has the post-op scale, expected sum, silu, mul, add or relu2}}
  onednn.matmul %x, %w post_ops [scale(0.5)] outs(%y : memref<?x4xf32>)
      : memref<?x8xf32>, memref<4x8xf32>
  return
}

// -----

func.func @missing_operand(%x: memref<?x8xf32>, %w: memref<4x8xf32>,
    %y: memref<?x4xf32>) {
  // expected-error@+1 {{has 0 operands of post-ops, expected 1: one for each mul and add}}
  "onednn.matmul"(%x, %w, %y) <{operandSegmentSizes = array<i32: 1, 1, 0, 0, 1>,
      postOps = [#marimba<post_op mul>]}>
      : (memref<?x8xf32>, memref<4x8xf32>, memref<?x4xf32>) -> ()
  return
}

// -----

func.func @reorder_shape(%x: memref<?x8xf32>, %y: memref<?x4xbf16>) {
  // expected-error@+1 {{output has size 4 in dimension 1 (N), expected 8: dimension 1 of input}}
  onednn.reorder %x outs(%y : memref<?x4xbf16>) : memref<?x8xf32>
  return
}

// -----

func.func @reorder_strided(%x: memref<?x8xf32, strided<[16, 2]>>,
    %y: memref<?x8xbf16>) {
  // expected-error@+1 {{input is strided in its last dimension, expected stride 1}}
  onednn.reorder %x outs(%y : memref<?x8xbf16>)
      : memref<?x8xf32, strided<[16, 2]>>
  return
}

// -----

!w = tensor<64x64xi4, #marimba.quantized<channel, scale f32>>
func.func @nibbles(%x: tensor<?x64xi8>, %w: tensor<2304xi8>, %y: tensor<?x64xi32>) {
  // expected-error@+1 {{weight has codes of 4 bits, expected 8}}
  %0 = onednn.integer_matmul %x, %w as !w outs(%y : tensor<?x64xi32>)
      : tensor<?x64xi8>, tensor<2304xi8> -> tensor<?x64xi32>
  return
}
