// RUN: marimba-opt %s --marimba-cpu-pipeline="vector-bits=512 threads=2 bf16 bf16-dots integer-unit=vnni tiles" \
// RUN:   | mlir-translate --mlir-to-llvmir | opt -mcpu=sapphirerapids -passes='default<O2>' -S \
// RUN:   | llc -mtriple=x86_64-linux-gnu -mcpu=sapphirerapids \
// RUN:   | FileCheck %s --implicit-check-not="1024-byte Folded"

// LLVM gives the registers: configured once, and again where a row of fewer than
// sixteen was copied by a call; none of them ever in memory, and four loads for
// four products.

// CHECK: ldtilecfg
// CHECK-NOT: ldtilecfg
// CHECK: callq memcpy
// CHECK: ldtilecfg
// CHECK-NOT: ldtilecfg
// CHECK: tilezero
// CHECK: tileloadd
// CHECK: tileloadd
// CHECK: tdpbf16ps
// CHECK: tileloadd
// CHECK-NEXT: tdpbf16ps
// CHECK: tileloadd
// CHECK-NEXT: tdpbf16ps
// CHECK-NEXT: tdpbf16ps
// CHECK: tilestored
// CHECK: tilerelease
// CHECK: marimba_uses_tiles

module @product {
  marimba.weight @w : tensor<640x2560xbf16> from ["w"]
  func.func @prefill(%x: tensor<?x?x2560xbf16> {marimba.input = "x"},
      %out: tensor<?x?x640xf32> {marimba.output = "y"}) -> tensor<?x?x640xf32>
      attributes {marimba.entry = "prefill"} {
    %w = marimba.get_weight @w : tensor<640x2560xbf16>
    %y = marimba.packed_matmul %x, %w packed bf16
        outs(%out : tensor<?x?x640xf32>)
        : tensor<?x?x2560xbf16>, tensor<640x2560xbf16> -> tensor<?x?x640xf32>
    return %y : tensor<?x?x640xf32>
  }
}
