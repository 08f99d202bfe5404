// RUN: marimba-opt %s -split-input-file -verify-diagnostics

func.func @no_heads(%q: memref<?x?x0x32xf32>, %k: memref<?x?x2x32xf32>,
                    %past: memref<?xi32>, %cache: memref<?x2x?x32xf32>) {
  // expected-error@+1 {{has 0 query heads (Hq), expected at least 1}}
  marimba.attention %q, %k, %k past(%past)
      outs(%q, %cache, %cache : memref<?x?x0x32xf32>, memref<?x2x?x32xf32>,
                                memref<?x2x?x32xf32>)
      {scale = 0.1 : f64}
      : memref<?x?x0x32xf32>, memref<?x?x2x32xf32>, memref<?x?x2x32xf32>,
        memref<?xi32>
  return
}

// -----

func.func @heads(%q: memref<?x?x5x32xf32>, %k: memref<?x?x2x32xf32>,
                 %past: memref<?xi32>, %cache: memref<?x2x?x32xf32>) {
  // expected-error@+1 {{has 5 query heads, expected a multiple of the 2 key/value heads}}
  marimba.attention %q, %k, %k past(%past)
      outs(%q, %cache, %cache
         : memref<?x?x5x32xf32>, memref<?x2x?x32xf32>, memref<?x2x?x32xf32>)
      {scale = 0.25 : f64}
      : memref<?x?x5x32xf32>, memref<?x?x2x32xf32>, memref<?x?x2x32xf32>,
        memref<?xi32>
  return
}

// -----

func.func @cache(%q: memref<?x?x4x32xf32>, %k: memref<?x?x2x32xf32>,
                 %past: memref<?xi32>, %cache: memref<?x?x2x32xf32>) {
  // The cache is [B,Hkv,C,dh], not [B,C,Hkv,dh].
  %other = memref.cast %cache : memref<?x?x2x32xf32> to memref<?x7x2x32xf32>
  // expected-error@+1 {{key_cache has size 7 in dimension 1 (Hkv), expected 2: dimension 2 of key}}
  marimba.attention %q, %k, %k past(%past)
      outs(%q, %other, %other
         : memref<?x?x4x32xf32>, memref<?x7x2x32xf32>, memref<?x7x2x32xf32>)
      {scale = 0.25 : f64}
      : memref<?x?x4x32xf32>, memref<?x?x2x32xf32>, memref<?x?x2x32xf32>,
        memref<?xi32>
  return
}

// -----

func.func @scale(%q: memref<?x?x4x32xf32>, %k: memref<?x?x2x32xf32>,
                 %past: memref<?xi32>, %cache: memref<?x2x?x32xf32>) {
  // expected-error@+1 {{scale is -1, expected a finite number above zero}}
  marimba.attention %q, %k, %k past(%past)
      outs(%q, %cache, %cache
         : memref<?x?x4x32xf32>, memref<?x2x?x32xf32>, memref<?x2x?x32xf32>)
      {scale = -1.0 : f64}
      : memref<?x?x4x32xf32>, memref<?x?x2x32xf32>, memref<?x?x2x32xf32>,
        memref<?xi32>
  return
}

// -----

func.func @dynamic_heads(%q: memref<?x?x?x8xf32>, %c: memref<?x?x?x8xf32>,
    %past: memref<?xi32>) {
  // expected-error @+1 {{Hq is dynamic, expected a static size}}
  marimba.attention %q, %q, %q past(%past)
      outs(%q, %c, %c : memref<?x?x?x8xf32>, memref<?x?x?x8xf32>,
           memref<?x?x?x8xf32>) {scale = 1.0 : f64}
      : memref<?x?x?x8xf32>, memref<?x?x?x8xf32>, memref<?x?x?x8xf32>,
        memref<?xi32>
  return
}

// -----

func.func @window(%q: memref<?x?x4x32xf32>, %k: memref<?x?x2x32xf32>,
                  %past: memref<?xi32>, %cache: memref<?x2x?x32xf32>) {
  // expected-error@+1 {{window is 0, expected at least 1}}
  marimba.attention %q, %k, %k past(%past)
      outs(%q, %cache, %cache
         : memref<?x?x4x32xf32>, memref<?x2x?x32xf32>, memref<?x2x?x32xf32>)
      {scale = 1.0 : f64, window = 0}
      : memref<?x?x4x32xf32>, memref<?x?x2x32xf32>, memref<?x?x2x32xf32>,
        memref<?xi32>
  return
}

// -----

func.func @softcap(%q: memref<?x?x4x32xf32>, %k: memref<?x?x2x32xf32>,
                   %past: memref<?xi32>, %cache: memref<?x2x?x32xf32>) {
  // expected-error@+1 {{softcap is 0, expected a finite number above zero}}
  marimba.attention %q, %k, %k past(%past)
      outs(%q, %cache, %cache
         : memref<?x?x4x32xf32>, memref<?x2x?x32xf32>, memref<?x2x?x32xf32>)
      {scale = 1.0 : f64, softcap = 0.0 : f64}
      : memref<?x?x4x32xf32>, memref<?x?x2x32xf32>, memref<?x?x2x32xf32>,
        memref<?xi32>
  return
}

// -----

func.func @no_scales(%q: memref<?x?x4x32xf32>, %k: memref<?x?x2x32xf32>,
                     %past: memref<?xi32>, %cache: memref<?x2x?x32xi8>) {
  // expected-error@+1 {{has 3 destinations, expected 5: output, key_cache, value_cache, key_scales, value_scales}}
  marimba.attention %q, %k, %k past(%past)
      outs(%q, %cache, %cache
         : memref<?x?x4x32xf32>, memref<?x2x?x32xi8>, memref<?x2x?x32xi8>)
      {scale = 1.0 : f64}
      : memref<?x?x4x32xf32>, memref<?x?x2x32xf32>, memref<?x?x2x32xf32>,
        memref<?xi32>
  return
}

// -----

func.func @two_types(%q: memref<?x?x4x32xf32>, %k: memref<?x?x2x32xf32>,
                     %past: memref<?xi32>, %keys: memref<?x2x?x32xbf16>,
                     %values: memref<?x2x?x32xf32>) {
  // expected-error@+1 {{value_cache has elements of type 'f32', expected 'bf16'}}
  marimba.attention %q, %k, %k past(%past)
      outs(%q, %keys, %values
         : memref<?x?x4x32xf32>, memref<?x2x?x32xbf16>, memref<?x2x?x32xf32>)
      {scale = 1.0 : f64}
      : memref<?x?x4x32xf32>, memref<?x?x2x32xf32>, memref<?x?x2x32xf32>,
        memref<?xi32>
  return
}

// -----

func.func @scales(%q: memref<?x?x4x32xf32>, %k: memref<?x?x2x32xf32>,
                  %past: memref<?xi32>, %cache: memref<?x2x?x32xi8>,
                  %scales: memref<?x2x?xf32>, %wide: memref<?x4x?xf32>) {
  // expected-error@+1 {{value_scales has size 4 in dimension 1 (Hkv), expected 2: dimension 2 of key}}
  marimba.attention %q, %k, %k past(%past)
      outs(%q, %cache, %cache, %scales, %wide
         : memref<?x?x4x32xf32>, memref<?x2x?x32xi8>, memref<?x2x?x32xi8>,
           memref<?x2x?xf32>, memref<?x4x?xf32>)
      {scale = 1.0 : f64}
      : memref<?x?x4x32xf32>, memref<?x?x2x32xf32>, memref<?x?x2x32xf32>,
        memref<?xi32>
  return
}

// -----

func.func @latent_size(%q: memref<?x?x4x32xf32>, %k: memref<?x?x1x32xf32>,
                       %past: memref<?xi32>, %cache: memref<?x1x?x32xf32>,
                       %y: memref<?x?x4x40xf32>) {
  // expected-error@+1 {{has outputs of 40 elements (dv), expected at most the 32 of a key (dh)}}
  marimba.attention %q, %k past(%past)
      outs(%y, %cache : memref<?x?x4x40xf32>, memref<?x1x?x32xf32>)
      {scale = 1.0 : f64}
      : memref<?x?x4x32xf32>, memref<?x?x1x32xf32>, memref<?xi32>
  return
}

// -----

func.func @latent_caches(%q: memref<?x?x4x32xf32>, %k: memref<?x?x1x32xf32>,
                         %past: memref<?xi32>, %cache: memref<?x1x?x32xf32>) {
  // expected-error@+1 {{has 3 destinations, expected 2: output, key_cache}}
  marimba.attention %q, %k past(%past)
      outs(%q, %cache, %cache
         : memref<?x?x4x32xf32>, memref<?x1x?x32xf32>, memref<?x1x?x32xf32>)
      {scale = 1.0 : f64}
      : memref<?x?x4x32xf32>, memref<?x?x1x32xf32>, memref<?xi32>
  return
}

// -----

func.func @latent_scales(%q: memref<?x?x4x32xf32>, %k: memref<?x?x1x32xf32>,
                         %past: memref<?xi32>, %cache: memref<?x1x?x32xi8>) {
  // expected-error@+1 {{has 2 destinations, expected 3: output, key_cache, key_scales}}
  marimba.attention %q, %k past(%past)
      outs(%q, %cache : memref<?x?x4x32xf32>, memref<?x1x?x32xi8>)
      {scale = 1.0 : f64}
      : memref<?x?x4x32xf32>, memref<?x?x1x32xf32>, memref<?xi32>
  return
}

// -----

func.func @latent_open(%q: memref<?x?x4x32xf32>, %k: memref<?x?x1x32xf32>,
                       %past: memref<?xi32>, %cache: memref<?x1x?x32xf32>,
                       %y: memref<?x?x4x?xf32>) {
  // expected-error@+1 {{dv}}
  marimba.attention %q, %k past(%past)
      outs(%y, %cache : memref<?x?x4x?xf32>, memref<?x1x?x32xf32>)
      {scale = 1.0 : f64}
      : memref<?x?x4x32xf32>, memref<?x?x1x32xf32>, memref<?xi32>
  return
}
