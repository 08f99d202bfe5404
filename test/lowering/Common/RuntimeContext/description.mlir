// RUN: marimba-opt %s -add-runtime-context \
// RUN:   | sed -n 's/.*@marimba_description("\(.*\)\\00").*/\1/p' \
// RUN:   | sed 's/\\22/"/g' | %python -m json.tool --indent 0 | FileCheck %s

// CHECK: "abi": 4,
// CHECK: "name": "tiny",
module @tiny {
// CHECK: "weights": [
// CHECK: "name": "layers.0.experts",
// CHECK-NEXT: "dtype": "bf16",
// CHECK-NEXT: "shape": [
// CHECK-NEXT: 2,
// CHECK-NEXT: 16,
// CHECK-NEXT: 8
// CHECK-NEXT: ],
// CHECK-NEXT: "sources": [
// CHECK-NEXT: "a.weight",
// CHECK-NEXT: "b.weight"
// CHECK-NEXT: ]
marimba.weight @layers.0.experts : tensor<2x16x8xbf16>
    from ["a.weight", "b.weight"]
// CHECK: "name": "A",
// CHECK: "derived": true
// CHECK-NOT: "sources"
marimba.weight @A : tensor<4x8xf32> derived

// Entries by the runtime's name for them; layers are not listed.
// CHECK: "entries": {
// CHECK-NOT: layer
// CHECK: "decode": {
// CHECK-NEXT: "args": [
// CHECK: "kind": "input",
// CHECK-NEXT: "name": "tokens",
// CHECK-NEXT: "dtype": "i32",
// CHECK-NEXT: "shape": [
// CHECK-NEXT: -1,
// CHECK-NEXT: 1
// CHECK: "kind": "state",
// CHECK-NEXT: "name": "h",
// CHECK: "kind": "output",
// CHECK-NEXT: "name": "logits",
// CHECK: "kind": "weight",
// CHECK-NEXT: "name": "A",
// CHECK-NOT: "kind"
func.func private @layer(%x: memref<?x8xf32>) {
  return
}
func.func @main(%ids: memref<?x1xi32> {marimba.input = "tokens"},
    %h: memref<?x4x8xf32> {marimba.state = "h"},
    %y: memref<?x1x16xf32> {marimba.output = "logits"},
    %w: memref<4x8xf32> {marimba.weight = "A"})
    attributes {marimba.entry = "decode"} {
  return
}
}
