// RUN: marimba-opt %s -fuse-discretize-scan \
// RUN:   -convert-marimba-to-onednn="smallest-call=64" \
// RUN:   --mlir-pass-statistics -o /dev/null 2>&1 | FileCheck %s
// RUN: marimba-opt %s -fuse-discretize-scan -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=QUIET --allow-empty
// RUN: marimba-opt %s -fuse-discretize-scan -convert-marimba-to-onednn \
// RUN:   -debug-only=fuse-discretize-scan -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=DEBUG

// What passes changed, in numbers, of both functions together.

// CHECK: Statistics of Marimba's passes
// CHECK: convert-marimba-to-onednn
// CHECK-NEXT: (S) 2 num-library - projections by the library
// CHECK-NEXT: (S) 1 num-loops - projections left to loops
// CHECK-NEXT: fuse-discretize-scan
// CHECK-NEXT: (S) 1 num-fused - state-space layers that became one op
// CHECK-NOT: (S)

// QUIET-NOT: (S)

// And what they decided, of one pass alone.

// DEBUG-NOT: onednn
// DEBUG: [fuse-discretize-scan {{.*}}] replaced marimba.readout at
// DEBUG-NOT: onednn
func.func @layer(%u: tensor<?x?x8xf32>, %dt: tensor<?x?x8xf32>,
    %A: tensor<4x8xf32>, %B: tensor<?x?x4xf32>, %C: tensor<?x?x4xf32>,
    %e: tensor<?x?x4x8xf32>, %h: tensor<?x4x8xf32>, %w: tensor<16x8xf32>)
    -> (tensor<?x?x16xf32>, tensor<?x4x8xf32>) {
  %decay, %input = marimba.discretize euler %dt, %A, %B, %u
      : tensor<?x?x8xf32>, tensor<4x8xf32>, tensor<?x?x4xf32>
     -> tensor<?x?x4x8xf32>
  %states, %last = marimba.scan %decay, %input
      outs(%e, %h : tensor<?x?x4x8xf32>, tensor<?x4x8xf32>)
      : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>
     -> tensor<?x?x4x8xf32>, tensor<?x4x8xf32>
  %y = marimba.readout %states, %C
      : tensor<?x?x4x8xf32>, tensor<?x?x4xf32> -> tensor<?x?x8xf32>
  %o = marimba.linear %y, %w
      : tensor<?x?x8xf32>, tensor<16x8xf32> -> tensor<?x?x16xf32>
  return %o, %last : tensor<?x?x16xf32>, tensor<?x4x8xf32>
}

// One row over a small weight is not worth a call.
func.func @linear(%x: tensor<?x?x8xf32>, %y: tensor<?x1x8xf32>,
    %w: tensor<4x8xf32>) -> (tensor<?x?x4xf32>, tensor<?x1x4xf32>) {
  %a = marimba.linear %x, %w
      : tensor<?x?x8xf32>, tensor<4x8xf32> -> tensor<?x?x4xf32>
  %b = marimba.linear %y, %w
      : tensor<?x1x8xf32>, tensor<4x8xf32> -> tensor<?x1x4xf32>
  return %a, %b : tensor<?x?x4xf32>, tensor<?x1x4xf32>
}
