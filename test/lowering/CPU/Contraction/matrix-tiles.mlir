// RUN: marimba-opt %s -convert-marimba-to-vector="vector-bits=512 integer-unit=vnni tiles threads=2" -cse -canonicalize | FileCheck %s
// RUN: marimba-opt %s -convert-marimba-to-vector="vector-bits=512 integer-unit=vnni threads=2" -cse | FileCheck %s --check-prefix=NONE

// NONE-NOT: amx.

// Weights are tiles where they lie, as are the rows, of which the last sixteen
// are the last register's. A thread goes over blocks of channels for the same
// rows.

// CHECK-LABEL: func @pairs
// CHECK: %[[P:.*]] = rt.packed_weights %{{.*}} -> memref<?x1280x64xi32>
// CHECK: scf.parallel (%{{.*}}, %[[BLOCK:.*]]) =
// CHECK: %[[SUMS:.*]] = memref.alloca() {alignment = 64 : i64} : memref<32x64xf32>
// CHECK-COUNT-4: amx.tile_zero : !amx.tile<16x16xf32>
// CHECK: scf.for %[[WORD:.*]] = %c0{{.*}} to %c1280{{.*}} step %c16
// CHECK: amx.tile_load %{{.*}} : memref<?x?xbf16, strided<[?, 1], offset: ?>> into !amx.tile<16x32xbf16>
// CHECK: amx.tile_load %[[P]][%[[BLOCK]], %[[WORD]], %{{.*}}] : memref<?x1280x64xi32> into !amx.tile<16x32xbf16>
// CHECK-COUNT-4: amx.tile_mulf
// CHECK: scf.yield
// CHECK-COUNT-4: amx.tile_store %[[SUMS]]
// CHECK: vector.load %[[SUMS]]
// CHECK: arith.addf
// CHECK: vector.store %{{.*}} : memref<?x640xf32>
func.func @pairs(%ctx: !rt.context, %x: memref<?x2560xbf16>,
    %w: memref<640x2560xbf16>, %b: memref<640xf32>, %y: memref<?x640xf32>) {
  marimba.packed_matmul %x, %w packed bf16 bias(%b : memref<640xf32>)
      outs(%y : memref<?x640xf32>) : memref<?x2560xbf16>, memref<640x2560xbf16>
  return
}

// Sums of many inputs wait in scratch; the first ones begin at 0.

// CHECK-LABEL: func @deep
// CHECK: memref.alloca() {{.*}} : memref<320x64xf32>
// CHECK-NOT: amx.tile_zero
// CHECK: vector.store %{{.*}} : memref<320x64xf32>
// CHECK-COUNT-4: amx.tile_load %{{.*}} : memref<320x64xf32> into !amx.tile<16x16xf32>
func.func @deep(%ctx: !rt.context, %x: memref<?x8192xbf16>,
    %w: memref<64x8192xbf16>, %y: memref<?x64xf32>) {
  marimba.packed_matmul %x, %w packed bf16 outs(%y : memref<?x64xf32>)
      : memref<?x8192xbf16>, memref<64x8192xbf16>
  return
}

// Fewer rows than a register has are copied to where it can read sixteen: all
// products are of tiles, of one row, too, and of sequences that do not join.

// CHECK-LABEL: func @sequences
// CHECK-NOT: dpbf16ps
// CHECK: scf.for %[[BATCH:.*]] =
// CHECK: %[[FEW:.*]] = arith.cmpi slt, %[[ROWS:.*]], %c16
// CHECK: scf.if %[[FEW]]
// CHECK-NEXT: scf.for %[[ROW:.*]] = %c0{{.*}} to %[[ROWS]]
// CHECK: %[[SOME:.*]] = vector.load %[[X:.*]][%[[BATCH]], %[[ROW]], %{{.*}}] : {{.*}}, vector<32xbf16>
// CHECK: vector.store %[[SOME]], %[[PADDED:.*]][%[[ROW]], %{{.*}}] : memref<16x64xbf16>
// CHECK: memref.reinterpret_cast %[[PADDED]] {{.*}} sizes: [1, 16, 64], strides: [0, 64, 1]
// CHECK: arith.select %[[FEW]]
// CHECK: amx.tile_mulf
// CHECK-NOT: dpbf16ps
func.func @sequences(%ctx: !rt.context, %x: memref<?x?x64xbf16>,
    %w: memref<70x64xbf16>, %y: memref<?x?x70xf32>) {
  marimba.packed_matmul %x, %w packed bf16 outs(%y : memref<?x?x70xf32>)
      : memref<?x?x64xbf16>, memref<70x64xbf16>
  return
}

// Codes become pairs of bf16, each weight rounded once.

!int4 = tensor<1024x64xi4, #marimba.quantized<group 64, scale bf16>>
// CHECK-LABEL: func @widened
// CHECK: %[[PANEL:.*]] = memref.alloca() {{.*}} : memref<32x64xi32>
// CHECK: llvm.call_intrinsic "llvm.x86.avx512bf16.cvtne2ps2bf16.512"
// CHECK: vector.shuffle {{.*}} [0, 16, 1, 17,
// CHECK: vector.store %{{.*}}, %[[PANEL]]
// CHECK: amx.tile_load %[[PANEL]]{{.*}} into !amx.tile<16x32xbf16>
// CHECK: amx.tile_mulf
func.func @widened(%x: memref<?x64xbf16>, %w: memref<34816xi8>,
    %y: memref<?x1024xf32>) {
  marimba.quantized_matmul %x, %w as !int4 outs(%y : memref<?x1024xf32>)
      : memref<?x64xbf16>, memref<34816xi8>
  return
}

// Bytes with one scale for each row and channel: sums are exact.

!int8 = tensor<1024x64xi8, #marimba.quantized<channel, scale bf16>>
// CHECK-LABEL: func @bytes
// CHECK: amx.tile_load %{{.*}} : memref<?x?xi8, strided<[?, 1], offset: ?>> into !amx.tile<16x64xi8>
// CHECK: amx.tile_load %{{.*}} : memref<16x16x64xi32> into !amx.tile<16x64xi8>
// CHECK: amx.tile_muli {{.*}} : !amx.tile<16x64xi8>, !amx.tile<16x64xi8>, !amx.tile<16x16xi32>
// CHECK: arith.sitofp {{.*}} : vector<16xi32> to vector<16xf32>
func.func @bytes(%x: memref<?x64xi8>, %s: memref<?x1xf32>, %t: memref<?x1xf32>,
    %w: memref<67584xi8>, %y: memref<?x1024xf32>) {
  marimba.quantized_matmul %x scales(%s, %t : memref<?x1xf32>, memref<?x1xf32>),
      %w as !int8 outs(%y : memref<?x1024xf32>)
      : memref<?x64xi8>, memref<67584xi8>
  return
}

// Sixteen rows are a register: no copy. One is copied.

// CHECK-LABEL: func @sixteen
// CHECK-NOT: scf.if
// CHECK: amx.tile_mulf
func.func @sixteen(%ctx: !rt.context, %x: memref<16x64xbf16>,
    %w: memref<64x64xbf16>, %y: memref<16x64xf32>) {
  marimba.packed_matmul %x, %w packed bf16 outs(%y : memref<16x64xf32>)
      : memref<16x64xbf16>, memref<64x64xbf16>
  return
}

// CHECK-LABEL: func @one
// CHECK: vector.store %{{.*}} : memref<16x64xbf16>
// CHECK: amx.tile_mulf
func.func @one(%ctx: !rt.context, %x: memref<1x64xbf16>,
    %w: memref<64x64xbf16>, %y: memref<1x64xf32>) {
  marimba.packed_matmul %x, %w packed bf16 outs(%y : memref<1x64xf32>)
      : memref<1x64xbf16>, memref<64x64xbf16>
  return
}

// No channels.

// CHECK-LABEL: func @no_channels
// CHECK: amx.tile_mulf
func.func @no_channels(%ctx: !rt.context, %x: memref<?x64xbf16>,
    %w: memref<0x64xbf16>, %y: memref<?x0xf32>) {
  marimba.packed_matmul %x, %w packed bf16 outs(%y : memref<?x0xf32>)
      : memref<?x64xbf16>, memref<0x64xbf16>
  return
}

// What is no tile: inputs of f32, rows that end within one or have no inputs,
// one token of each sequence, codes in groups times bytes.

// CHECK-LABEL: func @floats
// CHECK-NOT: amx.
func.func @floats(%ctx: !rt.context, %x: memref<?x64xf32>,
    %w: memref<64x64xbf16>, %y: memref<?x64xf32>) {
  marimba.packed_matmul %x, %w packed bf16 outs(%y : memref<?x64xf32>)
      : memref<?x64xf32>, memref<64x64xbf16>
  return
}

func.func @odd(%ctx: !rt.context, %x: memref<?x72xbf16>,
    %w: memref<64x72xbf16>, %y: memref<?x64xf32>) {
  marimba.packed_matmul %x, %w packed bf16 outs(%y : memref<?x64xf32>)
      : memref<?x72xbf16>, memref<64x72xbf16>
  return
}

func.func @no_inputs(%ctx: !rt.context, %x: memref<?x0xbf16>,
    %w: memref<64x0xbf16>, %y: memref<?x64xf32>) {
  marimba.packed_matmul %x, %w packed bf16 outs(%y : memref<?x64xf32>)
      : memref<?x0xbf16>, memref<64x0xbf16>
  return
}

func.func @tokens(%ctx: !rt.context, %x: memref<?x1x64xbf16>,
    %w: memref<64x64xbf16>, %y: memref<?x1x64xf32>) {
  marimba.packed_matmul %x, %w packed bf16 outs(%y : memref<?x1x64xf32>)
      : memref<?x1x64xbf16>, memref<64x64xbf16>
  return
}

func.func @groups(%x: memref<?x64xi8>, %s: memref<?x1xf32>, %t: memref<?x1xf32>,
    %w: memref<34816xi8>, %y: memref<?x1024xf32>) {
  marimba.quantized_matmul %x scales(%s, %t : memref<?x1xf32>, memref<?x1xf32>),
      %w as !int4 outs(%y : memref<?x1024xf32>)
      : memref<?x64xi8>, memref<34816xi8>
  return
}
