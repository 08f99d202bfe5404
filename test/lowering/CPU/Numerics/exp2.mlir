// RUN: marimba-opt %s -approximate-math -inline -convert-runtime-to-llvm \
// RUN:   | mlir-translate --mlir-to-llvmir | opt -passes='default<O1>' -S \
// RUN:   | FileCheck %s

// exp2 of f32, the decay of a scan. Constants fold through the polynomial; LLVM prints
// doubles in hexadecimal, cut here to a part in a million.

func.func private @f(%x: f32) -> f32 {
  %0 = math.exp2 %x : f32
  return %0 : f32
}

// exact: a state with A = 0 does not decay
// CHECK-LABEL: float @zero()
// CHECK-NEXT: ret float 1.000000e+00
func.func @zero() -> f32 {
  %x = arith.constant 0.0 : f32
  %0 = call @f(%x) : (f32) -> f32
  return %0 : f32
}

// CHECK-LABEL: float @one()
// CHECK-NEXT: ret float 2.000000e+00
func.func @one() -> f32 {
  %x = arith.constant 1.0 : f32
  %0 = call @f(%x) : (f32) -> f32
  return %0 : f32
}

// CHECK-LABEL: float @minus_one()
// CHECK-NEXT: ret float 5.000000e-01
func.func @minus_one() -> f32 {
  %x = arith.constant -1.0 : f32
  %0 = call @f(%x) : (f32) -> f32
  return %0 : f32
}

// 1.414213
// CHECK-LABEL: float @half()
// CHECK-NEXT: ret float 0x3FF6A09{{.*}}
func.func @half() -> f32 {
  %x = arith.constant 0.5 : f32
  %0 = call @f(%x) : (f32) -> f32
  return %0 : f32
}

// 3.37931e38
// CHECK-LABEL: float @large()
// CHECK-NEXT: ret float 0x47EFC7{{.*}}
func.func @large() -> f32 {
  %x = arith.constant 127.99 : f32
  %0 = call @f(%x) : (f32) -> f32
  return %0 : f32
}

// infinity
// CHECK-LABEL: float @over()
// CHECK-NEXT: ret float 0x7FF0000000000000
func.func @over() -> f32 {
  %x = arith.constant 128.0 : f32
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
