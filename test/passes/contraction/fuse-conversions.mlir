// RUN: marimba-opt %s -fuse-conversions | FileCheck %s --check-prefixes=CHECK,PLAIN
// RUN: marimba-opt %s -fuse-conversions=reorder | FileCheck %s --check-prefixes=CHECK,REORDER

#rows = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// CHECK-LABEL: func @nest
// CHECK: %[[Y:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<?x8xbf16>)
// CHECK-NEXT: ^bb0(%[[IN:.*]]: f32, %{{.*}}: bf16):
// CHECK-NEXT: %[[EXP:.*]] = math.exp %[[IN]] : f32
// CHECK-NEXT: %[[N:.*]] = arith.truncf %[[EXP]] : f32 to bf16
// CHECK-NEXT: linalg.yield %[[N]] : bf16
// CHECK-NOT: arith.truncf
// CHECK: return %[[Y]]
func.func @nest(%x: tensor<?x8xf32>, %e: tensor<?x8xf32>) -> tensor<?x8xbf16> {
  %y = linalg.generic {indexing_maps = [#rows, #rows],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %exp = math.exp %in : f32
    linalg.yield %exp : f32
  } -> tensor<?x8xf32>
  %n = arith.truncf %y : tensor<?x8xf32> to tensor<?x8xbf16>
  return %n : tensor<?x8xbf16>
}

// CHECK-LABEL: func @matmul
// CHECK: onednn.matmul %{{.*}} post_ops [silu] outs(%{{.*}} : tensor<?x4xbf16>) : tensor<?x8xbf16>, tensor<4x8xbf16> -> tensor<?x4xbf16>
// CHECK-NOT: arith.truncf
func.func @matmul(%x: tensor<?x8xbf16>, %w: tensor<4x8xbf16>,
    %e: tensor<?x4xf32>) -> tensor<?x4xbf16> {
  %y = onednn.matmul %x, %w post_ops [silu] outs(%e : tensor<?x4xf32>)
      : tensor<?x8xbf16>, tensor<4x8xbf16> -> tensor<?x4xf32>
  %n = arith.truncf %y : tensor<?x4xf32> to tensor<?x4xbf16>
  return %n : tensor<?x4xbf16>
}

// Generated matmuls write bf16 whatever they multiply.

!int8 = tensor<4x8xi8, #marimba.quantized<channel, scale f32>>

// CHECK-LABEL: func @generated
// CHECK: marimba.packed_matmul %{{.*}} packed f32 post_ops [silu] outs(%{{.*}} : tensor<?x4xbf16>) : tensor<?x8xf32>, tensor<4x8xf32> -> tensor<?x4xbf16>
// CHECK: marimba.quantized_matmul %{{.*}} post_ops [mul(%{{.*}} : tensor<?x4xf32>)] outs(%{{.*}} : tensor<?x4xbf16>)
// CHECK-NOT: arith.truncf
// CHECK: return
func.func @generated(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>, %q: !int8,
    %m: tensor<?x4xf32>, %e: tensor<?x4xf32>)
    -> (tensor<?x4xbf16>, tensor<?x4xbf16>) {
  %y = marimba.packed_matmul %x, %w packed f32 post_ops [silu]
      outs(%e : tensor<?x4xf32>)
      : tensor<?x8xf32>, tensor<4x8xf32> -> tensor<?x4xf32>
  %n = arith.truncf %y : tensor<?x4xf32> to tensor<?x4xbf16>
  %z = marimba.quantized_matmul %x, %q as !int8
      post_ops [mul(%m : tensor<?x4xf32>)] outs(%e : tensor<?x4xf32>)
      : tensor<?x8xf32>, !int8 -> tensor<?x4xf32>
  %o = arith.truncf %z : tensor<?x4xf32> to tensor<?x4xbf16>
  return %n, %o : tensor<?x4xbf16>, tensor<?x4xbf16>
}

// The library does not where it multiplies f32, and a sum of the residual
// stream stays wide.

// CHECK-LABEL: func @wide
// CHECK: onednn.matmul %{{.*}} outs(%{{.*}} : tensor<?x4xf32>)
// CHECK: marimba.packed_matmul %{{.*}} post_ops [sum] outs(%{{.*}} : tensor<?x4xf32>)
func.func @wide(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>, %e: tensor<?x4xf32>)
    -> (tensor<?x4xbf16>, tensor<?x4xbf16>) {
  %y = onednn.matmul %x, %w outs(%e : tensor<?x4xf32>)
      : tensor<?x8xf32>, tensor<4x8xf32> -> tensor<?x4xf32>
  %n = arith.truncf %y : tensor<?x4xf32> to tensor<?x4xbf16>
  %z = marimba.packed_matmul %x, %w packed f32 post_ops [sum]
      outs(%e : tensor<?x4xf32>)
      : tensor<?x8xf32>, tensor<4x8xf32> -> tensor<?x4xf32>
  %o = arith.truncf %z : tensor<?x4xf32> to tensor<?x4xbf16>
  return %n, %o : tensor<?x4xbf16>, tensor<?x4xbf16>
}

// Sums of a reduction, a value with another reader, the residual stream and an
// argument are not made in bf16.

// CHECK-LABEL: func @not_fused
// CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<?xf32>)
// CHECK: arith.truncf %{{.*}} : tensor<?xf32> to tensor<?xbf16>
// CHECK: onednn.matmul %{{.*}} post_ops [sum] outs(%{{.*}} : tensor<?x4xf32>)
// PLAIN-COUNT-2: arith.truncf
// REORDER-COUNT-2: onednn.reorder %{{.*}} outs(%{{.*}} : tensor<?x{{.*}}xbf16>)
func.func @not_fused(%x: tensor<?x8xf32>, %s0: tensor<?xf32>,
    %h: tensor<?x8xbf16>, %w: tensor<4x8xbf16>, %r: tensor<?x4xf32>)
    -> (tensor<?xbf16>, tensor<?x4xbf16>, tensor<?x8xbf16>) {
  %s = linalg.generic {indexing_maps = [#rows, #row],
                       iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x8xf32>) outs(%s0 : tensor<?xf32>) {
  ^bb0(%in: f32, %out: f32):
    %sum = arith.addf %out, %in : f32
    linalg.yield %sum : f32
  } -> tensor<?xf32>
  %n = arith.truncf %s : tensor<?xf32> to tensor<?xbf16>
  %y = onednn.matmul %h, %w post_ops [sum] outs(%r : tensor<?x4xf32>)
      : tensor<?x8xbf16>, tensor<4x8xbf16> -> tensor<?x4xf32>
  %m = arith.truncf %y : tensor<?x4xf32> to tensor<?x4xbf16>
  %a = arith.truncf %x : tensor<?x8xf32> to tensor<?x8xbf16>
  return %n, %m, %a : tensor<?xbf16>, tensor<?x4xbf16>, tensor<?x8xbf16>
}
