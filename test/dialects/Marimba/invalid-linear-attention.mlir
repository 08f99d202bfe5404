// RUN: marimba-opt %s -split-input-file -verify-diagnostics

func.func @discretize(%dt: tensor<?x?x4xf32>, %A: tensor<4xf32>,
    %u: tensor<?x?x3x8xf32>) {
  // expected-error@+1 {{u has size 3 in dimension 2 (Hv), expected 4: dimension 2 of delta}}
  %g, %v = marimba.discretize_heads %dt, %A, %u
      : tensor<?x?x4xf32>, tensor<4xf32>, tensor<?x?x3x8xf32>
     -> tensor<?x?x4xf32>, tensor<?x?x3x8xf32>
  return
}

// -----

func.func @log_decay(%a: tensor<?x?x4xf32>, %A: tensor<3xf32>) {
  // expected-error@+1 {{A has size 3 in dimension 0 (Hv), expected 4: dimension 2 of input}}
  marimba.log_decay %a, %A : tensor<?x?x4xf32>, tensor<3xf32>
  return
}

// -----

func.func @log_decay_channels(%a: tensor<?x?x4x6xf32>, %A: tensor<4xf32>,
    %b: tensor<4xf32>) {
  // expected-error@+1 {{bias has rank 1, expected 2}}
  marimba.log_decay %a, %A bias(%b : tensor<4xf32>)
      : tensor<?x?x4x6xf32>, tensor<4xf32>
  return
}

// -----

func.func @log_decay_rank(%a: tensor<?x4xf32>, %A: tensor<4xf32>) {
  // expected-error@+1 {{input has rank 2, expected 3}}
  marimba.log_decay %a, %A : tensor<?x4xf32>, tensor<4xf32>
  return
}

// -----

func.func @keys(%q: memref<?x?x2x6xf32>, %k: memref<?x?x2x5xf32>,
    %v: memref<?x?x4x8xf32>, %s: memref<?x4x6x8xf32>) {
  // expected-error@+1 {{keys has size 5 in dimension 3 (N), expected 6: dimension 3 of queries}}
  marimba.linear_attention %q, %k, %v
      outs(%v, %s : memref<?x?x4x8xf32>, memref<?x4x6x8xf32>)
      : memref<?x?x2x6xf32>, memref<?x?x2x5xf32>, memref<?x?x4x8xf32>
  return
}

// -----

func.func @groups(%q: memref<?x?x3x6xf32>, %k: memref<?x?x3x6xf32>,
    %v: memref<?x?x4x8xf32>, %s: memref<?x4x6x8xf32>) {
  // expected-error@+1 {{has 4 heads of values (Hv), expected a multiple of the 3 groups of keys (G)}}
  marimba.linear_attention %q, %k, %v
      outs(%v, %s : memref<?x?x4x8xf32>, memref<?x4x6x8xf32>)
      : memref<?x?x3x6xf32>, memref<?x?x3x6xf32>, memref<?x?x4x8xf32>
  return
}

// -----

func.func @no_groups(%q: memref<?x?x0x6xf32>, %k: memref<?x?x0x6xf32>,
    %v: memref<?x?x4x8xf32>, %s: memref<?x4x6x8xf32>) {
  // expected-error@+1 {{has 4 heads of values (Hv), expected a multiple of the 0 groups of keys (G)}}
  marimba.linear_attention %q, %k, %v
      outs(%v, %s : memref<?x?x4x8xf32>, memref<?x4x6x8xf32>)
      : memref<?x?x0x6xf32>, memref<?x?x0x6xf32>, memref<?x?x4x8xf32>
  return
}

// -----

func.func @state(%q: memref<?x?x2x6xf32>, %k: memref<?x?x2x6xf32>,
    %v: memref<?x?x4x8xf32>, %s: memref<?x4x8x6xf32>) {
  // expected-error@+1 {{state has size 8 in dimension 2 (N), expected 6: dimension 3 of queries}}
  marimba.linear_attention %q, %k, %v
      outs(%v, %s : memref<?x?x4x8xf32>, memref<?x4x8x6xf32>)
      : memref<?x?x2x6xf32>, memref<?x?x2x6xf32>, memref<?x?x4x8xf32>
  return
}

// -----

func.func @dynamic_heads(%q: memref<?x?x2x6xf32>, %k: memref<?x?x2x6xf32>,
    %v: memref<?x?x?x8xf32>, %s: memref<?x?x6x8xf32>) {
  // expected-error@+1 {{Hv is dynamic, expected a static size}}
  marimba.linear_attention %q, %k, %v
      outs(%v, %s : memref<?x?x?x8xf32>, memref<?x?x6x8xf32>)
      : memref<?x?x2x6xf32>, memref<?x?x2x6xf32>, memref<?x?x?x8xf32>
  return
}

// -----

func.func @decay_rank(%q: memref<?x?x2x6xf32>, %k: memref<?x?x2x6xf32>,
    %v: memref<?x?x4x8xf32>, %s: memref<?x4x6x8xf32>,
    %g: memref<?x4xf32>) {
  // expected-error@+1 {{decay has rank 2, expected 1, 3 or 4: [Hv], [B, T, Hv] or [B, T, Hv, N]}}
  marimba.linear_attention %q, %k, %v decay(%g : memref<?x4xf32>)
      outs(%v, %s : memref<?x?x4x8xf32>, memref<?x4x6x8xf32>)
      : memref<?x?x2x6xf32>, memref<?x?x2x6xf32>, memref<?x?x4x8xf32>
  return
}

// -----

func.func @decay_channels(%q: memref<?x?x2x6xf32>, %k: memref<?x?x2x6xf32>,
    %v: memref<?x?x4x8xf32>, %s: memref<?x4x6x8xf32>) {
  // expected-error@+1 {{decay has size 8 in dimension 3 (N), expected 6: dimension 3 of queries}}
  marimba.linear_attention %q, %k, %v decay(%v : memref<?x?x4x8xf32>)
      outs(%v, %s : memref<?x?x4x8xf32>, memref<?x4x6x8xf32>)
      : memref<?x?x2x6xf32>, memref<?x?x2x6xf32>, memref<?x?x4x8xf32>
  return
}

// -----

func.func @step_without_decay(%q: memref<?x?x2x6xf32>, %k: memref<?x?x2x6xf32>,
    %v: memref<?x?x4x8xf32>, %s: memref<?x4x6x8xf32>,
    %d: memref<?x?x4xf32>) {
  // expected-error@+1 {{has a step and no decay, expected a decay [Hv]}}
  marimba.linear_attention %q, %k, %v step(%d : memref<?x?x4xf32>)
      outs(%v, %s : memref<?x?x4x8xf32>, memref<?x4x6x8xf32>)
      : memref<?x?x2x6xf32>, memref<?x?x2x6xf32>, memref<?x?x4x8xf32>
  return
}

// -----

func.func @step_of_decays(%q: memref<?x?x2x6xf32>, %k: memref<?x?x2x6xf32>,
    %v: memref<?x?x4x8xf32>, %s: memref<?x4x6x8xf32>,
    %d: memref<?x?x4xf32>) {
  // expected-error@+1 {{has a step and a decay of rank 3, expected a decay [Hv]}}
  marimba.linear_attention %q, %k, %v decay(%d : memref<?x?x4xf32>) step(%d : memref<?x?x4xf32>)
      outs(%v, %s : memref<?x?x4x8xf32>, memref<?x4x6x8xf32>)
      : memref<?x?x2x6xf32>, memref<?x?x2x6xf32>, memref<?x?x4x8xf32>
  return
}

// -----

func.func @beta(%q: memref<?x?x2x6xf32>, %k: memref<?x?x2x6xf32>,
    %v: memref<?x?x4x8xf32>, %s: memref<?x4x6x8xf32>,
    %d: memref<?x?x4xf32>) {
  // expected-error@+1 {{has beta without delta_rule, expected both or none}}
  marimba.linear_attention %q, %k, %v beta(%d : memref<?x?x4xf32>)
      outs(%v, %s : memref<?x?x4x8xf32>, memref<?x4x6x8xf32>)
      : memref<?x?x2x6xf32>, memref<?x?x2x6xf32>, memref<?x?x4x8xf32>
  return
}

// -----

func.func @no_beta(%q: memref<?x?x2x6xf32>, %k: memref<?x?x2x6xf32>,
    %v: memref<?x?x4x8xf32>, %s: memref<?x4x6x8xf32>) {
  // expected-error@+1 {{has delta_rule without beta, expected both or none}}
  marimba.linear_attention %q, %k, %v
      outs(%v, %s : memref<?x?x4x8xf32>, memref<?x4x6x8xf32>) {delta_rule}
      : memref<?x?x2x6xf32>, memref<?x?x2x6xf32>, memref<?x?x4x8xf32>
  return
}

// -----

func.func @step_and_delta_rule(%q: memref<?x?x2x6xf32>, %k: memref<?x?x2x6xf32>,
    %v: memref<?x?x4x8xf32>, %s: memref<?x4x6x8xf32>,
    %d: memref<?x?x4xf32>, %A: memref<4xf32>) {
  // expected-error@+1 {{has a step and delta_rule, expected one of them}}
  marimba.linear_attention %q, %k, %v decay(%A : memref<4xf32>) step(%d : memref<?x?x4xf32>)
      beta(%d : memref<?x?x4xf32>)
      outs(%v, %s : memref<?x?x4x8xf32>, memref<?x4x6x8xf32>) {delta_rule}
      : memref<?x?x2x6xf32>, memref<?x?x2x6xf32>, memref<?x?x4x8xf32>
  return
}

// -----

func.func @scale(%q: memref<?x?x2x6xf32>, %k: memref<?x?x2x6xf32>,
    %v: memref<?x?x4x8xf32>, %s: memref<?x4x6x8xf32>) {
  // expected-error@+1 {{scale is 0}}
  marimba.linear_attention %q, %k, %v
      outs(%v, %s : memref<?x?x4x8xf32>, memref<?x4x6x8xf32>) {scale = 0.0 : f64}
      : memref<?x?x2x6xf32>, memref<?x?x2x6xf32>, memref<?x?x4x8xf32>
  return
}

// -----

func.func @destinations(%q: memref<?x?x2x6xf32>, %k: memref<?x?x2x6xf32>,
    %v: memref<?x?x4x8xf32>, %s: memref<?x4x6x8xf32>) {
  // expected-error@+1 {{has 1 destination}}
  marimba.linear_attention %q, %k, %v
      outs(%v : memref<?x?x4x8xf32>)
      : memref<?x?x2x6xf32>, memref<?x?x2x6xf32>, memref<?x?x4x8xf32>
  return
}
