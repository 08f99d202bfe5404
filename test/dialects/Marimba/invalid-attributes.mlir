// RUN: marimba-opt %s -split-input-file -verify-diagnostics

// Attributes of the dialect that no op declares.

// expected-error@+1 {{'builtin.module' op has the unknown attribute 'marimba.famliy', expected one of marimba.family}}
module attributes {marimba.famliy = "jamba"} {
}

// -----

// expected-error@+1 {{'builtin.module' op has 'marimba.family' = 3 : i64, expected a name: a string that is not empty}}
module attributes {marimba.family = 3} {
}

// -----

// expected-error@+1 {{'builtin.module' op has the attribute 'marimba.entry', which a function may have}}
module attributes {marimba.entry = "prefill"} {
}

// -----

// expected-error@+1 {{'func.func' op has the unknown attribute 'marimba.entyr', expected one of marimba.entry, marimba.layer}}
func.func @f() attributes {marimba.entyr = "prefill"} {
  return
}

// -----

// expected-error@+1 {{'func.func' op has 'marimba.entry' = "a b", expected a name of letters, digits, '_', '.' and '-', such as "prefill"}}
func.func @f() attributes {marimba.entry = "a b"} {
  return
}

// -----

// expected-error@+1 {{'func.func' op has 'marimba.entry' = "", expected a name of letters}}
func.func private @f() attributes {marimba.entry = ""}

// -----

// expected-error@+1 {{'func.func' op has 'marimba.layer' = unit, expected a name: a string that is not empty}}
func.func @f() attributes {marimba.layer} {
  return
}

// -----

// expected-error@+1 {{'func.func' op has the attribute 'marimba.state', which an argument of a function may have}}
func.func @f() attributes {marimba.state = "ssm"} {
  return
}

// -----

func.func @f(%x: tensor<4xf32>,
    // expected-error@+1 {{argument #1 of entry 'prefill' has the unknown attribute 'marimba.inptu', expected one of marimba.input, marimba.state, marimba.output, marimba.weight, marimba.name, marimba.time}}
    %y: tensor<4xf32> {marimba.inptu = "y"})
    attributes {marimba.entry = "prefill"} {
  return
}

// -----

// expected-error@+1 {{argument #0 of function 'f' has 'marimba.output' = ["y"], expected a name: a string that is not empty}}
func.func @f(%y: tensor<4xf32> {marimba.output = ["y"]}) {
  return
}

// -----

// expected-error@+1 {{argument #0 of function 'f' has the attribute 'marimba.layer', which a function may have}}
func.func private @f(tensor<4xf32> {marimba.layer = "mamba"})

// -----

// expected-error@+1 {{result #0 of function 'f' has the attribute 'marimba.output', which an argument of a function may have}}
func.func private @f() -> (tensor<4xf32> {marimba.output = "y"})

// -----

// expected-error@+1 {{result #0 of function 'f' has the unknown attribute 'marimba.result', expected no attribute of the dialect on a result of a function}}
func.func private @f() -> (tensor<4xf32> {marimba.result = "y"})

// -----

func.func @f() {
  // expected-error@+1 {{'arith.constant' op has the attribute 'marimba.time', which an argument of a function may have}}
  %c = arith.constant {marimba.time} 1 : index
  return
}

// -----

func.func @f() {
  // expected-error@+1 {{'arith.constant' op has the attribute 'marimba.name', which an argument of a function may have}}
  %c = arith.constant {marimba.name = "c"} 1 : index
  return
}

// -----

func.func @f() {
  // expected-error@+1 {{'arith.constant' op has the attribute 'marimba.lower_triangular', which a linalg.generic may have}}
  %c = arith.constant {marimba.lower_triangular} 1 : index
  return
}

// -----

func.func @f(%x: tensor<4xf32>) {
  // expected-error@+1 {{'linalg.generic' op has 'marimba.lower_triangular' = true, expected no value}}
  %y = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      outs(%x : tensor<4xf32>) attrs = {marimba.lower_triangular = true} {
    ^bb0(%a: f32):
      linalg.yield %a : f32
  } -> tensor<4xf32>
  return
}

// -----

func.func @f() {
  // expected-error@+1 {{'arith.constant' op has the attribute 'marimba.exact_products', which a marimba.linear may have}}
  %c = arith.constant {marimba.exact_products} 1 : index
  return
}
