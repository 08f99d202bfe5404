// RUN: marimba-opt %s -split-input-file -verify-diagnostics

func.func @discretize(%dt: tensor<8xf32>, %A: tensor<4x9xf32>) {
  // expected-error@+1 {{A has size 9 in dimension 1 (D), expected 8: dimension 0 of dt}}
  marimba.discretize_lti zoh %dt, %A, %A : tensor<8xf32>, tensor<4x9xf32>
  return
}

// -----

func.func @odd_complex(%dt: tensor<8xf32>, %A: tensor<3x8xf32>) {
  // expected-error@+1 {{N is 3, expected an even number: real parts, then imaginary parts}}
  marimba.discretize_lti zoh %dt, %A, %A {complex}
      : tensor<8xf32>, tensor<3x8xf32>
  return
}

// -----

func.func @dynamic_complex(%x: tensor<?x?x?x8xf32>, %h: tensor<?x?x8xf32>) {
  // expected-error@+1 {{N is dynamic, expected a static size}}
  marimba.scan %x, %x
      outs(%x, %h : tensor<?x?x?x8xf32>, tensor<?x?x8xf32>) {complex}
      : tensor<?x?x?x8xf32>, tensor<?x?x?x8xf32>
     -> tensor<?x?x?x8xf32>, tensor<?x?x8xf32>
  return
}

// -----

func.func @powers(%A: tensor<4x8xf32>) {
  // expected-error@+1 {{result has size 5 in dimension 1 (N), expected 4: dimension 0 of input}}
  marimba.lti_powers %A, %A from 0 : tensor<4x8xf32> -> tensor<6x5x8xf32>
  return
}

// -----

func.func @powers_length(%A: tensor<4x8xf32>) {
  // expected-error@+1 {{L is dynamic, expected a static size}}
  marimba.lti_powers %A, %A from 0 : tensor<4x8xf32> -> tensor<?x4x8xf32>
  return
}

// -----

func.func @negative_power(%A: tensor<4x8xf32>) {
  // expected-error@+1 {{attribute 'first' failed to satisfy constraint}}
  marimba.lti_powers %A, %A from -1 : tensor<4x8xf32> -> tensor<6x4x8xf32>
  return
}

// -----

func.func @kernel(%C: tensor<4x8xf32>, %P: tensor<6x4x8xf32>) {
  // expected-error@+1 {{result has size 7 in dimension 0 (L), expected 6: dimension 0 of powers}}
  marimba.lti_kernel %C, %P
      : tensor<4x8xf32>, tensor<6x4x8xf32> -> tensor<7x8xf32>
  return
}

// -----

func.func @scan(%u: tensor<?x?x8xf32>, %A: tensor<4x8xf32>,
                %h: tensor<?x5x8xf32>) {
  // expected-error@+1 {{state has size 5 in dimension 1 (N), expected 4: dimension 0 of decay}}
  marimba.lti_scan %u, %A, %A, %A
      outs(%u, %h : tensor<?x?x8xf32>, tensor<?x5x8xf32>)
      : tensor<?x?x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>
     -> tensor<?x?x8xf32>, tensor<?x5x8xf32>
  return
}

// -----

func.func @convolution(%u: tensor<?x?x8xf32>, %K: tensor<6x8xf32>,
    %A: tensor<4x8xf32>, %P: tensor<7x4x8xf32>, %h: tensor<?x4x8xf32>) {
  // expected-error@+1 {{inject has size 7 in dimension 0 (L), expected 6: dimension 0 of kernel}}
  marimba.long_convolution %u, %K, %A, %P, %P
      outs(%u, %h : tensor<?x?x8xf32>, tensor<?x4x8xf32>)
      : tensor<?x?x8xf32>, tensor<6x8xf32>, tensor<4x8xf32>,
        tensor<7x4x8xf32>, tensor<7x4x8xf32>
     -> tensor<?x?x8xf32>, tensor<?x4x8xf32>
  return
}

// -----

func.func @no_block(%u: tensor<?x?x8xf32>, %K: tensor<0x8xf32>,
    %A: tensor<4x8xf32>, %P: tensor<0x4x8xf32>, %h: tensor<?x4x8xf32>) {
  // expected-error@+1 {{L is 0, expected a block of at least one token}}
  marimba.long_convolution %u, %K, %A, %P, %P
      outs(%u, %h : tensor<?x?x8xf32>, tensor<?x4x8xf32>)
      : tensor<?x?x8xf32>, tensor<0x8xf32>, tensor<4x8xf32>,
        tensor<0x4x8xf32>, tensor<0x4x8xf32>
     -> tensor<?x?x8xf32>, tensor<?x4x8xf32>
  return
}

// -----

func.func @summary(%u: tensor<?x?x8xf32>, %A: tensor<4x8xf32>,
    %B: tensor<?x?x4xf32>, %h: tensor<?x4x8xf32>, %s: tensor<?x7xf32>) {
  // expected-error@+1 {{elapsed has size 7 in dimension 1 (D), expected 8: dimension 2 of u}}
  marimba.scan_summary %u, %u, %A, %B
      outs(%h, %s : tensor<?x4x8xf32>, tensor<?x7xf32>)
      : tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<4x8xf32>,
        tensor<?x?x4xf32>
     -> tensor<?x4x8xf32>, tensor<?x7xf32>
  return
}
