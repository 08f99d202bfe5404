// RUN: marimba-opt %s -split-input-file -verify-diagnostics -bf16-as-bits | FileCheck %s

// CHECK-LABEL: llvm.func @moves(
// CHECK: %[[FILL:.*]] = llvm.mlir.constant(dense<16256> : vector<4xi16>) : vector<4xi16>
// CHECK: %[[V:.*]] = llvm.intr.masked.load %{{.*}}, %{{.*}}, %[[FILL]] {{.*}} -> vector<4xi16>
// CHECK: llvm.br ^bb1(%[[V]] : vector<4xi16>)
// CHECK: ^bb1(%[[MOVED:.*]]: vector<4xi16>):
// CHECK-NOT: bitcast
// CHECK: llvm.zext %[[MOVED]] : vector<4xi16> to vector<4xi32>
llvm.func @moves(%p: !llvm.ptr, %mask: vector<4xi1>) -> vector<4xi32> {
  %one = llvm.mlir.constant(dense<1.0> : vector<4xbf16>) : vector<4xbf16>
  %v = llvm.intr.masked.load %p, %mask, %one {alignment = 2 : i32}
      : (!llvm.ptr, vector<4xi1>, vector<4xbf16>) -> vector<4xbf16>
  llvm.br ^bb1(%v : vector<4xbf16>)
^bb1(%moved: vector<4xbf16>):
  %bits = llvm.bitcast %moved : vector<4xbf16> to vector<4xi16>
  %wide = llvm.zext %bits : vector<4xi16> to vector<4xi32>
  llvm.return %wide : vector<4xi32>
}

// -----

// Other types, and casts that mean something, stay.

// CHECK-LABEL: llvm.func @others(
// CHECK: llvm.load %{{.*}} : !llvm.ptr -> f16
// CHECK: llvm.fpext
// CHECK: llvm.bitcast %{{.*}} : f32 to i32
llvm.func @others(%p: !llvm.ptr) -> i32 {
  %h = llvm.load %p : !llvm.ptr -> f16
  %f = llvm.fpext %h : f16 to f32
  %i = llvm.bitcast %f : f32 to i32
  llvm.return %i : i32
}

// -----

// Operands of intrinsics have the type that they have.

// CHECK-LABEL: llvm.func @intrinsic(
// CHECK: %[[A:.*]] = llvm.load %{{.*}} -> vector<32xi16>
// CHECK: %[[B:.*]] = llvm.bitcast %[[A]] : vector<32xi16> to vector<32xbf16>
// CHECK: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"(%{{.*}}, %[[B]],
llvm.func @intrinsic(%p: !llvm.ptr, %sum: vector<16xf32>) -> vector<16xf32> {
  %a = llvm.load %p : !llvm.ptr -> vector<32xbf16>
  %r = llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"(%sum, %a, %a)
      : (vector<16xf32>, vector<32xbf16>, vector<32xbf16>) -> vector<16xf32>
  llvm.return %r : vector<16xf32>
}

// -----

llvm.func @computes(%p: !llvm.ptr) -> f32 {
  %h = llvm.load %p : !llvm.ptr -> bf16
  // expected-error@+1 {{computes in bf16, expected arith-expand to have replaced it}}
  %f = llvm.fpext %h : bf16 to f32
  llvm.return %f : f32
}

// -----

// So do their results.

// CHECK-LABEL: llvm.func @made(
// CHECK: %[[MADE:.*]] = llvm.call_intrinsic "llvm.x86.avx512bf16.cvtneps2bf16.512"({{.*}}) : (vector<16xf32>) -> vector<16xbf16>
// CHECK: %[[BITS:.*]] = llvm.bitcast %[[MADE]] : vector<16xbf16> to vector<16xi16>
// CHECK: llvm.return %[[BITS]] : vector<16xi16>
llvm.func @made(%x: vector<16xf32>) -> vector<16xi16> {
  %made = llvm.call_intrinsic "llvm.x86.avx512bf16.cvtneps2bf16.512"(%x)
      : (vector<16xf32>) -> vector<16xbf16>
  %bits = llvm.bitcast %made : vector<16xbf16> to vector<16xi16>
  llvm.return %bits : vector<16xi16>
}
