// RUN: marimba-opt %s --verify-roundtrip | FileCheck %s

// States are slices of a pool: strided in their first dimension.
!state = memref<?x4x8xf32, strided<[?, 8, 1], offset: ?>>

// CHECK-LABEL: func @scan
func.func @scan(%decay: memref<?x?x4x8xf32>, %state: !state) {
  // CHECK: marimba.scan %{{.*}}, %{{.*}} outs(%{{.*}}, %{{.*}} : memref<?x?x4x8xf32>, memref<?x4x8xf32, strided<[?, 8, 1], offset: ?>>) : memref<?x?x4x8xf32>, memref<?x?x4x8xf32>{{$}}
  marimba.scan %decay, %decay outs(%decay, %state : memref<?x?x4x8xf32>, !state)
      : memref<?x?x4x8xf32>, memref<?x?x4x8xf32>
  return
}

// CHECK-LABEL: func @selective_scan
func.func @selective_scan(%u: memref<?x?x8xf32>, %A: memref<4x8xf32>,
    %B: memref<?x?x4xf32>, %y: memref<?x?x8xf32>, %state: !state) {
  // CHECK: marimba.selective_scan %{{.*}} outs(%{{.*}}, %{{.*}} : memref<?x?x8xf32>, memref<?x4x8xf32, strided<[?, 8, 1], offset: ?>>)
  marimba.selective_scan %u, %u, %A, %B, %B
      outs(%y, %state : memref<?x?x8xf32>, !state)
      : memref<?x?x8xf32>, memref<?x?x8xf32>, memref<4x8xf32>,
        memref<?x?x4xf32>, memref<?x?x4xf32>
  return
}

// CHECK-LABEL: func @causal_conv1d
func.func @causal_conv1d(%x: memref<?x?x8xf32>, %w: memref<4x8xf32>,
    %y: memref<?x?x8xf32>, %state: memref<?x3x8xf32>) {
  // CHECK: marimba.causal_conv1d %{{.*}}, %{{.*}} outs(%{{.*}}, %{{.*}} : memref<?x?x8xf32>, memref<?x3x8xf32>) : memref<?x?x8xf32>, memref<4x8xf32>{{$}}
  marimba.causal_conv1d %x, %w
      outs(%y, %state : memref<?x?x8xf32>, memref<?x3x8xf32>)
      : memref<?x?x8xf32>, memref<4x8xf32>
  return
}
