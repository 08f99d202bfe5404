// RUN: marimba-opt %s -canonicalize -cse | FileCheck %s

// CHECK-LABEL: func @effects
func.func @effects(%ctx: !rt.context, %call: !rt.call)
    -> (memref<8xf32>, memref<8xf32>) {
  // CHECK-NOT: = rt.context
  %nobodys = rt.context
  // An unused view costs nothing; the same view twice is one.
  // CHECK-NOT: rt.argument
  %unused = rt.argument %call[0] : memref<?xf32>
  // CHECK: %[[W:.*]] = rt.weight %{{.*}}[0]
  %w = rt.weight %call[0] : memref<8xf32>
  %v = rt.weight %call[0] : memref<8xf32>
  // Marks stay where they are.
  // CHECK-NEXT: rt.arena_mark
  // CHECK-NEXT: rt.arena_mark
  // CHECK-NEXT: rt.arena_release
  %mark = rt.arena_mark %ctx
  %later = rt.arena_mark %ctx
  rt.arena_release %ctx, %mark
  // Times do, too, whether somebody asks for them or not.
  // CHECK-NEXT: rt.profile_begin
  // CHECK-NEXT: %[[T:.*]] = rt.profile_begin
  // CHECK-NEXT: rt.profile_end %[[T]][0]
  %nobody = rt.profile_begin
  %begin = rt.profile_begin
  rt.profile_end %begin[0]
  // CHECK-NEXT: return %[[W]], %[[W]]
  return %w, %v : memref<8xf32>, memref<8xf32>
}
