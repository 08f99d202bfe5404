// RUN: marimba-opt %s -read-packed-rows | FileCheck %s

marimba.weight @tied : tensor<32x64xbf16> from ["a"]
marimba.weight @widened : tensor<32x64xf16> from ["b"]
marimba.weight @rounded : tensor<32x64xf32> from ["c"]
marimba.weight @twice : tensor<32x64xbf16> from ["d"]
marimba.weight @alone : tensor<32x64xf32> from ["e"]

func.func @head(%x: tensor<?x64xf32>, %y: tensor<?x32xf32>) {
  %tied = marimba.get_weight @tied : tensor<32x64xbf16>
  %widened = marimba.get_weight @widened : tensor<32x64xf16>
  %rounded = marimba.get_weight @rounded : tensor<32x64xf32>
  %twice = marimba.get_weight @twice : tensor<32x64xbf16>
  %0 = marimba.packed_matmul %x, %tied packed bf16 outs(%y : tensor<?x32xf32>)
      : tensor<?x64xf32>, tensor<32x64xbf16> -> tensor<?x32xf32>
  %1 = marimba.packed_matmul %x, %widened packed f32 outs(%y : tensor<?x32xf32>)
      : tensor<?x64xf32>, tensor<32x64xf16> -> tensor<?x32xf32>
  %2 = marimba.packed_matmul %x, %rounded packed bf16 outs(%y : tensor<?x32xf32>)
      : tensor<?x64xf32>, tensor<32x64xf32> -> tensor<?x32xf32>
  %3 = marimba.packed_matmul %x, %twice packed bf16 outs(%y : tensor<?x32xf32>)
      : tensor<?x64xf32>, tensor<32x64xbf16> -> tensor<?x32xf32>
  %4 = marimba.packed_matmul %x, %twice packed f32 outs(%y : tensor<?x32xf32>)
      : tensor<?x64xf32>, tensor<32x64xbf16> -> tensor<?x32xf32>
  return
}

// The copy may be of another function's matmul.

// CHECK-LABEL: func @tied_rows
// CHECK: %[[TABLE:.*]] = marimba.get_weight @tied
// CHECK: %[[E:.*]] = tensor.empty(%{{.*}}, %{{.*}}) : tensor<?x?x64xf32>
// CHECK: marimba.packed_embedding %{{.*}}, %[[TABLE]] packed bf16 outs(%[[E]] : tensor<?x?x64xf32>)
func.func @tied_rows(%ids: tensor<?x?xi32>) -> tensor<?x?x64xf32> {
  %w = marimba.get_weight @tied : tensor<32x64xbf16>
  %0 = marimba.embedding %ids, %w : tensor<?x?xi32>, tensor<32x64xbf16> -> tensor<?x?x64xf32>
  return %0 : tensor<?x?x64xf32>
}

// CHECK-LABEL: func @widened_rows
// CHECK: marimba.packed_embedding %{{.*}} packed f32
func.func @widened_rows(%ids: tensor<?x?xi32>) -> tensor<?x?x64xf32> {
  %w = marimba.get_weight @widened : tensor<32x64xf16>
  %0 = marimba.embedding %ids, %w : tensor<?x?xi32>, tensor<32x64xf16> -> tensor<?x?x64xf32>
  return %0 : tensor<?x?x64xf32>
}

// The copy is less exact than the table.

// CHECK-LABEL: func @rounded_rows
// CHECK: marimba.embedding
func.func @rounded_rows(%ids: tensor<?x?xi32>) -> tensor<?x?x64xf32> {
  %w = marimba.get_weight @rounded : tensor<32x64xf32>
  %0 = marimba.embedding %ids, %w : tensor<?x?xi32>, tensor<32x64xf32> -> tensor<?x?x64xf32>
  return %0 : tensor<?x?x64xf32>
}

// Of two kinds of copies none is made at loading.

// CHECK-LABEL: func @twice_rows
// CHECK: marimba.embedding
func.func @twice_rows(%ids: tensor<?x?xi32>) -> tensor<?x?x64xf32> {
  %w = marimba.get_weight @twice : tensor<32x64xbf16>
  %0 = marimba.embedding %ids, %w : tensor<?x?xi32>, tensor<32x64xbf16> -> tensor<?x?x64xf32>
  return %0 : tensor<?x?x64xf32>
}

// CHECK-LABEL: func @alone_rows
// CHECK: marimba.embedding
func.func @alone_rows(%ids: tensor<?x?xi32>) -> tensor<?x?x64xf32> {
  %w = marimba.get_weight @alone : tensor<32x64xf32>
  %0 = marimba.embedding %ids, %w : tensor<?x?xi32>, tensor<32x64xf32> -> tensor<?x?x64xf32>
  return %0 : tensor<?x?x64xf32>
}
