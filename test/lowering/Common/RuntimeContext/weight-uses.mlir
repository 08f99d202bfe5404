// RUN: marimba-opt %s -add-runtime-context \
// RUN:   | sed -n 's/.*@marimba_description("\(.*\)\\00").*/\1/p' \
// RUN:   | sed 's/\\22/"/g' | %python %S/Inputs/print_uses.py | FileCheck %s --match-full-lines

// Which weights matmuls read, and which anything else reads, too.
module @uses {
// CHECK: plain: packed f32
marimba.weight @plain : tensor<16x8xbf16> from ["plain"]
// By way of a layer's argument and a view of one matrix.
// CHECK-NEXT: experts: packed f32
marimba.weight @experts : tensor<2x16x8xbf16> from ["e0", "e1"]
// CHECK-NEXT: tied: packed f32, stored
marimba.weight @tied : tensor<16x8xbf16> from ["tied"]
// CHECK-NEXT: loaded: stored
marimba.weight @loaded : tensor<16x8xbf16> from ["loaded"]
// Half of a matrix, and two halves of two, are no matrix.
// CHECK-NEXT: half: stored
marimba.weight @half : tensor<16x8xbf16> from ["half"]
// CHECK-NEXT: slanted: stored
marimba.weight @slanted : tensor<2x16x8xbf16> from ["slanted"]
// CHECK-NEXT: bias: stored
marimba.weight @bias : tensor<16xbf16> from ["bias"]
// Who calls a public function is not known, nor with what.
// CHECK-NEXT: public: packed f32, stored
marimba.weight @public : tensor<16x8xbf16> from ["public"]
// Asking for a size reads nothing.
// CHECK-NEXT: unread: stored
marimba.weight @unread : tensor<16x8xbf16> from ["unread"]
// Its matrices may lie anywhere; a part of each may not.
// CHECK-NEXT: grouped: apart
marimba.weight @grouped : tensor<2x16x8xbf16> from ["g0", "g1"]
// CHECK-NEXT: halves: stored
marimba.weight @halves : tensor<2x16x8xbf16> from ["h0", "h1"]
// CHECK-NEXT: derived: stored
marimba.weight @derived : tensor<16x8xf32> derived
// CHECK-NOT: {{.+}}

func.func @anyone(%w: memref<16x8xbf16>) {
  return
}

func.func private @layer(%x: memref<?x8xf32>, %y: memref<?x16xf32>,
    %experts: memref<2x16x8xbf16>, %i: index) {
  %one = memref.subview %experts[%i, 0, 0] [1, 16, 8] [1, 1, 1]
      : memref<2x16x8xbf16> to memref<16x8xbf16, strided<[8, 1], offset: ?>>
  onednn.matmul %x, %one outs(%y : memref<?x16xf32>)
      : memref<?x8xf32>, memref<16x8xbf16, strided<[8, 1], offset: ?>>
  return
}

func.func @main(%x: memref<?x8xf32> {marimba.input = "x"},
    %y: memref<?x16xf32> {marimba.output = "y"})
    attributes {marimba.entry = "prefill"} {
  %c0 = arith.constant 0 : index
  %plain = marimba.get_weight @plain : memref<16x8xbf16>
  %grouped = marimba.get_weight @grouped : memref<2x16x8xbf16>
  %halves = marimba.get_weight @halves : memref<2x16x8xbf16>
  %upper = memref.subview %halves[0, 0, 0] [2, 8, 8] [1, 1, 1]
      : memref<2x16x8xbf16> to memref<2x8x8xbf16, strided<[128, 8, 1]>>
  %pairs = memref.alloc() : memref<4xi32>
  %offsets = memref.alloc() : memref<3xi32>
  %order = memref.alloc() : memref<2xi32>
  %rows = memref.alloc() : memref<4x8xf32>
  %sums = memref.alloc() : memref<4x16xf32>
  %narrow = memref.alloc() : memref<4x8xf32>
  marimba.grouped_matmul %rows, %grouped
      groups(%pairs, %offsets, %order : memref<4xi32>, memref<3xi32>, memref<2xi32>)
      outs(%sums : memref<4x16xf32>) {top_k = 1 : i64}
      : memref<4x8xf32>, memref<2x16x8xbf16>
  marimba.grouped_matmul %rows, %upper
      groups(%pairs, %offsets, %order : memref<4xi32>, memref<3xi32>, memref<2xi32>)
      outs(%narrow : memref<4x8xf32>) {top_k = 1 : i64}
      : memref<4x8xf32>, memref<2x8x8xbf16, strided<[128, 8, 1]>>
  %bias = marimba.get_weight @bias : memref<16xbf16>
  onednn.matmul %x, %plain bias(%bias : memref<16xbf16>)
      outs(%y : memref<?x16xf32>) : memref<?x8xf32>, memref<16x8xbf16>
  %experts = marimba.get_weight @experts : memref<2x16x8xbf16>
  call @layer(%x, %y, %experts, %c0)
      : (memref<?x8xf32>, memref<?x16xf32>, memref<2x16x8xbf16>, index) -> ()
  %tied = marimba.get_weight @tied : memref<16x8xbf16>
  onednn.matmul %x, %tied outs(%y : memref<?x16xf32>)
      : memref<?x8xf32>, memref<16x8xbf16>
  %t = memref.load %tied[%c0, %c0] : memref<16x8xbf16>
  %loaded = marimba.get_weight @loaded : memref<16x8xbf16>
  %l = memref.load %loaded[%c0, %c0] : memref<16x8xbf16>
  %sum = arith.addf %t, %l : bf16
  %wide = arith.extf %sum : bf16 to f32
  memref.store %wide, %y[%c0, %c0] : memref<?x16xf32>
  %half = marimba.get_weight @half : memref<16x8xbf16>
  %top = memref.subview %half[0, 0] [8, 8] [1, 1]
      : memref<16x8xbf16> to memref<8x8xbf16, strided<[8, 1]>>
  %left = memref.subview %y[0, 0] [2, 8] [1, 1]
      : memref<?x16xf32> to memref<2x8xf32, strided<[16, 1]>>
  %two = memref.subview %x[0, 0] [2, 8] [1, 1]
      : memref<?x8xf32> to memref<2x8xf32, strided<[8, 1]>>
  onednn.matmul %two, %top outs(%left : memref<2x8xf32, strided<[16, 1]>>)
      : memref<2x8xf32, strided<[8, 1]>>, memref<8x8xbf16, strided<[8, 1]>>
  %slanted = marimba.get_weight @slanted : memref<2x16x8xbf16>
  %column = memref.subview %slanted[0, 0, 0] [2, 8, 8] [1, 1, 1]
      : memref<2x16x8xbf16> to memref<2x8x8xbf16, strided<[128, 8, 1]>>
  %u = memref.load %column[%c0, %c0, %c0]
      : memref<2x8x8xbf16, strided<[128, 8, 1]>>
  %public = marimba.get_weight @public : memref<16x8xbf16>
  onednn.matmul %x, %public outs(%y : memref<?x16xf32>)
      : memref<?x8xf32>, memref<16x8xbf16>
  call @anyone(%public) : (memref<16x8xbf16>) -> ()
  %unread = marimba.get_weight @unread : memref<16x8xbf16>
  %size = memref.dim %unread, %c0 : memref<16x8xbf16>
  %derived = marimba.get_weight @derived : memref<16x8xf32>
  onednn.matmul %x, %derived outs(%y : memref<?x16xf32>)
      : memref<?x8xf32>, memref<16x8xf32>
  return
}
}
