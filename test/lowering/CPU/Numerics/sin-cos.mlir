// RUN: marimba-opt %s -approximate-math -inline -convert-runtime-to-llvm \
// RUN:   | mlir-translate --mlir-to-llvmir | opt -passes='default<O1>' -S \
// RUN:   | FileCheck %s

// sin and cos of f32, at angles as large as a long context has. Constants fold
// through the polynomials; LLVM prints doubles in hexadecimal, cut here to a
// part in a million.

func.func private @s(%x: f32) -> f32 {
  %0 = math.sin %x : f32
  return %0 : f32
}
func.func private @c(%x: f32) -> f32 {
  %0 = math.cos %x : f32
  return %0 : f32
}

// CHECK-LABEL: float @sin_zero()
// CHECK-NEXT: ret float 0.000000e+00
func.func @sin_zero() -> f32 {
  %x = arith.constant 0.0 : f32
  %0 = call @s(%x) : (f32) -> f32
  return %0 : f32
}

// 0.0009999999
// CHECK-LABEL: float @sin_small()
// CHECK-NEXT: ret float 0x3F50624{{.*}}
func.func @sin_small() -> f32 {
  %x = arith.constant 0.0010000000474974513 : f32
  %0 = call @s(%x) : (f32) -> f32
  return %0 : f32
}

// 0.841471
// CHECK-LABEL: float @sin_one()
// CHECK-NEXT: ret float 0x3FEAED5{{.*}}
func.func @sin_one() -> f32 {
  %x = arith.constant 1.0 : f32
  %0 = call @s(%x) : (f32) -> f32
  return %0 : f32
}

// 0.14112
// CHECK-LABEL: float @sin_three()
// CHECK-NEXT: ret float 0x3FC2103{{.*}}
func.func @sin_three() -> f32 {
  %x = arith.constant 3.0 : f32
  %0 = call @s(%x) : (f32) -> f32
  return %0 : f32
}

// -0.9092974
// CHECK-LABEL: float @sin_minus_two()
// CHECK-NEXT: ret float 0xBFED18F{{.*}}
func.func @sin_minus_two() -> f32 {
  %x = arith.constant -2.0 : f32
  %0 = call @s(%x) : (f32) -> f32
  return %0 : f32
}

// 0.8268795
// CHECK-LABEL: float @sin_thousand()
// CHECK-NEXT: ret float 0x3FEA75C{{.*}}
func.func @sin_thousand() -> f32 {
  %x = arith.constant 1000.0 : f32
  %0 = call @s(%x) : (f32) -> f32
  return %0 : f32
}

// -0.5752417
// CHECK-LABEL: float @sin_last_position()
// CHECK-NEXT: ret float 0xBFE2686{{.*}}
func.func @sin_last_position() -> f32 {
  %x = arith.constant 131071.0 : f32
  %0 = call @s(%x) : (f32) -> f32
  return %0 : f32
}

// 0.0398334
// CHECK-LABEL: float @sin_between()
// CHECK-NEXT: ret float 0x3FA4650{{.*}}
func.func @sin_between() -> f32 {
  %x = arith.constant 98765.4296875 : f32
  %0 = call @s(%x) : (f32) -> f32
  return %0 : f32
}

// CHECK-LABEL: float @sin_infinity()
// CHECK-NEXT: ret float 0x{{[7F]}}FF8000000000000
func.func @sin_infinity() -> f32 {
  %x = arith.constant 0x7F800000 : f32
  %0 = call @s(%x) : (f32) -> f32
  return %0 : f32
}

// CHECK-LABEL: float @cos_zero()
// CHECK-NEXT: ret float 1.000000e+00
func.func @cos_zero() -> f32 {
  %x = arith.constant 0.0 : f32
  %0 = call @c(%x) : (f32) -> f32
  return %0 : f32
}

// 0.9999995
// CHECK-LABEL: float @cos_small()
// CHECK-NEXT: ret float 0x3FEFFFF{{.*}}
func.func @cos_small() -> f32 {
  %x = arith.constant 0.0010000000474974513 : f32
  %0 = call @c(%x) : (f32) -> f32
  return %0 : f32
}

// 0.5403023
// CHECK-LABEL: float @cos_one()
// CHECK-NEXT: ret float 0x3FE14A2{{.*}}
func.func @cos_one() -> f32 {
  %x = arith.constant 1.0 : f32
  %0 = call @c(%x) : (f32) -> f32
  return %0 : f32
}

// -0.9899925
// CHECK-LABEL: float @cos_three()
// CHECK-NEXT: ret float 0xBFEFAE0{{.*}}
func.func @cos_three() -> f32 {
  %x = arith.constant 3.0 : f32
  %0 = call @c(%x) : (f32) -> f32
  return %0 : f32
}

// -0.4161468
// CHECK-LABEL: float @cos_minus_two()
// CHECK-NEXT: ret float 0xBFDAA22{{.*}}
func.func @cos_minus_two() -> f32 {
  %x = arith.constant -2.0 : f32
  %0 = call @c(%x) : (f32) -> f32
  return %0 : f32
}

// 0.5623791
// CHECK-LABEL: float @cos_thousand()
// CHECK-NEXT: ret float 0x3FE1FF0{{.*}}
func.func @cos_thousand() -> f32 {
  %x = arith.constant 1000.0 : f32
  %0 = call @c(%x) : (f32) -> f32
  return %0 : f32
}

// -0.8179835
// CHECK-LABEL: float @cos_last_position()
// CHECK-NEXT: ret float 0xBFEA2CE{{.*}}
func.func @cos_last_position() -> f32 {
  %x = arith.constant 131071.0 : f32
  %0 = call @c(%x) : (f32) -> f32
  return %0 : f32
}

// 0.9992063
// CHECK-LABEL: float @cos_between()
// CHECK-NEXT: ret float 0x3FEFF97{{.*}}
func.func @cos_between() -> f32 {
  %x = arith.constant 98765.4296875 : f32
  %0 = call @c(%x) : (f32) -> f32
  return %0 : f32
}

// CHECK-LABEL: float @cos_infinity()
// CHECK-NEXT: ret float 0x{{[7F]}}FF8000000000000
func.func @cos_infinity() -> f32 {
  %x = arith.constant 0x7F800000 : f32
  %0 = call @c(%x) : (f32) -> f32
  return %0 : f32
}
