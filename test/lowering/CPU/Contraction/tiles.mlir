// RUN: marimba-opt %s -convert-marimba-to-vector="vector-bits=256 threads=2" -cse | FileCheck %s
// RUN: marimba-opt %s -convert-marimba-to-vector="vector-bits=512 threads=2" -cse | FileCheck %s --check-prefix=WIDE

// More than one row are tiles of six rows and 16 channels: 12 sums in
// registers, two vectors of a panel of 256 inputs, one input for all channels.
// Sums of other inputs wait in scratch.

// CHECK-LABEL: func @floats
// CHECK: %[[WORDS:.*]] = rt.packed_weights {{.*}} -> memref<?x768x64xf32>
// CHECK: %[[MANY:.*]] = arith.cmpi slt, %c1, %{{.*}}
// CHECK: scf.if %[[MANY]]
// CHECK: scf.parallel
// CHECK: %[[SUMS:.*]] = memref.alloca() {{.*}} : memref<510x64xf32>
// CHECK: %[[PANEL:.*]] = memref.alloca() {{.*}} : memref<4x256x16xf32>
// CHECK: vector.load %[[WORDS]]
// CHECK: vector.store %{{.*}}, %[[PANEL]]
// CHECK: vector.load %[[SUMS]]
// CHECK: scf.for {{.*}} iter_args
// CHECK-COUNT-2: vector.load %[[PANEL]]
// CHECK-COUNT-12: math.fma
// CHECK-NOT: math.fma
// CHECK: scf.yield
// CHECK: vector.store %{{.*}}, %[[SUMS]]
// CHECK: } else {
// CHECK: scf.parallel

// WIDE-LABEL: func @floats
// WIDE: memref.alloca() {{.*}} : memref<1x256x64xf32>
// WIDE: scf.for {{.*}} iter_args
// WIDE-COUNT-4: vector.load {{.*}} vector<16xf32>
// WIDE-COUNT-24: math.fma
// WIDE-NOT: math.fma
// WIDE: scf.yield
func.func @floats(%ctx: !rt.context, %x: memref<?x768xf32>,
    %w: memref<3072x768xf32>, %y: memref<?x3072xf32>) {
  marimba.packed_matmul %x, %w packed f32 outs(%y : memref<?x3072xf32>)
      : memref<?x768xf32>, memref<3072x768xf32>
  return
}

// All inputs are in one panel: scratch for the sums of one tile, whose rows are
// stored in a loop. Words of two bf16 are widened once for all rows. Channels
// that are padding are not stored.

// CHECK-LABEL: func @rounded_weight
// CHECK: scf.parallel
// CHECK: %[[SUMS:.*]] = memref.alloca() {{.*}} : memref<6x64xf32>
// CHECK: memref.alloca() {{.*}} : memref<4x128x16xf32>
// CHECK: arith.shli
// CHECK: arith.andi
// CHECK-COUNT-12: math.fma
// CHECK-COUNT-12: vector.store %{{.*}}, %[[SUMS]]
// CHECK: scf.for
// CHECK: vector.maskedstore
func.func @rounded_weight(%ctx: !rt.context, %x: memref<?x100xf32>,
    %w: memref<70x100xbf16>, %y: memref<?x70xf32>) {
  marimba.packed_matmul %x, %w packed bf16 outs(%y : memref<?x70xf32>)
      : memref<?x100xf32>, memref<70x100xbf16>
  return
}

// Words of two bf16 times pairs of bf16: no panel.

// WIDE-LABEL: func @pairs
// WIDE: %[[WORDS:.*]] = rt.packed_weights
// WIDE: scf.parallel
// WIDE: memref.alloca() {{.*}} : memref<6x64xf32>
// WIDE-NOT: memref.alloca
// WIDE: scf.for {{.*}} iter_args
// WIDE-COUNT-4: vector.load %[[WORDS]]
// WIDE-COUNT-24: dpbf16ps.512
// WIDE-NOT: dpbf16ps
// WIDE: scf.yield
func.func @pairs(%ctx: !rt.context, %x: memref<?x100xbf16>,
    %w: memref<640x100xbf16>, %y: memref<?x640xf32>) {
  marimba.packed_matmul %x, %w packed bf16 outs(%y : memref<?x640xf32>)
      : memref<?x100xbf16>, memref<640x100xbf16>
  return
}

// Codes become weights in the panel, each with one rounding.

!int4 = tensor<128x256xi4, #marimba.quantized<group 64, scale bf16>>

// CHECK-LABEL: func @codes
// CHECK: memref.alloca() {{.*}} : memref<4x256x16xf32>
// CHECK: arith.sitofp
// CHECK: arith.mulf
// CHECK-COUNT-12: math.fma
func.func @codes(%x: memref<?x256xf32>, %w: memref<17408xi8>,
    %y: memref<?x128xf32>) {
  marimba.quantized_matmul %x, %w as !int4 outs(%y : memref<?x128xf32>)
      : memref<?x256xf32>, memref<17408xi8>
  return
}

// Sequences that follow one another are one matrix.

// CHECK-LABEL: func @sequences
// CHECK: memref.extract_strided_metadata
// CHECK: arith.cmpi eq
// CHECK: memref.reinterpret_cast {{.*}} to memref<?x?x640xf32
func.func @sequences(%ctx: !rt.context, %x: memref<?x?x100xf32>,
    %w: memref<640x100xf32>, %y: memref<?x?x640xf32>) {
  marimba.packed_matmul %x, %w packed f32 outs(%y : memref<?x?x640xf32>)
      : memref<?x?x100xf32>, memref<640x100xf32>
  return
}

// One token of each sequence is a row: tiles where there are more of them.

// CHECK-LABEL: func @tokens
// CHECK: %[[ROWS:.*]] = memref.dim %{{.*}}, %c0{{.*}} : memref<?x640xf32
// CHECK: %[[MANY:.*]] = arith.cmpi slt, %c1{{.*}}, %[[ROWS]]
// CHECK: scf.if %[[MANY]]
// CHECK: memref.alloca() {{.*}} : memref<4x128x16xf32>
// CHECK: } else {
// CHECK-NOT: memref.alloca
// CHECK: return
func.func @tokens(%ctx: !rt.context, %x: memref<?x1x100xf32>,
    %w: memref<640x100xf32>, %y: memref<?x1x640xf32>) {
  marimba.packed_matmul %x, %w packed f32 outs(%y : memref<?x1x640xf32>)
      : memref<?x1x100xf32>, memref<640x100xf32>
  return
}

// Two rows that are known are tiles, and one is none, without a branch.

// CHECK-LABEL: func @two
// CHECK-NOT: scf.if
// CHECK: memref.alloca() {{.*}} : memref<4x128x16xf32>
// CHECK-NOT: scf.if
// CHECK: return
func.func @two(%ctx: !rt.context, %x: memref<2x100xf32>,
    %w: memref<640x100xf32>, %y: memref<2x640xf32>) {
  marimba.packed_matmul %x, %w packed f32 outs(%y : memref<2x640xf32>)
      : memref<2x100xf32>, memref<640x100xf32>
  return
}

// CHECK-LABEL: func @one
// CHECK-NOT: {{memref.alloca|scf.if}}
// CHECK: return
func.func @one(%ctx: !rt.context, %x: memref<1x100xf32>,
    %w: memref<640x100xf32>, %y: memref<1x640xf32>) {
  marimba.packed_matmul %x, %w packed f32 outs(%y : memref<1x640xf32>)
      : memref<1x100xf32>, memref<640x100xf32>
  return
}

// No channels, and no inputs: compiles, and without inputs every sum is 0.

// CHECK-LABEL: func @no_channels
// CHECK: scf.parallel
func.func @no_channels(%ctx: !rt.context, %x: memref<?x100xf32>,
    %w: memref<0x100xf32>, %y: memref<?x0xf32>) {
  marimba.packed_matmul %x, %w packed f32 outs(%y : memref<?x0xf32>)
      : memref<?x100xf32>, memref<0x100xf32>
  return
}

// CHECK-LABEL: func @no_inputs
// CHECK: scf.parallel
func.func @no_inputs(%ctx: !rt.context, %x: memref<?x0xf32>,
    %w: memref<640x0xf32>, %y: memref<?x640xf32>) {
  marimba.packed_matmul %x, %w packed f32 outs(%y : memref<?x640xf32>)
      : memref<?x0xf32>, memref<640x0xf32>
  return
}
