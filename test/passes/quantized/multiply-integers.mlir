// RUN: marimba-opt %s -multiply-integers | FileCheck %s

!int8 = tensor<70x200xi8, #marimba.quantized<channel, scale f32>>
!groups = tensor<70x200xi8, #marimba.quantized<group 64, scale bf16>>

// Activations with one scale for each row; what was rounded to bf16 is taken as
// it was before.

// CHECK-LABEL: func @prefill
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x?x200xf32>, %[[W:[a-z0-9]+]]: tensor<70x200xi8
// CHECK: %[[Q:.*]]:3 = marimba.quantize_rows %[[X]] {{.*}} {offset} : tensor<?x?x200xf32> -> tensor<?x?x256xi8>, tensor<?x?x1xf32>, tensor<?x?x1xf32>
// CHECK: %[[S:.*]] = onednn.integer_matmul %[[Q]]#0, %[[W]] as {{.*}} -> tensor<?x?x70xi32>
// CHECK: %[[C:.*]]:2 = marimba.channel_terms %[[W]] as {{.*}} -> tensor<70xf32>, tensor<70xi32>
// CHECK: linalg.generic {{.*}} ins(%[[S]], %[[Q]]#1, %[[C]]#0, %[[C]]#1, %{{.*}} : tensor<?x?x70xi32>, tensor<?x?x1xf32>, tensor<70xf32>, tensor<70xi32>, tensor<70xbf16>)
// CHECK: arith.shli
// CHECK: arith.subi
// CHECK: arith.sitofp
func.func @prefill(%x: tensor<?x?x200xf32>, %w: !int8, %b: tensor<70xbf16>) -> tensor<?x?x70xf32> {
  %n = arith.truncf %x : tensor<?x?x200xf32> to tensor<?x?x200xbf16>
  %y = marimba.linear %n, %w bias(%b : tensor<70xbf16>) : tensor<?x?x200xbf16>, !int8 -> tensor<?x?x70xf32>
  return %y : tensor<?x?x70xf32>
}

// Several scales a channel, few rows, other weights.

// CHECK-LABEL: func @others
// CHECK-NOT: integer_matmul
func.func @others(%x: tensor<?x?x200xf32>, %t: tensor<?x1x200xf32>, %g: !groups,
    %w: !int8, %p: tensor<70x200xf32>)
    -> (tensor<?x?x70xf32>, tensor<?x1x70xf32>, tensor<?x?x70xf32>) {
  %a = marimba.linear %x, %g : tensor<?x?x200xf32>, !groups -> tensor<?x?x70xf32>
  %b = marimba.linear %t, %w : tensor<?x1x200xf32>, !int8 -> tensor<?x1x70xf32>
  %c = marimba.linear %x, %p : tensor<?x?x200xf32>, tensor<70x200xf32> -> tensor<?x?x70xf32>
  return %a, %b, %c : tensor<?x?x70xf32>, tensor<?x1x70xf32>, tensor<?x?x70xf32>
}
