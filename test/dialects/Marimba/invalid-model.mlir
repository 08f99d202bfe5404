// RUN: marimba-opt %s -split-input-file -verify-diagnostics

func.func @embedding_rank(%ids: tensor<?xi32>, %table: tensor<9x8xf32>) {
  // expected-error@+1 {{ids has rank 1, expected 2: [B, T]}}
  marimba.embedding %ids, %table
      : tensor<?xi32>, tensor<9x8xf32> -> tensor<?x?x8xf32>
  return
}

// -----

func.func @embedding_result(%ids: tensor<?x?xi32>, %table: tensor<9x8xf32>) {
  // expected-error@+1 {{result has size 7 in dimension 2 (H), expected 8: dimension 1 of table}}
  marimba.embedding %ids, %table
      : tensor<?x?xi32>, tensor<9x8xf32> -> tensor<?x?x7xf32>
  return
}

// -----

func.func @gather_tokens(%x: tensor<2x?x8xf32>, %p: tensor<3x1xi32>) {
  // expected-error@+1 {{positions has size 3 in dimension 0 (B), expected 2: dimension 0 of input}}
  marimba.gather_tokens %x, %p
      : tensor<2x?x8xf32>, tensor<3x1xi32> -> tensor<2x1x8xf32>
  return
}

// -----

func.func @permute_channels(%x: tensor<?x?x8xf32>, %order: tensor<7xi32>) {
  // expected-error@+1 {{order has size 7 in dimension 0 (K), expected 8: dimension 2 of input}}
  marimba.permute_channels %x, %order : tensor<?x?x8xf32>, tensor<7xi32>
  return
}

// -----

func.func @permute_nothing(%x: tensor<f32>, %order: tensor<1xi32>) {
  // expected-error@+1 {{input has rank 0, expected at least 1}}
  marimba.permute_channels %x, %order : tensor<f32>, tensor<1xi32>
  return
}

// -----

func.func @linear_scalar(%x: tensor<f32>, %w: tensor<4x8xf32>) {
  // expected-error@+1 {{input has rank 0, expected at least 1}}
  marimba.linear %x, %w : tensor<f32>, tensor<4x8xf32> -> tensor<4xf32>
  return
}

// -----

func.func @linear_weight(%x: tensor<?x64xf32>, %w: tensor<4x65xf32>) {
  // expected-error@+1 {{weight has size 65 in dimension 1 (in), expected 64: dimension 1 of input}}
  marimba.linear %x, %w : tensor<?x64xf32>, tensor<4x65xf32> -> tensor<?x4xf32>
  return
}

// -----

func.func @linear_bias(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>,
                       %b: tensor<5xf32>) {
  // expected-error@+1 {{bias has size 5 in dimension 0 (out), expected 4: dimension 0 of weight}}
  marimba.linear %x, %w bias(%b : tensor<5xf32>)
      : tensor<?x8xf32>, tensor<4x8xf32> -> tensor<?x4xf32>
  return
}

// -----

func.func @linear_result(%x: tensor<3x8xf32>, %w: tensor<4x8xf32>) {
  // expected-error@+1 {{result has size 2 in dimension 0 (d0), expected 3: dimension 0 of input}}
  marimba.linear %x, %w : tensor<3x8xf32>, tensor<4x8xf32> -> tensor<2x4xf32>
  return
}

// -----

func.func @linear_result_rank(%x: tensor<3x8xf32>, %w: tensor<4x8xf32>) {
  // expected-error@+1 {{result has rank 1, expected 2: [d0, out]}}
  marimba.linear %x, %w : tensor<3x8xf32>, tensor<4x8xf32> -> tensor<4xf32>
  return
}

// -----

func.func @norm_scalar(%x: tensor<f32>) {
  // expected-error@+1 {{input has rank 0, expected at least 1}}
  marimba.rms_norm %x eps(1.0e-05) : tensor<f32>
  return
}

// -----

func.func @norm_weight(%x: tensor<?x8xf32>, %w: tensor<7xf32>) {
  // expected-error@+1 {{weight has size 7 in dimension 0 (H), expected 8: dimension 1 of input}}
  marimba.rms_norm %x weight(%w : tensor<7xf32>) eps(1.0e-05) : tensor<?x8xf32>
  return
}

// -----

func.func @norm_eps_zero(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{eps is 0, expected a finite number above zero}}
  marimba.rms_norm %x eps(0.0) : tensor<?x8xf32>
  return
}

// -----

func.func @norm_eps_infinite(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{eps is +Inf, expected a finite number above zero}}
  marimba.rms_norm %x eps(0x7FF0000000000000) : tensor<?x8xf32>
  return
}

// -----

func.func @norm_groups(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{has 3 groups, expected a divisor of the last dimension, 8}}
  marimba.rms_norm %x groups(3) eps(1.0e-05) : tensor<?x8xf32>
  return
}

// -----

func.func @norm_no_group(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{has 0 groups, expected a divisor of the last dimension, 8}}
  marimba.rms_norm %x groups(0) eps(1.0e-05) : tensor<?x8xf32>
  return
}

// -----

func.func @norm_zero_centered(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{is zero_centered and has no weight, expected one}}
  marimba.rms_norm %x eps(1.0e-05) {zero_centered} : tensor<?x8xf32>
  return
}

// -----

func.func @l2_scalar(%x: tensor<f32>) {
  // expected-error@+1 {{input has rank 0, expected at least 1}}
  marimba.l2_norm %x eps(1.0e-05) : tensor<f32>
  return
}

// -----

func.func @l2_eps(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{eps is 0, expected a finite number above zero}}
  marimba.l2_norm %x eps(0.0) : tensor<?x8xf32>
  return
}

// -----

func.func @l2_scale(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{scale is -1, expected a finite number above zero}}
  marimba.l2_norm %x eps(1.0e-05) scale(-1.0) : tensor<?x8xf32>
  return
}

// -----

func.func @l2_dynamic(%x: tensor<?x?xf32>) {
  // expected-error@+1 {{N is dynamic, expected a static size}}
  marimba.l2_norm %x eps(1.0e-05) : tensor<?x?xf32>
  return
}

// -----

func.func @softcap(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{cap is 0, expected a finite number above zero}}
  marimba.softcap %x cap(0.0) : tensor<?x8xf32>
  return
}

// -----

func.func @softplus_bias(%x: tensor<?x8xf32>, %b: tensor<7xf32>) {
  // expected-error@+1 {{bias has size 7 in dimension 0 (H), expected 8: dimension 1 of input}}
  marimba.softplus %x bias(%b : tensor<7xf32>) : tensor<?x8xf32>
  return
}

// -----

func.func @softplus_scalar(%x: tensor<f32>, %b: tensor<7xf32>) {
  // expected-error@+1 {{input has rank 0, expected at least 1}}
  marimba.softplus %x bias(%b : tensor<7xf32>) : tensor<f32>
  return
}

// -----

func.func @softplus_least(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{min is -1.0, expected a finite number of at least 0}}
  marimba.softplus %x min(-1.0) : tensor<?x8xf32>
  return
}

// -----

func.func @softplus_most(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{max is 0, expected a finite number above zero}}
  marimba.softplus %x max(0.0) : tensor<?x8xf32>
  return
}

// -----

func.func @softplus_bounds(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{min is 0.5, expected at most max, 0.25}}
  marimba.softplus %x min(0.5) max(0.25) : tensor<?x8xf32>
  return
}

// -----

func.func @scale_infinite(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{factor is 1.000000e+39, expected a finite f32}}
  marimba.scale %x by(1.0e+39) : tensor<?x8xf32>
  return
}

// -----

func.func @dynamic_norm(%x: tensor<?x?xf32>) -> tensor<?x?xf32> {
  // expected-error @+1 {{H is dynamic, expected a static size}}
  %0 = marimba.rms_norm %x eps(1.0e-06) : tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}
