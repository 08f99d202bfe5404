// RUN: marimba-opt %s -split-input-file -verify-diagnostics

// expected-error@+1 {{group is 48, expected 16, 32, 64 or 128}}
func.func private @f(tensor<64x64xi8, #marimba.quantized<group 48, scale bf16>>)

// -----

// expected-error@+1 {{scale is 'i32', expected bf16, f16, f32, f8E8M0FNU or f8E4M3FN}}
func.func private @f(tensor<64x64xi8, #marimba.quantized<group 64, scale i32>>)

// -----

// expected-error@+1 {{quantised elements are 'i16', expected i8, i6, i5, i4, i3 or i2}}
func.func private @f(tensor<64x64xi16, #marimba.quantized<channel, scale f32>>)

// -----

// expected-error@+1 {{super-blocks have 128 inputs, expected 256, with groups in them}}
func.func private @f(tensor<64x256xi4, #marimba.quantized<group 32, scale f16 per 128>>)

// -----

// expected-error@+1 {{super-blocks have 256 inputs, expected 256, with groups in them}}
func.func private @f(tensor<64x256xi4, #marimba.quantized<channel, scale f16 per 256>>)

// -----

// expected-error@+1 {{zero points with values of e2m1, expected codes that are integers}}
func.func private @f(tensor<64x64xi4, #marimba.quantized<group 32, scale f16, zero_point, values e2m1>>)

// -----

// expected-error@+1 {{elements of 'i4' with values of e4m3, expected i8}}
func.func private @f(tensor<64x64xi4, #marimba.quantized<group 64, scale f32, values e4m3>>)

// -----

// expected-error@+1 {{values are 'e5m2', expected}}
func.func private @f(tensor<64x64xi8, #marimba.quantized<group 64, scale f32, values e5m2>>)

// -----

// expected-error@+1 {{found 'median', expected minimum, zero_point or values}}
func.func private @f(tensor<64x64xi4, #marimba.quantized<group 64, scale f32, median>>)

// -----

// expected-error@+1 {{values of iq2_xs, expected them with group 16, scale f16 per 256 and nothing else}}
func.func private @f(tensor<64x256xi2, #marimba.quantized<group 32, scale f16 per 256, values iq2_xs>>)

// -----

// expected-error@+1 {{values of iq3_s, expected them with group 32, scale f16 per 256 and nothing else}}
func.func private @f(tensor<64x256xi3, #marimba.quantized<group 32, scale f16 per 256, minimum, values iq3_s>>)

// -----

// expected-error@+1 {{elements of 'i3' with values of iq2_xxs, expected i2}}
func.func private @f(tensor<64x256xi3, #marimba.quantized<group 32, scale f16 per 256, values iq2_xxs>>)

// -----

// expected-error@+1 {{has 4 sources, expected 5: codes, high_bits, signs, scales, super_scales of each matrix}}
marimba.weight @w : tensor<64x256xi3, #marimba.quantized<group 32, scale f16 per 256, values iq3_s>> from ["w.codes", "w.high_bits", "w.scales", "w.super_scales"]

// -----

// expected-error@+1 {{quantised tensor has rank 1, expected a matrix or a stack of them}}
func.func private @f(tensor<64xi8, #marimba.quantized<channel, scale f32>>)

// -----

// expected-error@+1 {{quantised tensor has a dimension that is dynamic, expected static sizes}}
func.func private @f(tensor<?x64xi8, #marimba.quantized<channel, scale f32>>)

// -----

// expected-error@+1 {{has 1 sources, expected 2: codes, scales of each matrix}}
marimba.weight @w : tensor<64x64xi8, #marimba.quantized<channel, scale f32>> from ["w.codes"]

// -----

// expected-error@+1 {{has 2 sources, expected 3: codes, scales, zeros of each matrix}}
marimba.weight @w : tensor<64x64xi4, #marimba.quantized<group 64, scale bf16, zero_point>> from ["w.codes", "w.scales"]

// -----

// expected-error@+1 {{has 2 sources, expected 3: codes, scales, minimums of each matrix}}
marimba.weight @w : tensor<64x64xi8, #marimba.quantized<group 32, scale f16, minimum>> from ["w.codes", "w.scales"]

// -----

// expected-error@+1 {{has type 'tensor<64xi8>', expected tensor<4352xi8>: the bytes of}}
marimba.weight @w : tensor<64xi8> as tensor<64x64xi8, #marimba.quantized<channel, scale f32>> from ["w.codes", "w.scales"]

// -----

!w = tensor<64x64xi8, #marimba.quantized<group 64, scale bf16>>
func.func @input(%x: tensor<2x64xi8>, %w: !w, %y: tensor<2x64xf32>) {
  // expected-error@+1 {{input has type 'tensor<2x64xi8>', expected elements of i8 with scales, of f32 or bf16 without}}
  %0 = marimba.quantized_matmul %x, %w as !w outs(%y : tensor<2x64xf32>)
      : tensor<2x64xi8>, !w -> tensor<2x64xf32>
  return
}

// -----

!w = tensor<64x64xi8, #marimba.quantized<group 64, scale bf16>>
func.func @bytes(%x: tensor<2x64xf32>, %w: tensor<64xi8>, %y: tensor<2x64xf32>) {
  // expected-error@+1 {{weight has type 'tensor<64xi8>', expected 'tensor<64x64xi8, #marimba.quantized<group 64, scale bf16>>' or its bytes, 'tensor<4224xi8>'}}
  %0 = marimba.quantized_matmul %x, %w as !w outs(%y : tensor<2x64xf32>)
      : tensor<2x64xf32>, tensor<64xi8> -> tensor<2x64xf32>
  return
}

// -----

!w = tensor<2x64x64xi8, #marimba.quantized<group 64, scale bf16>>
func.func @stack(%x: tensor<2x64xf32>, %w: !w, %y: tensor<2x64xf32>) {
  // expected-error@+1 {{reads a stack of 2 matrices, expected the index of one}}
  %0 = marimba.quantized_matmul %x, %w as !w outs(%y : tensor<2x64xf32>)
      : tensor<2x64xf32>, !w -> tensor<2x64xf32>
  return
}

// -----

!w = tensor<64x256xi8, #marimba.quantized<group 64, scale bf16>>
func.func @groups(%x: tensor<2x256xi8>, %s: tensor<2x2xf32>, %w: !w,
    %y: tensor<2x64xf32>) {
  // expected-error@+1 {{input has 2 groups (G), expected a multiple of the 4 of the weight, of a multiple of 16 inputs each}}
  %0 = marimba.quantized_matmul %x scales(%s, %s : tensor<2x2xf32>, tensor<2x2xf32>),
      %w as !w outs(%y : tensor<2x64xf32>)
      : tensor<2x256xi8>, !w -> tensor<2x64xf32>
  return
}

// -----

func.func @rows(%x: tensor<2x70xf32>, %c: tensor<2x64xi8>, %s: tensor<2x1xf32>) {
  // expected-error@+1 {{has 64 codes (KP), expected at least the 70 inputs (K)}}
  %0:3 = marimba.quantize_rows %x outs(%c, %s, %s : tensor<2x64xi8>, tensor<2x1xf32>, tensor<2x1xf32>)
      : tensor<2x70xf32> -> tensor<2x64xi8>, tensor<2x1xf32>, tensor<2x1xf32>
  return
}

// -----

!w = tensor<64x64xi8, #marimba.quantized<group 64, scale bf16>>
func.func @tile(%w: !w, %i: index, %t: tensor<64x128xf32>) {
  // expected-error@+1 {{output has 128 channels, expected at most the 64 of the weight}}
  %0 = marimba.dequantize %w from %i as !w outs(%t : tensor<64x128xf32>)
      : !w -> tensor<64x128xf32>
  return
}

// -----

!w = tensor<64x128xi8, #marimba.quantized<group 64, scale bf16>>
func.func @terms(%w: !w, %s: tensor<64xf32>, %t: tensor<64xi32>) {
  // expected-error@+1 {{weight has several scales a channel or elements of i4, expected i8 with one scale for each channel}}
  %0:2 = marimba.channel_terms %w as !w outs(%s, %t : tensor<64xf32>, tensor<64xi32>)
      : !w -> tensor<64xf32>, tensor<64xi32>
  return
}
