// RUN: marimba-opt %s -split-input-file -verify-diagnostics

func.func @packed(%x: tensor<?x1x64xbf16>, %w: tensor<64x64xf32>, %y: tensor<?x1x64xf32>) {
  // expected-error@+1 {{input is bf16 with weights packed as f32, expected f32}}
  %0 = marimba.packed_matmul %x, %w packed f32 outs(%y : tensor<?x1x64xf32>)
      : tensor<?x1x64xbf16>, tensor<64x64xf32> -> tensor<?x1x64xf32>
  return
}

// -----

func.func @type(%x: tensor<?x64xf32>, %w: tensor<64x64xf16>, %y: tensor<?x64xf32>) {
  // expected-error@+1 {{packed is neither f32 nor bf16}}
  %0 = marimba.packed_matmul %x, %w packed f16 outs(%y : tensor<?x64xf32>)
      : tensor<?x64xf32>, tensor<64x64xf16> -> tensor<?x64xf32>
  return
}

// -----

func.func @twice(%x: tensor<?x64xf32>, %w: tensor<64x64xf32>, %y: tensor<?x64xf32>) {
  // expected-error@+1 {{has the post-op sum twice, expected it once at most}}
  %0 = marimba.packed_matmul %x, %w packed f32 post_ops [sum, sum] outs(%y : tensor<?x64xf32>)
      : tensor<?x64xf32>, tensor<64x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @operand(%x: tensor<?x64xi8>, %s: tensor<?x1xf32>, %m: tensor<?x32xf32>,
    %w: tensor<64x64xi8, #marimba.quantized<channel, scale f32>>, %y: tensor<?x64xf32>) {
  // expected-error@+1 {{operand of a post-op}}
  %0 = marimba.quantized_matmul %x scales(%s, %s : tensor<?x1xf32>, tensor<?x1xf32>), %w
      as tensor<64x64xi8, #marimba.quantized<channel, scale f32>>
      post_ops [mul(%m : tensor<?x32xf32>)] outs(%y : tensor<?x64xf32>)
      : tensor<?x64xi8>, tensor<64x64xi8, #marimba.quantized<channel, scale f32>> -> tensor<?x64xf32>
  return
}

// -----

func.func @rank(%x: tensor<64xf32>, %w: tensor<64x64xf32>, %y: tensor<64xf32>) {
  // expected-error@+1 {{input has rank 1, expected 2 or 3}}
  %0 = marimba.packed_matmul %x, %w packed f32 outs(%y : tensor<64xf32>)
      : tensor<64xf32>, tensor<64x64xf32> -> tensor<64xf32>
  return
}

// -----

func.func @rounded_rows(%ids: tensor<?x?xi32>, %w: tensor<32x64xf32>, %y: tensor<?x?x64xf32>) {
  // expected-error@+1 {{packed is neither f32 nor what the table holds, bf16}}
  %0 = marimba.packed_embedding %ids, %w packed bf16 outs(%y : tensor<?x?x64xf32>)
      : tensor<?x?xi32>, tensor<32x64xf32> -> tensor<?x?x64xf32>
  return
}

// -----

func.func @rows_of_another_size(%ids: tensor<?x?xi32>, %w: tensor<32x64xf32>, %y: tensor<?x?x32xf32>) {
  // expected-error@+1 {{output}}
  %0 = marimba.packed_embedding %ids, %w packed f32 outs(%y : tensor<?x?x32xf32>)
      : tensor<?x?xi32>, tensor<32x64xf32> -> tensor<?x?x32xf32>
  return
}
