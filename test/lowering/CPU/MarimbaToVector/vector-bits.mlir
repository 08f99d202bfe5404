// RUN: marimba-opt %s -convert-marimba-to-vector=vector-bits=256 \
// RUN:   | FileCheck %s --check-prefix=V256
// RUN: marimba-opt %s -convert-marimba-to-vector | FileCheck %s --check-prefix=V512
// RUN: not marimba-opt %s -convert-marimba-to-vector=vector-bits=100 2>&1 \
// RUN:   | FileCheck %s --check-prefix=INVALID
// RUN: not marimba-opt %s -convert-marimba-to-vector=vector-bits=32 2>&1 \
// RUN:   | FileCheck %s --check-prefix=INVALID

// 24 channels are three vectors of 256 bits, but one and a half of 512.

// V256-LABEL: func @conv(
// V256: scf.for
// V256: %[[LANES:.*]] = arith.constant 8 : index
// V256: scf.for {{.*}} step %[[LANES]]
// V256-NOT: mask
// V256: vector.load {{.*}} vector<8xf32>
// V256-NOT: mask
// V256-NOT: vector<16
// V256: return

// V512-LABEL: func @conv(
// V512: scf.for
// V512: %[[LANES:.*]] = arith.constant 16 : index
// V512: scf.for {{.*}} step %[[LANES]]
// V512: vector.maskedload {{.*}} vector<16xf32>

// INVALID: error: vector-bits is {{100|32}}, expected a power of two of at least 64
func.func @conv(%x: memref<?x?x24xf32>, %w: memref<2x24xf32>,
    %y: memref<?x?x24xf32>, %s: memref<?x1x24xf32>) {
  marimba.causal_conv1d %x, %w
      outs(%y, %s : memref<?x?x24xf32>, memref<?x1x24xf32>)
      : memref<?x?x24xf32>, memref<2x24xf32>
  return
}
