// RUN: marimba-opt %s --marimba-cpu-pipeline="vector-bits=512 threads=2 integer-unit=vnni tiles" \
// RUN:   | mlir-translate --mlir-to-llvmir | opt -mcpu=sapphirerapids -passes='default<O2>' -S \
// RUN:   | llc -mtriple=x86_64-linux-gnu -mcpu=sapphirerapids \
// RUN:   | FileCheck %s --implicit-check-not="1024-byte Folded"

// Sums of bytes become f32 where they leave the tile.

// CHECK: tilezero
// CHECK: tdpbssd
// CHECK: tilestored
// CHECK: vcvtdq2ps

!int8 = tensor<640x2560xi8, #marimba.quantized<channel, scale bf16>>
module @product {
  marimba.weight @w : !int8 from ["w.codes", "w.scales"]
  func.func @prefill(%x: tensor<?x?x2560xi8> {marimba.input = "x"},
      %scales: tensor<?x?x1xf32> {marimba.input = "scales"},
      %sums: tensor<?x?x1xf32> {marimba.input = "sums"},
      %out: tensor<?x?x640xf32> {marimba.output = "y"}) -> tensor<?x?x640xf32>
      attributes {marimba.entry = "prefill"} {
    %w = marimba.get_weight @w : !int8
    %y = marimba.quantized_matmul %x
        scales(%scales, %sums : tensor<?x?x1xf32>, tensor<?x?x1xf32>), %w
        as !int8 outs(%out : tensor<?x?x640xf32>)
        : tensor<?x?x2560xi8>, !int8 -> tensor<?x?x640xf32>
    return %y : tensor<?x?x640xf32>
  }
}
