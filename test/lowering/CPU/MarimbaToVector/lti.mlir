// RUN: marimba-opt %s -convert-marimba-to-vector=vector-bits=256 -split-input-file \
// RUN:   | FileCheck %s

// Two complex states of eight channels: four registers over all tokens.

// CHECK-LABEL: func @recurrence(
// CHECK-SAME: %[[U:[a-z0-9]+]]: memref<?x?x8xf32>, %[[A:[a-z0-9]+]]: memref<4x8xf32>, %[[B:[a-z0-9]+]]: memref<4x8xf32>, %[[C:[a-z0-9]+]]: memref<4x8xf32>, %[[Y:[a-z0-9]+]]: memref<?x?x8xf32>, %[[H:[a-z0-9]+]]: memref<?x4x8xf32>
// CHECK-COUNT-2: vector.load %[[H]]
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>)
// CHECK: %[[IN:.*]] = vector.load %[[U]]
// CHECK-NOT: [[H]]
// CHECK: vector.store %{{.*}}, %[[Y]]
// CHECK-COUNT-4: vector.store %{{.*}}, %[[H]]
// CHECK-NOT: marimba
func.func @recurrence(%u: memref<?x?x8xf32>, %A: memref<4x8xf32>,
    %B: memref<4x8xf32>, %C: memref<4x8xf32>, %y: memref<?x?x8xf32>,
    %h: memref<?x4x8xf32>) {
  marimba.lti_scan %u, %A, %B, %C
      outs(%y, %h : memref<?x?x8xf32>, memref<?x4x8xf32>) {complex}
      : memref<?x?x8xf32>, memref<4x8xf32>, memref<4x8xf32>, memref<4x8xf32>
  return
}

// -----

// Three tokens in registers, one state after the other; what is left of the
// tokens goes one by one. Channels beyond the last are masked.

// CHECK-LABEL: func @convolution(
// CHECK-SAME: %[[U:[a-z0-9]+]]: memref<?x?x12xf32>, %[[K:[a-z0-9]+]]: memref<3x12xf32>, %[[A:[a-z0-9]+]]: memref<5x12xf32>, %[[P:[a-z0-9]+]]: memref<3x5x12xf32>, %[[R:[a-z0-9]+]]: memref<3x5x12xf32>, %[[Y:[a-z0-9]+]]: memref<?x?x12xf32>, %[[H:[a-z0-9]+]]: memref<?x5x12xf32>
// CHECK: %[[IN:.*]] = memref.alloca() {alignment = 64 : i64} : memref<3x5x8xf32>
// CHECK: %[[OUT:.*]] = memref.alloca() {alignment = 64 : i64} : memref<3x5x8xf32>
// CHECK: %[[CARRY:.*]] = memref.alloca() {alignment = 64 : i64} : memref<5x8xf32>
// CHECK-NOT: memref.alloca
// CHECK: vector.maskedload %[[R]]
// CHECK: vector.store %{{.*}}, %[[OUT]]
// CHECK: vector.maskedload %[[P]]
// CHECK: vector.store %{{.*}}, %[[IN]]
// CHECK: arith.remui
// CHECK: scf.for
// CHECK-COUNT-3: vector.maskedload %[[K]]
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>)
// CHECK: vector.maskedload %[[H]]
// CHECK: vector.load %[[OUT]]
// CHECK: vector.load %[[IN]]
// CHECK: vector.load %[[CARRY]]
// CHECK: vector.maskedstore %[[H]]
// CHECK: scf.yield
// CHECK-COUNT-3: vector.maskedstore %[[Y]]
// CHECK: scf.for
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<8xf32>)
// CHECK: vector.maskedstore %[[H]]
// CHECK: vector.maskedstore %[[Y]]
// CHECK-NOT: marimba
func.func @convolution(%u: memref<?x?x12xf32>, %K: memref<3x12xf32>,
    %A: memref<5x12xf32>, %P: memref<3x5x12xf32>, %R: memref<3x5x12xf32>,
    %y: memref<?x?x12xf32>, %h: memref<?x5x12xf32>) {
  marimba.long_convolution %u, %K, %A, %P, %R
      outs(%y, %h : memref<?x?x12xf32>, memref<?x5x12xf32>)
      : memref<?x?x12xf32>, memref<3x12xf32>, memref<5x12xf32>,
        memref<3x5x12xf32>, memref<3x5x12xf32>
  return
}

// -----

// 100 states, 16 at a time: the first pass, five in a loop, the last one.

// CHECK-LABEL: func @many_states(
// CHECK-SAME: %[[U:[a-z0-9]+]]: memref<?x?x8xf32>, %[[A:[a-z0-9]+]]: memref<100x8xf32>, %[[Y:[a-z0-9]+]]: memref<?x?x8xf32>, %[[H:[a-z0-9]+]]: memref<?x100x8xf32>
// CHECK-COUNT-16: vector.load %[[H]]
// CHECK-COUNT-16: vector.store %{{.*}}, %[[H]]
// CHECK: scf.for %[[N:[a-z0-9]+]] =
// CHECK-COUNT-16: vector.load %[[H]]
// CHECK: vector.load %[[Y]]
// CHECK-COUNT-16: vector.store %{{.*}}, %[[H]]
// CHECK-COUNT-4: vector.load %[[H]]
// CHECK-NOT: vector.load %[[H]]
// CHECK: return
func.func @many_states(%u: memref<?x?x8xf32>, %A: memref<100x8xf32>,
    %y: memref<?x?x8xf32>, %h: memref<?x100x8xf32>) {
  marimba.lti_scan %u, %A, %A, %A
      outs(%y, %h : memref<?x?x8xf32>, memref<?x100x8xf32>)
      : memref<?x?x8xf32>, memref<100x8xf32>, memref<100x8xf32>,
        memref<100x8xf32>
  return
}

// -----

// A block of 40 tokens does not stay in registers: its sums are in the output.

// CHECK-LABEL: func @long_block(
// CHECK-SAME: %[[Y:[a-z0-9]+]]: memref<?x?x8xf32>
// CHECK: arith.remui
// CHECK: scf.for
// CHECK: scf.for
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<8xf32>)
// CHECK: vector.store %{{.*}}, %[[Y]]
// CHECK: scf.for
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<8xf32>)
// CHECK: vector.load %[[Y]]
// CHECK: vector.store %{{.*}}, %[[Y]]
// CHECK: return
func.func @long_block(%y: memref<?x?x8xf32>, %u: memref<?x?x8xf32>,
    %K: memref<40x8xf32>, %A: memref<5x8xf32>, %P: memref<40x5x8xf32>,
    %h: memref<?x5x8xf32>) {
  marimba.long_convolution %u, %K, %A, %P, %P
      outs(%y, %h : memref<?x?x8xf32>, memref<?x5x8xf32>)
      : memref<?x?x8xf32>, memref<40x8xf32>, memref<5x8xf32>,
        memref<40x5x8xf32>, memref<40x5x8xf32>
  return
}

// -----

// A complex scan carries both parts of one state at a time.

// CHECK-LABEL: func @scan(
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<8xf32>, vector<8xf32>)
// CHECK-NOT: marimba
func.func @scan(%x: memref<?x?x4x8xf32>, %h: memref<?x4x8xf32>) {
  marimba.scan %x, %x outs(%x, %h : memref<?x?x4x8xf32>, memref<?x4x8xf32>)
      {complex} : memref<?x?x4x8xf32>, memref<?x?x4x8xf32>
  return
}

// -----

// The number of states decides what the code looks like.

// CHECK-LABEL: func @dynamic_states(
// CHECK: marimba.scan
func.func @dynamic_states(%x: memref<?x?x?x8xf32>, %h: memref<?x?x8xf32>) {
  marimba.scan %x, %x outs(%x, %h : memref<?x?x?x8xf32>, memref<?x?x8xf32>)
      : memref<?x?x?x8xf32>, memref<?x?x?x8xf32>
  return
}

// -----

// A summary has no output; the first pass also counts the time.

// CHECK-LABEL: func @summary(
// CHECK-SAME: %[[S:[a-z0-9]+]]: memref<?x8xf32>
// CHECK: vector.load %[[S]]
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>)
// CHECK: vector.store %{{.*}}, %[[S]]
// CHECK-NOT: marimba
func.func @summary(%u: memref<?x?x8xf32>, %A: memref<2x8xf32>,
    %B: memref<?x?x2xf32>, %h: memref<?x2x8xf32>, %s: memref<?x8xf32>) {
  marimba.scan_summary %u, %u, %A, %B
      outs(%h, %s : memref<?x2x8xf32>, memref<?x8xf32>)
      : memref<?x?x8xf32>, memref<?x?x8xf32>, memref<2x8xf32>,
        memref<?x?x2xf32>
  return
}

// -----

// A loop over time does not take more of the stack each time, a thread's part
// of a parallel one has its own.

// CHECK-LABEL: func @in_loops(
// CHECK: memref.alloca() {{.*}} : memref<3x2x8xf32>
// CHECK: scf.for
// CHECK-NOT: memref.alloca
// CHECK: scf.forall
// CHECK: memref.alloca() {{.*}} : memref<3x2x8xf32>
// CHECK: scf.for
// CHECK-NOT: memref.alloca
// CHECK: return
func.func @in_loops(%u: memref<1x?x8xf32>, %K: memref<3x8xf32>,
    %A: memref<2x8xf32>, %P: memref<3x2x8xf32>, %h: memref<1x2x8xf32>,
    %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %t = %c0 to %n step %c1 {
    marimba.long_convolution %u, %K, %A, %P, %P
        outs(%u, %h : memref<1x?x8xf32>, memref<1x2x8xf32>)
        : memref<1x?x8xf32>, memref<3x8xf32>, memref<2x8xf32>,
          memref<3x2x8xf32>, memref<3x2x8xf32>
  }
  scf.forall (%r) in (%n) {
    scf.for %t = %c0 to %n step %c1 {
      marimba.long_convolution %u, %K, %A, %P, %P
          outs(%u, %h : memref<1x?x8xf32>, memref<1x2x8xf32>)
          : memref<1x?x8xf32>, memref<3x8xf32>, memref<2x8xf32>,
            memref<3x2x8xf32>, memref<3x2x8xf32>
    }
  }
  return
}

// -----

// Tables of a megabyte do not fit on a thread's stack.

// CHECK-LABEL: func @large_tables(
// CHECK: marimba.long_convolution
func.func @large_tables(%u: memref<?x?x8xf32>, %K: memref<256x8xf32>,
    %A: memref<64x8xf32>, %P: memref<256x64x8xf32>, %h: memref<?x64x8xf32>) {
  marimba.long_convolution %u, %K, %A, %P, %P
      outs(%u, %h : memref<?x?x8xf32>, memref<?x64x8xf32>)
      : memref<?x?x8xf32>, memref<256x8xf32>, memref<64x8xf32>,
        memref<256x64x8xf32>, memref<256x64x8xf32>
  return
}
