// RUN: marimba-opt %s | marimba-opt | FileCheck %s
// RUN: marimba-opt %s --mlir-print-op-generic | marimba-opt | FileCheck %s

!int4 = tensor<70x100xi4, #marimba.quantized<group 64, scale bf16>>
!zeros = tensor<70x100xi4, #marimba.quantized<group 128, scale f16, zero_point>>
!int8 = tensor<70x100xi8, #marimba.quantized<channel, scale f32>>
!minimum = tensor<70x128xi4, #marimba.quantized<group 32, scale f16, minimum>>
!stack = tensor<3x70x100xi4, #marimba.quantized<group 64, scale bf16>>

// CHECK: marimba.weight @a : tensor<70x100xi4, #marimba.quantized<group 64, scale bf16>> from ["a.codes", "a.scales"]
marimba.weight @a : !int4 from ["a.codes", "a.scales"]
// CHECK: marimba.weight @z : tensor<70x100xi4, #marimba.quantized<group 128, scale f16, zero_point>> from ["z.codes", "z.scales", "z.zeros"]
marimba.weight @z : !zeros from ["z.codes", "z.scales", "z.zeros"]
// CHECK: marimba.weight @b : tensor<16896xi8> as tensor<70x100xi8, #marimba.quantized<channel, scale f32>> from
marimba.weight @b : tensor<16896xi8> as !int8 from ["b.codes", "b.scales"]

// CHECK: marimba.weight @k : tensor<70x256xi6, #marimba.quantized<group 16, scale f16 per 256>> from ["k.codes", "k.high_bits", "k.scales", "k.super_scales"]
marimba.weight @k : tensor<70x256xi6, #marimba.quantized<group 16, scale f16 per 256>> from ["k.codes", "k.high_bits", "k.scales", "k.super_scales"]
// CHECK: marimba.weight @q4_k : tensor<70x256xi4, #marimba.quantized<group 32, scale f16 per 256, minimum>> from
marimba.weight @q4_k : tensor<70x256xi4, #marimba.quantized<group 32, scale f16 per 256, minimum>> from ["n.codes", "n.scales", "n.minimums", "n.super_scales", "n.super_minimums"]
// CHECK: marimba.weight @t : tensor<70x64xi4, #marimba.quantized<group 32, scale f8E8M0FNU, values e2m1>> from ["t.codes", "t.scales"]
marimba.weight @t : tensor<70x64xi4, #marimba.quantized<group 32, scale f8E8M0FNU, values e2m1>> from ["t.codes", "t.scales"]
// CHECK: marimba.weight @m : tensor<70x128xi4, #marimba.quantized<group 32, scale f16, minimum>> from ["m.codes", "m.scales", "m.minimums"]
marimba.weight @m : !minimum from ["m.codes", "m.scales", "m.minimums"]
// CHECK: marimba.weight @n : tensor<10240xi8> as tensor<70x128xi4, #marimba.quantized<group 32, scale f16, minimum>> from
marimba.weight @n : tensor<10240xi8> as !minimum from ["n.codes", "n.scales", "n.minimums"]

// CHECK: marimba.weight @c : tensor<70x256xi3, #marimba.quantized<group 32, scale f16 per 256, values iq3_s>> from ["c.codes", "c.high_bits", "c.signs", "c.scales", "c.super_scales"]
marimba.weight @c : tensor<70x256xi3, #marimba.quantized<group 32, scale f16 per 256, values iq3_s>>
    from ["c.codes", "c.high_bits", "c.signs", "c.scales", "c.super_scales"]
// CHECK: marimba.weight @d : tensor<3712xi8> as tensor<64x256xi1, #marimba.quantized<group 16, scale f16 per 256, values iq1_m>> from
marimba.weight @d : tensor<3712xi8> as tensor<64x256xi1, #marimba.quantized<group 16, scale f16 per 256, values iq1_m>>
    from ["d.codes", "d.high_bits", "d.scales", "d.super_scales"]

// CHECK-LABEL: func @tensors
func.func @tensors(%x: tensor<?x1x100xf32>, %c: tensor<?x1x128xi8>,
    %g: tensor<?x1x2xf32>, %y: tensor<?x1x70xf32>, %w: !int4, %stack: !stack,
    %bias: tensor<70xbf16>, %tile: tensor<100x64xbf16>, %i: index,
    %ids: tensor<?x?xi32>, %e: tensor<?x?x100xf32>) {
  // CHECK: marimba.quantize_rows %{{.*}} outs(
  %q:3 = marimba.quantize_rows %x
      outs(%c, %g, %g : tensor<?x1x128xi8>, tensor<?x1x2xf32>, tensor<?x1x2xf32>)
      : tensor<?x1x100xf32>
     -> tensor<?x1x128xi8>, tensor<?x1x2xf32>, tensor<?x1x2xf32>
  // CHECK: marimba.quantized_matmul %{{.*}}, %{{.*}} as tensor<70x100xi4, #marimba.quantized<group 64, scale bf16>> bias(
  %a = marimba.quantized_matmul %x, %w as !int4 bias(%bias : tensor<70xbf16>)
      outs(%y : tensor<?x1x70xf32>)
      : tensor<?x1x100xf32>, !int4 -> tensor<?x1x70xf32>
  // CHECK: marimba.quantized_matmul %{{.*}}#0 scales(%{{.*}}#1, %{{.*}}#2 : tensor<?x1x2xf32>, tensor<?x1x2xf32>), %{{.*}}[%{{.*}}] as
  %b = marimba.quantized_matmul %q#0
      scales(%q#1, %q#2 : tensor<?x1x2xf32>, tensor<?x1x2xf32>),
      %stack[%i] as !stack outs(%y : tensor<?x1x70xf32>)
      : tensor<?x1x128xi8>, !stack -> tensor<?x1x70xf32>
  // CHECK: marimba.dequantize %{{.*}} from %{{.*}} as
  %t = marimba.dequantize %w from %i as !int4 outs(%tile : tensor<100x64xbf16>)
      : !int4 -> tensor<100x64xbf16>
  // CHECK: marimba.quantized_embedding
  %r = marimba.quantized_embedding %ids, %w as !int4
      outs(%e : tensor<?x?x100xf32>)
      : tensor<?x?xi32>, !int4 -> tensor<?x?x100xf32>
  return
}

// CHECK-LABEL: func @buffers
func.func @buffers(%x: memref<?x1x100xf32>, %w: memref<8704xi8>,
    %y: memref<?x1x70xf32>) {
  // CHECK: marimba.quantized_matmul %{{.*}} : memref<?x1x100xf32>, memref<8704xi8>
  marimba.quantized_matmul %x, %w as !int4 outs(%y : memref<?x1x70xf32>)
      : memref<?x1x100xf32>, memref<8704xi8>
  return
}
