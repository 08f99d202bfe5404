// RUN: marimba-opt %s -convert-runtime-to-llvm -canonicalize -split-input-file \
// RUN:   | FileCheck %s

// weights[3]: a MarimbaTensor is 112 bytes, its data comes first; the shape is
// the type's.

// CHECK-LABEL: llvm.func @weight(
// CHECK-SAME: %[[CALL:.*]]: !llvm.ptr)
// CHECK: %[[TABLE:.*]] = llvm.load %[[CALL]] : !llvm.ptr -> !llvm.ptr
// CHECK: %[[TENSOR:.*]] = llvm.getelementptr %[[TABLE]][336] : (!llvm.ptr) -> !llvm.ptr, i8
// CHECK: %[[DATA:.*]] = llvm.load %[[TENSOR]] : !llvm.ptr -> !llvm.ptr
// CHECK-NOT: llvm.load
// CHECK: llvm.insertvalue %[[DATA]], %{{.*}}[1]
func.func @weight(%call: !rt.call) -> memref<4x8xbf16> {
  %0 = rt.weight %call[3] : memref<4x8xbf16>
  return %0 : memref<4x8xbf16>
}

// -----

// args[1]: `args` is at 8, sizes at 16, strides at 64. What the type does not
// say is loaded.

// CHECK-LABEL: llvm.func @argument(
// CHECK-SAME: %[[CALL:.*]]: !llvm.ptr)
// CHECK-DAG: %[[EIGHT:.*]] = llvm.mlir.constant(8 : i64)
// CHECK-DAG: %[[ONE:.*]] = llvm.mlir.constant(1 : i64)
// CHECK: %[[FIELD:.*]] = llvm.getelementptr %[[CALL]][8]
// CHECK: %[[TABLE:.*]] = llvm.load %[[FIELD]]
// CHECK: %[[TENSOR:.*]] = llvm.getelementptr %[[TABLE]][112]
// CHECK: %[[SIZEAT:.*]] = llvm.getelementptr %[[TENSOR]][16]
// CHECK: %[[SIZE:.*]] = llvm.load %[[SIZEAT]] : !llvm.ptr -> i64
// CHECK: llvm.insertvalue %[[SIZE]], %{{.*}}[3, 0]
// CHECK: %[[STRIDEAT:.*]] = llvm.getelementptr %[[TENSOR]][64]
// CHECK: %[[STRIDE:.*]] = llvm.load %[[STRIDEAT]] : !llvm.ptr -> i64
// CHECK: llvm.insertvalue %[[STRIDE]], %{{.*}}[4, 0]
// CHECK: llvm.insertvalue %[[EIGHT]], %{{.*}}[3, 1]
// CHECK: llvm.insertvalue %[[ONE]], %{{.*}}[4, 1]
// CHECK-NOT: llvm.load
// CHECK: llvm.return
func.func @argument(%call: !rt.call)
    -> memref<?x8xf32, strided<[?, 1], offset: ?>> {
  %0 = rt.argument %call[1] : memref<?x8xf32, strided<[?, 1], offset: ?>>
  return %0 : memref<?x8xf32, strided<[?, 1], offset: ?>>
}

// -----

// A layer's table is a constant of the module; position 1 is four bytes in.

// CHECK-DAG: llvm.mlir.global internal constant @[[MINE:[a-z_0-9]+]](dense<[41, 7]> : tensor<2xi32>) {{.*}} : !llvm.array<2 x i32>
// CHECK-DAG: llvm.mlir.global internal constant @[[OTHER:[a-z_0-9]+]](dense<[42, 8]> : tensor<2xi32>)
// CHECK-LABEL: llvm.func @layer(
// CHECK-SAME: %[[CALL:.*]]: !llvm.ptr, %[[LIST:.*]]: !llvm.ptr)
// CHECK: %[[AT:.*]] = llvm.getelementptr %[[LIST]][4]
// CHECK: %[[INDEX:.*]] = llvm.load %[[AT]] : !llvm.ptr -> i32
// CHECK: %[[TENSORS:.*]] = llvm.load %[[CALL]]
// CHECK: %[[TENSOR:.*]] = llvm.getelementptr %[[TENSORS]][%[[INDEX]]] : (!llvm.ptr, i32) -> !llvm.ptr, !llvm.array<112 x i8>
// CHECK: llvm.load %[[TENSOR]] : !llvm.ptr -> !llvm.ptr
func.func private @layer(%call: !rt.call, %t: !rt.table) -> memref<8xf32> {
  %0 = rt.layer_weight %call, %t[1] : memref<8xf32>
  return %0 : memref<8xf32>
}
// CHECK-LABEL: llvm.func @tables(
// CHECK-DAG: %[[A:.*]] = llvm.mlir.addressof @[[MINE]]
// CHECK-DAG: %[[B:.*]] = llvm.mlir.addressof @[[OTHER]]
// CHECK: llvm.call @layer(%{{.*}}, %[[A]])
// CHECK: llvm.call @layer(%{{.*}}, %[[B]])
func.func @tables(%call: !rt.call) {
  %a = rt.table [41, 7]
  %b = rt.table [42, 8]
  %0 = call @layer(%call, %a) : (!rt.call, !rt.table) -> memref<8xf32>
  %1 = call @layer(%call, %b) : (!rt.call, !rt.table) -> memref<8xf32>
  return
}

// -----

// CHECK-LABEL: llvm.func @layer_argument(
// CHECK-SAME: %[[CALL:.*]]: !llvm.ptr, %[[LIST:.*]]: !llvm.ptr)
// CHECK: %[[INDEX:.*]] = llvm.load %[[LIST]] : !llvm.ptr -> i32
// CHECK: %[[FIELD:.*]] = llvm.getelementptr %[[CALL]][8]
// CHECK: %[[TENSORS:.*]] = llvm.load %[[FIELD]]
// CHECK: %[[TENSOR:.*]] = llvm.getelementptr %[[TENSORS]][%[[INDEX]]]
// CHECK: llvm.getelementptr %[[TENSOR]][16]
func.func @layer_argument(%call: !rt.call, %t: !rt.table) -> memref<?xf32> {
  %0 = rt.layer_argument %call, %t[0] : memref<?xf32>
  return %0 : memref<?xf32>
}
