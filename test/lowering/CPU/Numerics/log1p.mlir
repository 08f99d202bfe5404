// RUN: marimba-opt %s -approximate-math -inline -convert-runtime-to-llvm \
// RUN:   | mlir-translate --mlir-to-llvmir | opt -passes='default<O1>' -S \
// RUN:   | FileCheck %s

// log1p of f32, the tail of softplus. Constants fold through the polynomial; LLVM prints
// doubles in hexadecimal, cut here to a part in a million.

func.func private @f(%x: f32) -> f32 {
  %0 = math.log1p %x : f32
  return %0 : f32
}

// CHECK-LABEL: float @zero()
// CHECK-NEXT: ret float 0.000000e+00
func.func @zero() -> f32 {
  %x = arith.constant 0.0 : f32
  %0 = call @f(%x) : (f32) -> f32
  return %0 : f32
}

// 0.693147
// CHECK-LABEL: float @one()
// CHECK-NEXT: ret float 0x3FE62E4{{.*}}
func.func @one() -> f32 {
  %x = arith.constant 1.0 : f32
  %0 = call @f(%x) : (f32) -> f32
  return %0 : f32
}

// 1e-6: log(1 + x) would give 9.54e-7
// CHECK-LABEL: float @small()
// CHECK-NEXT: ret float 0x3EB0C6F{{.*}}
func.func @small() -> f32 {
  %x = arith.constant 1.0e-6 : f32
  %0 = call @f(%x) : (f32) -> f32
  return %0 : f32
}

// 1e-20
// CHECK-LABEL: float @tiny()
// CHECK-NEXT: ret float 0x3BC79C{{.*}}
func.func @tiny() -> f32 {
  %x = arith.constant 1.0e-20 : f32
  %0 = call @f(%x) : (f32) -> f32
  return %0 : f32
}

// CHECK-LABEL: float @minus_one()
// CHECK-NEXT: ret float 0xFFF0000000000000
func.func @minus_one() -> f32 {
  %x = arith.constant -1.0 : f32
  %0 = call @f(%x) : (f32) -> f32
  return %0 : f32
}

// CHECK-LABEL: float @nan()
// CHECK-NEXT: ret float 0x7FF8000000000000
func.func @nan() -> f32 {
  %x = arith.constant 0x7FC00000 : f32
  %0 = call @f(%x) : (f32) -> f32
  return %0 : f32
}
