// RUN: marimba-opt %s -approximate-math -inline -convert-runtime-to-llvm \
// RUN:   | mlir-translate --mlir-to-llvmir | opt -passes='default<O1>' -S \
// RUN:   | FileCheck %s

// exp of f32. Constants fold through the polynomial; LLVM prints
// doubles in hexadecimal, cut here to a part in a million.

func.func private @f(%x: f32) -> f32 {
  %0 = math.exp %x : f32
  return %0 : f32
}

// CHECK-LABEL: float @zero()
// CHECK-NEXT: ret float 1.000000e+00
func.func @zero() -> f32 {
  %x = arith.constant 0.0 : f32
  %0 = call @f(%x) : (f32) -> f32
  return %0 : f32
}

// 2.718282
// CHECK-LABEL: float @one()
// CHECK-NEXT: ret float 0x4005BF0{{.*}}
func.func @one() -> f32 {
  %x = arith.constant 1.0 : f32
  %0 = call @f(%x) : (f32) -> f32
  return %0 : f32
}

// 0.367879
// CHECK-LABEL: float @minus_one()
// CHECK-NEXT: ret float 0x3FD78B5{{.*}}
func.func @minus_one() -> f32 {
  %x = arith.constant -1.0 : f32
  %0 = call @f(%x) : (f32) -> f32
  return %0 : f32
}

// 1.000001
// CHECK-LABEL: float @small()
// CHECK-NEXT: ret float 0x3FF0000{{[01].*}}
func.func @small() -> f32 {
  %x = arith.constant 1.0e-6 : f32
  %0 = call @f(%x) : (f32) -> f32
  return %0 : f32
}

// 3.32597e38, with n = 128
// CHECK-LABEL: float @largest()
// CHECK-NEXT: ret float 0x47EF46{{.*}}
func.func @largest() -> f32 {
  %x = arith.constant 88.7 : f32
  %0 = call @f(%x) : (f32) -> f32
  return %0 : f32
}

// infinity
// CHECK-LABEL: float @over()
// CHECK-NEXT: ret float 0x7FF0000000000000
func.func @over() -> f32 {
  %x = arith.constant 89.0 : f32
  %0 = call @f(%x) : (f32) -> f32
  return %0 : f32
}

// 1.4e-45, the smallest number there is
// CHECK-LABEL: float @denormal()
// CHECK-NEXT: ret float 0x36A0000000000000
func.func @denormal() -> f32 {
  %x = arith.constant -103.0 : f32
  %0 = call @f(%x) : (f32) -> f32
  return %0 : f32
}

// CHECK-LABEL: float @under()
// CHECK-NEXT: ret float 0.000000e+00
func.func @under() -> f32 {
  %x = arith.constant -200.0 : f32
  %0 = call @f(%x) : (f32) -> f32
  return %0 : f32
}

// CHECK-LABEL: float @infinity()
// CHECK-NEXT: ret float 0x7FF0000000000000
func.func @infinity() -> f32 {
  %x = arith.constant 0x7F800000 : f32
  %0 = call @f(%x) : (f32) -> f32
  return %0 : f32
}

// CHECK-LABEL: float @minus_infinity()
// CHECK-NEXT: ret float 0.000000e+00
func.func @minus_infinity() -> f32 {
  %x = arith.constant 0xFF800000 : f32
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
