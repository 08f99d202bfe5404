// RUN: split-file %s %t
// RUN: marimba-opt %t/regions.mlir -convert-runtime-to-llvm -canonicalize | FileCheck %s
// RUN: not marimba-opt %t/no-counters.mlir -convert-runtime-to-llvm 2>&1 | FileCheck %s --check-prefix=NONE

// A region has 16 bytes.

// CHECK: llvm.func @marimba_profile_end(!llvm.ptr, i64)
// CHECK: llvm.func @marimba_profile_begin() -> i64

// CHECK-LABEL: llvm.func @regions(
// CHECK: %[[REGIONS:.*]] = llvm.mlir.addressof @marimba_profile_regions
// CHECK: %[[BEGIN:.*]] = llvm.call @marimba_profile_begin()
// CHECK: %[[REGION:.*]] = llvm.getelementptr %[[REGIONS]][32]
// CHECK: llvm.call @marimba_profile_end(%[[REGION]], %[[BEGIN]])

//--- regions.mlir
llvm.mlir.global external @marimba_profile_regions(dense<0> : tensor<3x2xi64>)
    : !llvm.array<3 x array<2 x i64>>
func.func @regions(%ctx: !rt.context) {
  %begin = rt.profile_begin
  rt.profile_end %begin[2]
  return
}

// NONE: needs the counters @marimba_profile_regions, which --profile-regions adds
//--- no-counters.mlir
func.func @no_counters(%ctx: !rt.context) {
  %begin = rt.profile_begin
  rt.profile_end %begin[0]
  return
}
