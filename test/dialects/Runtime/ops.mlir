// RUN: marimba-opt %s --verify-roundtrip | FileCheck %s

func.func private @body(index, index, memref<?xf32>)
func.func private @alone(index, index)

// CHECK-LABEL: func @call
// CHECK-SAME: %[[CTX:.*]]: !rt.context, %[[CALL:.*]]: !rt.call
func.func @call(%ctx: !rt.context, %call: !rt.call) {
  // CHECK: rt.context{{$}}
  %same = rt.context
  // CHECK: %[[W:.*]] = rt.weight %[[CALL]][3] : memref<768x192xbf16>
  %w = rt.weight %call[3] : memref<768x192xbf16>
  // CHECK: %[[S:.*]] = rt.argument %[[CALL]][0] : memref<?x4xf32, strided<[?, 1]>>
  %s = rt.argument %call[0] : memref<?x4xf32, strided<[?, 1]>>
  // CHECK: rt.codebook "iq3_s" : memref<512xi32>
  %book = rt.codebook "iq3_s" : memref<512xi32>
  // CHECK: %[[MARK:.*]] = rt.arena_mark %[[CTX]]
  %mark = rt.arena_mark %ctx
  %c0 = arith.constant 0 : index
  // CHECK: %[[N:.*]] = memref.dim
  %n = memref.dim %s, %c0 : memref<?x4xf32, strided<[?, 1]>>
  // CHECK: %[[BUF:.*]] = rt.arena_alloc %[[CTX]](%[[N]]) : memref<?xf32>
  %buf = rt.arena_alloc %ctx(%n) : memref<?xf32>
  // CHECK: rt.arena_alloc %[[CTX]]() : memref<4xf32>
  %fixed = rt.arena_alloc %ctx() : memref<4xf32>
  // CHECK: rt.parallel_for %[[CTX]], %[[N]] @body(%[[BUF]]) : memref<?xf32>
  rt.parallel_for %ctx, %n @body(%buf) : memref<?xf32>
  // CHECK: rt.parallel_for %[[CTX]], %[[N]] @alone(){{$}}
  rt.parallel_for %ctx, %n @alone()
  // CHECK: rt.parallel_phases %[[CTX]] {
  // CHECK-NEXT: rt.parallel_for %[[CTX]], %[[N]] @body(%[[BUF]]) : memref<?xf32>
  // CHECK-NEXT: rt.parallel_for %[[CTX]], %[[N]] @alone()
  // CHECK-NEXT: }
  rt.parallel_phases %ctx {
    rt.parallel_for %ctx, %n @body(%buf) : memref<?xf32>
    rt.parallel_for %ctx, %n @alone()
  }
  // CHECK: rt.status %[[CTX]]
  %status = rt.status %ctx
  // CHECK: %[[BEGIN:.*]] = rt.profile_begin
  %begin = rt.profile_begin
  // CHECK: rt.profile_end %[[BEGIN]][2]
  rt.profile_end %begin[2]
  // CHECK: rt.arena_release %[[CTX]], %[[MARK]]
  rt.arena_release %ctx, %mark
  return
}
