// RUN: marimba-opt %s -split-input-file -verify-diagnostics

func.func @negative(%call: !rt.call) {
  // expected-error@+1 {{attribute 'index' failed to satisfy constraint: 64-bit signless integer attribute whose value is non-negative}}
  %0 = rt.weight %call[-1] : memref<8xf32>
  return
}

// -----

func.func @negative(%call: !rt.call) {
  // expected-error@+1 {{attribute 'index' failed to satisfy constraint: 64-bit signless integer attribute whose value is non-negative}}
  %0 = rt.argument %call[-1] : memref<?xf32>
  return
}

// -----

func.func @dynamic(%call: !rt.call) {
  // expected-error@+1 {{has a result of type 'memref<?xf32>', expected a static memref in row-major order}}
  %0 = rt.weight %call[0] : memref<?xf32>
  return
}

// -----

func.func @sizes(%ctx: !rt.context, %n: index) {
  // expected-error@+1 {{has 1 sizes, expected 2: the dynamic dimensions of 'memref<?x?x4xf32>'}}
  %0 = rt.arena_alloc %ctx(%n) : memref<?x?x4xf32>
  return
}

// -----

func.func @layout(%ctx: !rt.context) {
  // expected-error@+1 {{has a result of type 'memref<4xf32, strided<[2]>>', expected a memref in row-major order}}
  %0 = rt.arena_alloc %ctx() : memref<4xf32, strided<[2]>>
  return
}

// -----

func.func @no_body(%ctx: !rt.context, %n: index) {
  // expected-error@+1 {{refers to @body, which is not a function}}
  rt.parallel_for %ctx, %n @body()
  return
}

// -----

func.func private @body(index, index, memref<?xf32>)
func.func @captures(%ctx: !rt.context, %n: index) {
  // expected-error@+1 {{has a body @body of type '(index, index, memref<?xf32>) -> ()', expected '(index, index) -> ()'}}
  rt.parallel_for %ctx, %n @body()
  return
}

// -----

func.func private @body(index, index) -> index
func.func @result(%ctx: !rt.context, %n: index) {
  // expected-error@+1 {{has a body @body of type '(index, index) -> index', expected '(index, index) -> ()'}}
  rt.parallel_for %ctx, %n @body()
  return
}

// -----

func.func @no_loop(%ctx: !rt.context) {
  // expected-error@+1 {{has rt.arena_mark inside, expected rt.parallel_for only}}
  rt.parallel_phases %ctx {
    %mark = rt.arena_mark %ctx
  }
  return
}

// -----

func.func private @body(index, index)
func.func @other_team(%ctx: !rt.context, %other: !rt.context, %n: index) {
  // expected-error@+1 {{has a loop of another !rt.context inside}}
  rt.parallel_phases %ctx {
    rt.parallel_for %other, %n @body()
  }
  return
}

// -----

func.func @no_context(%call: !rt.call) {
  // expected-error@+1 {{is in a function without an !rt.context as first argument, which --add-runtime-context adds}}
  %ctx = rt.context
  return
}

// -----

func.func @values() {
  // expected-error@+1 {{has values 'iq4_nl', expected those of a codebook, as iq3_s}}
  %0 = rt.codebook "iq4_nl" : memref<512xi32>
  return
}

// -----

func.func @entries() {
  // expected-error@+1 {{has a result of type 'memref<512xi32>', expected memref<4096xi32>}}
  %0 = rt.codebook "iq1_m" : memref<512xi32>
  return
}
