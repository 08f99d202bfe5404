// RUN: marimba-opt %s -split-input-file -verify-diagnostics -widen-quantized-weights="channels=128" | FileCheck %s
// RUN: marimba-opt %s -split-input-file -widen-quantized-weights="channels=128 few-rows=8 integers" | FileCheck %s --check-prefix=FEW

!int4 = tensor<320x100xi4, #marimba.quantized<group 64, scale bf16>>

// Two whole tiles and one of 64, each with the post-ops on its columns.

// CHECK-LABEL: func @tiles
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x100xbf16>, %[[W:[a-z0-9]+]]: tensor<320x100xi4, {{.*}}, %[[M:[a-z0-9]+]]: tensor<?x320xf32>, %[[Y:[a-z0-9]+]]: tensor<?x320xf32>
// CHECK: %[[L:.*]] = scf.for %[[N:.*]] = %{{.*}} to %c256{{.*}} step %c128{{.*}} iter_args(%[[O:.*]] = %[[Y]])
// CHECK:   %[[T:.*]] = marimba.dequantize %[[W]] from %[[N]] as {{.*}} -> tensor<100x128xbf16>
// CHECK:   %[[MS:.*]] = tensor.extract_slice %[[M]][0, %[[N]]]
// CHECK:   %[[R:.*]] = onednn.matmul %[[X]], %[[T]] post_ops [mul(%[[MS]] : tensor<?x128xf32>), sum] outs(%{{.*}} : tensor<?x128xf32>) {computed}
// CHECK:   tensor.insert_slice %[[R]] into %[[O]][0, %[[N]]]
// CHECK: marimba.dequantize %[[W]] from %c256{{.*}} -> tensor<100x64xbf16>
// CHECK: onednn.matmul {{.*}} {computed}
// CHECK: tensor.insert_slice %{{.*}} into %[[L]]
// CHECK-NOT: scf.if

// FEW-LABEL: func @tiles
// FEW: %[[FEW:.*]] = arith.cmpi ule, %{{.*}}, %c8
// FEW: scf.if %[[FEW]]
// FEW:   marimba.quantize_rows
// FEW:   %[[P:.*]] = marimba.quantized_matmul
// FEW:   %[[Q:.*]] = arith.mulf %[[P]], %{{.*}} : tensor<?x320xf32>
// FEW:   %[[S:.*]] = arith.addf %[[Q]], %[[Y:.*]] : tensor<?x320xf32>
// FEW:   bufferization.materialize_in_destination %[[S]] in %[[Y]]
// FEW: } else {
// FEW:   scf.for
func.func @tiles(%x: tensor<?x100xbf16>, %w: !int4, %m: tensor<?x320xf32>,
    %y: tensor<?x320xf32>) -> tensor<?x320xf32> {
  %r = onednn.matmul %x, %w post_ops [mul(%m : tensor<?x320xf32>), sum]
      outs(%y : tensor<?x320xf32>)
      : tensor<?x100xbf16>, !int4 -> tensor<?x320xf32>
  return %r : tensor<?x320xf32>
}

// Weights that are floating point stay the library's to pack.

// CHECK-LABEL: func @plain
// CHECK-NOT: dequantize
// CHECK: onednn.matmul
// CHECK-NOT: computed
func.func @plain(%x: tensor<?x100xf32>, %w: tensor<64x100xbf16>,
    %y: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %r = onednn.matmul %x, %w outs(%y : tensor<?x64xf32>)
      : tensor<?x100xf32>, tensor<64x100xbf16> -> tensor<?x64xf32>
  return %r : tensor<?x64xf32>
}
