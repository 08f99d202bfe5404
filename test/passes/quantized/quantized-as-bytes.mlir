// RUN: marimba-opt %s -split-input-file -verify-diagnostics -quantized-as-bytes | FileCheck %s

!int4 = tensor<70x100xi4, #marimba.quantized<group 64, scale bf16>>

// CHECK: marimba.weight @w : tensor<8704xi8> as tensor<70x100xi4, #marimba.quantized<group 64, scale bf16>> from ["w.codes", "w.scales"]
// CHECK: marimba.weight @v : tensor<4xf32> from ["v"]
marimba.weight @w : !int4 from ["w.codes", "w.scales"]
marimba.weight @v : tensor<4xf32> from ["v"]

// CHECK-LABEL: func private @layer
// CHECK-SAME: %{{.*}}: tensor<8704xi8>
// CHECK: marimba.quantized_matmul %{{.*}}, %{{.*}} as tensor<70x100xi4, {{.*}} : tensor<?x1x100xf32>, tensor<8704xi8> -> tensor<?x1x70xf32>
func.func private @layer(%x: tensor<?x1x100xf32>, %w: !int4, %y: tensor<?x1x70xf32>) -> tensor<?x1x70xf32> {
  %r = marimba.quantized_matmul %x, %w as !int4 outs(%y : tensor<?x1x70xf32>)
      : tensor<?x1x100xf32>, !int4 -> tensor<?x1x70xf32>
  return %r : tensor<?x1x70xf32>
}

// CHECK-LABEL: func @decode
// CHECK: %[[W:.*]] = marimba.get_weight @w : tensor<8704xi8>
// CHECK: call @layer(%{{.*}}, %[[W]], %{{.*}}) : (tensor<?x1x100xf32>, tensor<8704xi8>, tensor<?x1x70xf32>)
func.func @decode(%x: tensor<?x1x100xf32>, %y: tensor<?x1x70xf32>) -> tensor<?x1x70xf32> {
  %w = marimba.get_weight @w : !int4
  %r = call @layer(%x, %w, %y) : (tensor<?x1x100xf32>, !int4, tensor<?x1x70xf32>) -> tensor<?x1x70xf32>
  return %r : tensor<?x1x70xf32>
}

// -----

!int4 = tensor<70x100xi4, #marimba.quantized<group 64, scale bf16>>
func.func @linear(%x: tensor<?x1x100xf32>, %w: !int4) -> tensor<?x1x70xf32> {
  // expected-error@+1 {{reads a quantised tensor, 'tensor<70x100xi4, #marimba.quantized<group 64, scale bf16>>', and knows no way to do it}}
  %y = marimba.linear %x, %w : tensor<?x1x100xf32>, !int4 -> tensor<?x1x70xf32>
  return %y : tensor<?x1x70xf32>
}
