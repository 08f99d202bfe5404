// RUN: marimba-opt %s -split-input-file -verify-diagnostics

func.func @dynamic_experts(%l: memref<?x?x?xf32>, %w: memref<?x?x2xf32>,
    %i: memref<?x?x2xi32>) {
  // expected-error@+1 {{E is dynamic, expected a static size}}
  marimba.route %l outs(%w, %i : memref<?x?x2xf32>, memref<?x?x2xi32>)
      : memref<?x?x?xf32>
  return
}

// -----

func.func @weights(%l: memref<?x?x4xf32>, %i: memref<?x?x2xi32>) {
  // expected-error@+1 {{weights has type 'memref<?x?x2xi32>', expected elements of f32}}
  marimba.route %l outs(%i, %i : memref<?x?x2xi32>, memref<?x?x2xi32>)
      : memref<?x?x4xf32>
  return
}

// -----

func.func @experts(%l: memref<?x?x4xf32>, %w: memref<?x?x2xf32>) {
  // expected-error@+1 {{experts has type 'memref<?x?x2xf32>', expected elements of i32}}
  marimba.route %l outs(%w, %w : memref<?x?x2xf32>, memref<?x?x2xf32>)
      : memref<?x?x4xf32>
  return
}

// -----

func.func @too_many(%l: memref<?x?x4xf32>, %w: memref<?x?x5xf32>,
                    %i: memref<?x?x5xi32>) {
  // expected-error@+1 {{chooses 5 experts (K), expected at most the 4 there are (E)}}
  marimba.route %l outs(%w, %i : memref<?x?x5xf32>, memref<?x?x5xi32>)
      : memref<?x?x4xf32>
  return
}

// -----

func.func @none(%l: memref<?x?x4xf32>, %w: memref<?x?x0xf32>,
                %i: memref<?x?x0xi32>) {
  // expected-error@+1 {{chooses 0 experts (K), expected at least 1}}
  marimba.route %l outs(%w, %i : memref<?x?x0xf32>, memref<?x?x0xi32>)
      : memref<?x?x4xf32>
  return
}

// -----

func.func @no_groups(%l: memref<?x?x4xf32>, %w: memref<?x?x2xf32>,
    %i: memref<?x?x2xi32>) {
  // expected-error@+1 {{groups is 0, expected at least 1}}
  marimba.route %l outs(%w, %i : memref<?x?x2xf32>, memref<?x?x2xi32>)
      {groups = 0 : i64} : memref<?x?x4xf32>
  return
}

// -----

func.func @top_groups(%l: memref<?x?x4xf32>, %w: memref<?x?x2xf32>,
    %i: memref<?x?x2xi32>) {
  // expected-error@+1 {{top_groups is 3, expected at least 1 and at most groups (2)}}
  marimba.route %l outs(%w, %i : memref<?x?x2xf32>, memref<?x?x2xi32>)
      {groups = 2 : i64, top_groups = 3 : i64} : memref<?x?x4xf32>
  return
}

// -----

func.func @no_top_groups(%l: memref<?x?x4xf32>, %w: memref<?x?x2xf32>,
    %i: memref<?x?x2xi32>) {
  // expected-error@+1 {{top_groups is 0, expected at least 1 and at most groups (2)}}
  marimba.route %l outs(%w, %i : memref<?x?x2xf32>, memref<?x?x2xi32>)
      {groups = 2 : i64, top_groups = 0 : i64} : memref<?x?x4xf32>
  return
}

// -----

func.func @odd_groups(%l: memref<?x?x8xf32>, %w: memref<?x?x2xf32>,
    %i: memref<?x?x2xi32>) {
  // expected-error@+1 {{has 3 groups of 8 experts (E), expected groups of equal size, of at least 2 experts}}
  marimba.route %l outs(%w, %i : memref<?x?x2xf32>, memref<?x?x2xi32>)
      {groups = 3 : i64, top_groups = 2 : i64} : memref<?x?x8xf32>
  return
}

// -----

func.func @small_groups(%l: memref<?x?x4xf32>, %w: memref<?x?x2xf32>,
    %i: memref<?x?x2xi32>) {
  // expected-error@+1 {{has 4 groups of 4 experts (E), expected groups of equal size, of at least 2 experts}}
  marimba.route %l outs(%w, %i : memref<?x?x2xf32>, memref<?x?x2xi32>)
      {groups = 4 : i64, top_groups = 3 : i64} : memref<?x?x4xf32>
  return
}

// -----

func.func @few_open(%l: memref<?x?x4xf32>, %w: memref<?x?x3xf32>,
    %i: memref<?x?x3xi32>) {
  // expected-error@+1 {{chooses 3 experts (K), expected at most the 2 of 1 groups}}
  marimba.route %l outs(%w, %i : memref<?x?x3xf32>, memref<?x?x3xi32>)
      {groups = 2 : i64} : memref<?x?x4xf32>
  return
}

// -----

func.func @epsilon_alone(%l: memref<?x?x4xf32>, %w: memref<?x?x2xf32>,
    %i: memref<?x?x2xi32>) {
  // expected-error@+1 {{has an epsilon without normalize, expected both or none}}
  marimba.route %l outs(%w, %i : memref<?x?x2xf32>, memref<?x?x2xi32>)
      {sigmoid, epsilon = 1.0e-6 : f64} : memref<?x?x4xf32>
  return
}

// -----

func.func @epsilon(%l: memref<?x?x4xf32>, %w: memref<?x?x2xf32>,
    %i: memref<?x?x2xi32>) {
  // expected-error@+1 {{epsilon is -1, expected a finite number above zero}}
  marimba.route %l outs(%w, %i : memref<?x?x2xf32>, memref<?x?x2xi32>)
      {sigmoid, normalize, epsilon = -1.0 : f64} : memref<?x?x4xf32>
  return
}

// -----

func.func @scale(%l: memref<?x?x4xf32>, %w: memref<?x?x2xf32>,
    %i: memref<?x?x2xi32>) {
  // expected-error@+1 {{scale is 0, expected a finite number above zero}}
  marimba.route %l outs(%w, %i : memref<?x?x2xf32>, memref<?x?x2xi32>)
      {scale = 0.0 : f64} : memref<?x?x4xf32>
  return
}

// -----

func.func @bias(%l: memref<?x?x4xf32>, %w: memref<?x?x2xf32>,
    %i: memref<?x?x2xi32>, %b: memref<3xf32>) {
  // expected-error@+1 {{bias has size 3 in dimension 0 (E), expected 4: dimension 2 of logits}}
  marimba.route %l bias(%b : memref<3xf32>) outs(%w, %i : memref<?x?x2xf32>, memref<?x?x2xi32>)
      {sigmoid} : memref<?x?x4xf32>
  return
}

// -----

func.func @matrices(%x: tensor<?x?x8xf32>, %w: tensor<?x?x2xf32>,
    %e: tensor<?x?x2xi32>, %down: tensor<4x8x6xbf16>) {
  // expected-error@+1 {{has 1 matrices, expected gate, up and down, or up and down}}
  marimba.experts %x, %w, %e, %down
      : tensor<?x?x8xf32>, tensor<?x?x2xf32>, tensor<?x?x2xi32>,
        tensor<4x8x6xbf16>
  return
}

// -----

func.func @down(%x: tensor<?x?x8xf32>, %w: tensor<?x?x2xf32>,
    %e: tensor<?x?x2xi32>, %gate: tensor<4x6x8xbf16>) {
  // expected-error@+1 {{down has size 6 in dimension 1 (H), expected 8: dimension 2 of input}}
  marimba.experts %x, %w, %e, %gate, %gate, %gate
      : tensor<?x?x8xf32>, tensor<?x?x2xf32>, tensor<?x?x2xi32>,
        tensor<4x6x8xbf16>, tensor<4x6x8xbf16>, tensor<4x6x8xbf16>
  return
}

// -----

func.func @pairs(%e: memref<3x2xi32>, %p: memref<5xi32>, %o: memref<5xi32>) {
  // expected-error@+1 {{pairs has size 5 in dimension 0 (R*K), expected 6: 3 rows with 2 experts each}}
  marimba.group_by_expert %e outs(%p, %o : memref<5xi32>, memref<5xi32>)
      : memref<3x2xi32>
  return
}

// -----

func.func @offsets(%e: memref<3x2xi32>, %p: memref<6xi32>, %o: memref<1xi32>) {
  // expected-error@+1 {{offsets has size 1, expected at least 2: one expert more}}
  marimba.group_by_expert %e outs(%p, %o : memref<6xi32>, memref<1xi32>)
      : memref<3x2xi32>
  return
}

// -----

func.func @gather(%x: memref<?x8xf32>, %p: memref<4xi32>, %y: memref<3x8xf32>) {
  // expected-error@+1 {{output has 3 rows, expected at least 4: one for each pair}}
  marimba.gather_rows %x, %p outs(%y : memref<3x8xf32>) {top_k = 2 : i64}
      : memref<?x8xf32>, memref<4xi32>
  return
}

// -----

func.func @top_k(%x: memref<?x8xf32>, %p: memref<?xi32>) {
  // expected-error@+1 {{top_k is 0, expected at least 1}}
  marimba.gather_rows %x, %p outs(%x : memref<?x8xf32>) {top_k = 0 : i64}
      : memref<?x8xf32>, memref<?xi32>
  return
}

// -----

func.func @scatter(%x: memref<?x8xf32>, %p: memref<?xi32>, %w: memref<7xf32>,
                   %y: memref<3x8xf32>) {
  // expected-error@+1 {{weights has size 7 in dimension 0 (R*K), expected 6: 3 rows with 2 experts each}}
  marimba.scatter_add_rows %x, %p, %w outs(%y : memref<3x8xf32>)
      {top_k = 2 : i64} : memref<?x8xf32>, memref<?xi32>, memref<7xf32>
  return
}

// -----

func.func @order(%e: memref<3x2xi32>, %p: memref<6xi32>, %o: memref<5xi32>,
    %all: memref<5xi32>) {
  // expected-error@+1 {{order has size 5 in dimension 0 (E), expected 4: one less than offsets}}
  marimba.group_by_expert %e outs(%p, %o, %all : memref<6xi32>, memref<5xi32>, memref<5xi32>)
      : memref<3x2xi32>
  return
}

// -----

func.func @grouped_offsets(%x: memref<3x8xf32>, %w: memref<4x16x8xf32>,
    %p: memref<6xi32>, %o: memref<4xi32>, %all: memref<4xi32>, %y: memref<6x16xf32>) {
  // expected-error@+1 {{offsets has size 4 in dimension 0 (E+1), expected 5: one more than E}}
  marimba.grouped_matmul %x, %w
      groups(%p, %o, %all : memref<6xi32>, memref<4xi32>, memref<4xi32>)
      outs(%y : memref<6x16xf32>) {top_k = 2 : i64}
      : memref<3x8xf32>, memref<4x16x8xf32>
  return
}

// -----

func.func @grouped_top_k(%x: memref<3x8xf32>, %w: memref<4x16x8xf32>,
    %p: memref<6xi32>, %o: memref<5xi32>, %all: memref<4xi32>, %y: memref<6x16xf32>) {
  // expected-error@+1 {{top_k is 0, expected at least 1}}
  marimba.grouped_matmul %x, %w
      groups(%p, %o, %all : memref<6xi32>, memref<5xi32>, memref<4xi32>)
      outs(%y : memref<6x16xf32>) {top_k = 0 : i64}
      : memref<3x8xf32>, memref<4x16x8xf32>
  return
}

// -----

func.func @grouped_both(%x: memref<3x8xf32>, %w: memref<4x16x8xf32>,
    %p: memref<6xi32>, %o: memref<5xi32>, %all: memref<4xi32>, %y: memref<6x16xf32>) {
  // expected-error@+1 {{has a gate and relu2, expected one of them or none}}
  marimba.grouped_matmul %x, %w gate(%w : memref<4x16x8xf32>)
      groups(%p, %o, %all : memref<6xi32>, memref<5xi32>, memref<4xi32>)
      outs(%y : memref<6x16xf32>) {relu2, top_k = 2 : i64}
      : memref<3x8xf32>, memref<4x16x8xf32>
  return
}

// -----

func.func @grouped_experts(%x: memref<3x8xf32>, %w: memref<?x16x8xf32>,
    %p: memref<6xi32>, %o: memref<5xi32>, %all: memref<4xi32>, %y: memref<6x16xf32>) {
  // expected-error@+1 {{E is dynamic, expected a static size}}
  marimba.grouped_matmul %x, %w
      groups(%p, %o, %all : memref<6xi32>, memref<5xi32>, memref<4xi32>)
      outs(%y : memref<6x16xf32>) {top_k = 2 : i64}
      : memref<3x8xf32>, memref<?x16x8xf32>
  return
}

// -----

func.func @grouped_stride(%x: memref<3x8xf32, strided<[16, 2]>>, %w: memref<4x16x8xf32>,
    %p: memref<6xi32>, %o: memref<5xi32>, %all: memref<4xi32>, %y: memref<6x16xf32>) {
  // expected-error@+1 {{input is strided in its last dimension, expected stride 1}}
  marimba.grouped_matmul %x, %w
      groups(%p, %o, %all : memref<6xi32>, memref<5xi32>, memref<4xi32>)
      outs(%y : memref<6x16xf32>) {top_k = 2 : i64}
      : memref<3x8xf32, strided<[16, 2]>>, memref<4x16x8xf32>
  return
}
