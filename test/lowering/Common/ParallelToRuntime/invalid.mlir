// RUN: marimba-opt %s -outline-parallel-loops -split-input-file \
// RUN:   -verify-diagnostics

func.func @no_context(%x: memref<?xf32>, %n: index)
    attributes {llvm.linkage = #llvm.linkage<internal>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %f = arith.constant 0.0 : f32
  // expected-error@+1 {{function has no !rt.context as first argument; run --add-runtime-context before}}
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    memref.store %f, %x[%i] : memref<?xf32>
  }
  return
}

// -----

func.func @no_arguments() attributes {llvm.linkage = #llvm.linkage<internal>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // expected-error@+1 {{function has no !rt.context as first argument}}
  scf.parallel (%i) = (%c0) to (%c1) step (%c1) {
  }
  return
}

// -----

func.func @reduction(%ctx: !rt.context, %x: memref<?xf32>, %n: index) -> f32
    attributes {llvm.linkage = #llvm.linkage<internal>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %f = arith.constant 0.0 : f32
  // expected-error@+1 {{a parallel reduction has no runtime call}}
  %s = scf.parallel (%i) = (%c0) to (%n) step (%c1) init (%f) -> f32 {
    %v = memref.load %x[%i] : memref<?xf32>
    scf.reduce(%v : f32) {
    ^bb0(%l: f32, %r: f32):
      %t = arith.addf %l, %r : f32
      scf.reduce.return %t : f32
    }
  }
  return %s : f32
}
