// RUN: marimba-opt %s --verify-roundtrip | FileCheck %s
// RUN: marimba-opt %s --mlir-print-op-generic | marimba-opt | FileCheck %s

// Numbers are printed as people write them, in the fewest digits that are read
// back as the same number.

// CHECK-LABEL: func @f64
func.func @f64(%x: tensor<?x8xf32>) {
  // CHECK-NEXT: eps(1.0e-6)
  %0 = marimba.rms_norm %x eps(0.000001) : tensor<?x8xf32>
  // CHECK-NEXT: eps(1.0e-5)
  %1 = marimba.rms_norm %x eps(1.000000e-05) : tensor<?x8xf32>
  // CHECK-NEXT: eps(0.001)
  %2 = marimba.rms_norm %x eps(1.0e-3) : tensor<?x8xf32>
  // CHECK-NEXT: eps(0.1)
  %3 = marimba.rms_norm %x eps(0.1000000000000000055) : tensor<?x8xf32>
  // CHECK-NEXT: eps(0.10000000000000002)
  %4 = marimba.rms_norm %x eps(0.10000000000000002) : tensor<?x8xf32>
  // CHECK-NEXT: eps(2.0)
  %5 = marimba.rms_norm %x eps(2.0) : tensor<?x8xf32>
  // The nearest f32 of 1e-6 is another number.
  // CHECK-NEXT: eps(9.999999974752427e-7)
  %6 = marimba.rms_norm %x eps(9.999999974752427e-07) : tensor<?x8xf32>
  // CHECK-NEXT: eps(1.7976931348623157e308)
  %7 = marimba.rms_norm %x eps(1.7976931348623157e+308) : tensor<?x8xf32>
  // CHECK-NEXT: eps(5.0e-324)
  %8 = marimba.rms_norm %x eps(4.9406564584124654e-324) : tensor<?x8xf32>
  // CHECK-NEXT: eps(0.3333333333333333)
  %9 = marimba.rms_norm %x eps(0.33333333333333331) : tensor<?x8xf32>
  return
}

// CHECK-LABEL: func @f32
func.func @f32(%past: memref<?xi32>, %t: memref<?x?x8xf32>) {
  // CHECK: {frequencies = array<f32: 1.0, 0.01, 0.1, 1.0e-4, 0.33333334, 1.0e-45, 3.4028235e38, -0.5>}
  marimba.rotary_table %past outs(%t, %t : memref<?x?x8xf32>, memref<?x?x8xf32>)
      {frequencies = array<f32: 1.0, 0.01, 0.1, 0.0001, 0.333333343, 1.4e-45,
                                3.4028235e+38, -0.5>} : memref<?xi32>
  return
}

// Other attributes stand beside them as ever.
// CHECK-LABEL: func @attributes
func.func @attributes(%q: memref<?x?x6x32xf32>, %k: memref<?x?x2x32xf32>,
    %past: memref<?xi32>, %cache: memref<?x2x?x32xf32>) {
  // CHECK: {note, scale = 0.17677669529663687 : f64, softcap = 30.0 : f64, "two words" = 0.1 : f32, window = 4 : i64} : memref
  marimba.attention %q, %k, %k past(%past)
      outs(%q, %cache, %cache
         : memref<?x?x6x32xf32>, memref<?x2x?x32xf32>, memref<?x2x?x32xf32>)
      {window = 4 : i64, softcap = 30.0 : f64, note, "two words" = 0.1 : f32,
       scale = 0.17677669529663687 : f64}
      : memref<?x?x6x32xf32>, memref<?x?x2x32xf32>, memref<?x?x2x32xf32>,
        memref<?xi32>
  return
}
