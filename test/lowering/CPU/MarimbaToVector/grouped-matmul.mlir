// RUN: marimba-opt %s -convert-marimba-to-vector="vector-bits=512 bf16-dots" -cse | FileCheck %s
// RUN: marimba-opt %s -convert-marimba-to-vector="vector-bits=256" -cse | FileCheck %s --check-prefix=AVX2
// RUN: marimba-opt %s -convert-marimba-to-vector="vector-bits=512 bf16-dots threads=3" -cse | FileCheck %s --check-prefix=THREADS

// One loop over the experts with pairs, which are at most as many as there are
// pairs, and parts of their channels. Each thread has a share of the channels
// of all experts: the threads that have experts without pairs would be idle.

// THREADS-LABEL: func @gated(
// THREADS: %[[MOST:.*]] = arith.minsi %{{.*}}, %c256
// THREADS: scf.parallel (%[[T:[a-z0-9]+]], %[[I:[a-z0-9]+]], %[[C:[a-z0-9]+]]) = (%c0, %c0, %c0) to (%c3, %[[MOST]], %c172) step (%c1, %c1, %c16)
// THREADS: rt.read_matrix {{.*}} position %[[I]]
// THREADS: %[[FIRST:.*]] = arith.muli %[[T]], %c172
// THREADS: %[[CHANNEL:.*]] = arith.addi %[[FIRST]], %[[C]]
// THREADS: %[[NEXT:.*]] = arith.addi %[[FIRST]], %c172
// THREADS: %[[LAST:.*]] = arith.minsi %[[NEXT]], %c512
// THREADS: %[[END:.*]] = arith.addi %[[CHANNEL]], %c16
// THREADS: %[[STOP:.*]] = arith.minsi %[[END]], %[[LAST]]
// THREADS: scf.for %{{.*}} = %[[CHANNEL]] to %[[STOP]] step %c4

// CHECK-LABEL: func @gated(
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<?x2048xbf16>, %[[UP:[a-z0-9]+]]: memref<256x512x2048xbf16>, %[[GATE:[a-z0-9]+]]: memref<256x512x2048xbf16>, %[[PAIRS:[a-z0-9]+]]: memref<?xi32>, %[[OFFSETS:[a-z0-9]+]]: memref<257xi32>, %[[ORDER:[a-z0-9]+]]: memref<256xi32>, %[[Y:[a-z0-9]+]]: memref<?x512xbf16>
// CHECK: %[[UPS:.*]] = rt.stored_matrices %{{.*}}, %[[UP]] order(%[[ORDER]], %[[OFFSETS]]) : {{.*}} -> memref<256xi64>
// CHECK: %[[GATES:.*]] = rt.stored_matrices %{{.*}}, %[[GATE]] order(%[[ORDER]], %[[OFFSETS]])
// CHECK: %[[COUNT:.*]] = memref.dim %[[PAIRS]]
// CHECK: %[[MOST:.*]] = arith.minsi %[[COUNT]], %c256
// CHECK: scf.parallel (%{{.*}}, %[[I:[a-z0-9]+]], %[[C:[a-z0-9]+]]) = (%c0, %c0, %c0) to (%c1, %[[MOST]], %c512) step (%c1, %c1, %c16)
// CHECK: %[[E32:.*]] = memref.load %[[ORDER]][%[[I]]]
// CHECK: %[[E:.*]] = arith.index_cast %[[E32]]
// CHECK: memref.load %[[OFFSETS]][%[[E]]]
// CHECK: scf.if
// CHECK: %[[WU:.*]] = rt.read_matrix %[[UPS]][%[[E]]] position %[[I]] order(%[[ORDER]], %[[OFFSETS]]) : {{.*}} -> memref<512x2048xbf16>
// CHECK: %[[WG:.*]] = rt.read_matrix %[[GATES]][%[[E]]] position %[[I]]
// One row: four sums. The weights of the next tile are prefetched.
// CHECK: scf.if
// CHECK: memref.load %[[PAIRS]]
// CHECK: memref.prefetch %[[WG]]
// CHECK: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>) {
// CHECK-COUNT-4: vector.load %[[WG]]{{.*}} vector<32xbf16>
// CHECK: vector.load %[[X]]{{.*}} vector<32xbf16>
// CHECK-COUNT-4: "llvm.x86.avx512bf16.dpbf16ps.512"
// The lanes of four sums become one vector.
// CHECK: vector.shuffle {{.*}} [0, 2, 16, 18, 4, 6, 20, 22, 8, 10, 24, 26, 12, 14, 28, 30]
// CHECK: vector<4xf32>
// CHECK: vector.load %[[WU]]
// CHECK: math.exp
// CHECK: vector.store {{.*}}, %[[Y]]{{.*}} vector<4xbf16>
// Several rows: four at a time, the last one perhaps more than once.
// CHECK: scf.if
// CHECK: scf.for {{.*}} step %c4
// CHECK: arith.minsi
// CHECK-COUNT-16: "llvm.x86.avx512bf16.dpbf16ps.512"
// AVX2-LABEL: func @gated(
// AVX2-NOT: dpbf16ps
// AVX2: vector.load {{.*}} vector<8xbf16>
// AVX2: arith.extf {{.*}} vector<8xbf16> to vector<8xf32>
// AVX2: math.fma
func.func @gated(%ctx: !rt.context, %x: memref<?x2048xbf16>,
    %up: memref<256x512x2048xbf16>, %gate: memref<256x512x2048xbf16>,
    %pairs: memref<?xi32>, %offsets: memref<257xi32>, %order: memref<256xi32>,
    %y: memref<?x512xbf16>) {
  marimba.grouped_matmul %x, %up gate(%gate : memref<256x512x2048xbf16>)
      groups(%pairs, %offsets, %order : memref<?xi32>, memref<257xi32>, memref<256xi32>)
      outs(%y : memref<?x512xbf16>) {top_k = 8 : i64}
      : memref<?x2048xbf16>, memref<256x512x2048xbf16>
  return
}

// f32, and neither inputs nor channels fill a vector.

// CHECK-LABEL: func @odd(
// CHECK-NOT: dpbf16ps
// CHECK: arith.minsi %{{.*}}, %c5
// CHECK: %[[MASK:.*]] = vector.create_mask %c4{{.*}} : vector<16xi1>
// CHECK: vector.maskedload {{.*}}, %[[MASK]]
// CHECK: vector.maskedstore
func.func @odd(%ctx: !rt.context, %x: memref<?x20xf32>,
    %up: memref<4x6x20xf32>, %pairs: memref<?xi32>, %offsets: memref<5xi32>,
    %order: memref<4xi32>, %y: memref<?x6xf32>) {
  marimba.grouped_matmul %x, %up
      groups(%pairs, %offsets, %order : memref<?xi32>, memref<5xi32>, memref<4xi32>)
      outs(%y : memref<?x6xf32>) {relu2, top_k = 2 : i64}
      : memref<?x20xf32>, memref<4x6x20xf32>
  return
}

// Rows of a matrix that do not follow each other, and no context: plain loops.

// CHECK-LABEL: func @strided(
// CHECK: marimba.grouped_matmul
func.func @strided(%ctx: !rt.context, %x: memref<?x8xf32>,
    %up: memref<4x16x8xf32, strided<[256, 16, 1]>>, %pairs: memref<?xi32>,
    %offsets: memref<5xi32>, %order: memref<4xi32>, %y: memref<?x16xf32>) {
  marimba.grouped_matmul %x, %up
      groups(%pairs, %offsets, %order : memref<?xi32>, memref<5xi32>, memref<4xi32>)
      outs(%y : memref<?x16xf32>) {top_k = 2 : i64}
      : memref<?x8xf32>, memref<4x16x8xf32, strided<[256, 16, 1]>>
  return
}

// CHECK-LABEL: func @alone(
// CHECK: marimba.grouped_matmul
func.func @alone(%x: memref<?x8xf32>, %up: memref<4x16x8xf32>,
    %pairs: memref<?xi32>, %offsets: memref<5xi32>, %order: memref<4xi32>,
    %y: memref<?x16xf32>) {
  marimba.grouped_matmul %x, %up
      groups(%pairs, %offsets, %order : memref<?xi32>, memref<5xi32>, memref<4xi32>)
      outs(%y : memref<?x16xf32>) {top_k = 2 : i64}
      : memref<?x8xf32>, memref<4x16x8xf32>
  return
}
