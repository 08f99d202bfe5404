//===- Functions.cpp - What is measured, and how far off it may be --------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "test/numerics/Functions.h"

#include <cmath>

using namespace marimba::numerics;

//===----------------------------------------------------------------------===//
// Exact values: double is enough
//===----------------------------------------------------------------------===//

static double exactExp(double x) { return std::exp(x); }
static double exactExp2(double x) { return std::exp2(x); }
static double exactLog1p(double x) { return std::log1p(x); }
static double exactErf(double x) { return std::erf(x); }
static double exactSigmoid(double x) { return 1 / (1 + std::exp(-x)); }
static double exactSoftplus(double x) {
  return std::isnan(x) ? x
                       : std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
}
static double exactSilu(double x) {
  return x == -INFINITY ? -0.0 : x / (1 + std::exp(-x));
}

/// x / 2 (1 + tanh(y)), which is x / (1 + exp(-2 y)).
static double exactGeluWithTanh(double x) {
  double y = 0.79788456080286536 * (x + 0.044715 * x * x * x);
  return x == -INFINITY ? -0.0 : x / (1 + std::exp(-2 * y));
}

//===----------------------------------------------------------------------===//
// Modules
//===----------------------------------------------------------------------===//

static ModuleSpec entry(const std::string &body) {
  return {R"(
module {
  func.func @prefill(%x: tensor<?x?x$Dxf32> {marimba.input = "x"},
      %out: tensor<?x?x$Dxf32> {marimba.output = "y"}) -> tensor<?x?x$Dxf32>
      attributes {marimba.entry = "prefill"} {)" +
              body + R"(
    return %y : tensor<?x?x$Dxf32>
  }
})",
          {{Operand::Input}, {Operand::Output}},
          {}};
}

/// %r as arithmetic on the scalar %v.
static ModuleSpec elementwise(const std::string &body) {
  return entry(R"(
    %y = linalg.map ins(%x : tensor<?x?x$Dxf32>)
        outs(%out : tensor<?x?x$Dxf32>) (%v: f32, %init: f32) {)" +
               body + R"(
      linalg.yield %r : f32
    })");
}

/// An op of the dialect.
static ModuleSpec model(const std::string &op,
                        const std::string &attributes = "") {
  return entry("\n    %f = marimba." + op + " %x" + attributes +
               R"( : tensor<?x?x$Dxf32>
    %y = linalg.copy ins(%f : tensor<?x?x$Dxf32>)
        outs(%out : tensor<?x?x$Dxf32>) -> tensor<?x?x$Dxf32>)");
}

/// One token through a selective_scan with as many states as A has rows.
static ModuleSpec scan(const std::string &attributes, Operand delta, Operand u,
                       Operand inputs, Operand gate, Operand output,
                       Operand state, const Weight &A) {
  auto states = static_cast<int64_t>(A.size());
  std::string text = R"(
module {
  marimba.weight @A : tensor<$Nx$Dxf32> from ["A"]
  marimba.weight @D : tensor<$Dxf32> from ["D"]
  func.func @prefill(
      %u: tensor<?x?x$Dxf32> {marimba.input = "u"},
      %delta: tensor<?x?x$Dxf32> {marimba.input = "delta"},
      %B: tensor<?x?x$Nxf32> {marimba.input = "B"},
      %C: tensor<?x?x$Nxf32> {marimba.input = "C"},
      %z: tensor<?x?x$Dxf32> {marimba.input = "z"},
      %out: tensor<?x?x$Dxf32> {marimba.output = "y"},
      %state: tensor<?x$Nx$Dxf32> {marimba.state = "ssm"})
      -> (tensor<?x?x$Dxf32>, tensor<?x$Nx$Dxf32>)
      attributes {marimba.entry = "prefill"} {
    %A = marimba.get_weight @A : tensor<$Nx$Dxf32>
    %D = marimba.get_weight @D : tensor<$Dxf32>
    %y, %last = marimba.selective_scan %u, %delta, %A, %B, %C
        skip(%D : tensor<$Dxf32>) gate(%z : tensor<?x?x$Dxf32>)
        outs(%out, %state : tensor<?x?x$Dxf32>, tensor<?x$Nx$Dxf32>))" +
                     attributes + R"(
        : tensor<?x?x$Dxf32>, tensor<?x?x$Dxf32>, tensor<$Nx$Dxf32>,
          tensor<?x?x$Nxf32>, tensor<?x?x$Nxf32>
       -> tensor<?x?x$Dxf32>, tensor<?x$Nx$Dxf32>
    return %y, %last : tensor<?x?x$Dxf32>, tensor<?x$Nx$Dxf32>
  }
})";
  for (size_t at; (at = text.find("$N")) != std::string::npos;)
    text.replace(at, 2, std::to_string(states));
  inputs.rows = state.rows = states;
  inputs.narrow = true;
  Operand zero{Operand::Constant, 0, states, /*narrow=*/true};
  return {text, {u, delta, inputs, zero, gate, output, state}, {A, {1}}};
}

static ModuleSpec scan(const std::string &attributes, Operand delta, Operand u,
                       Operand inputs, Operand gate, Operand output,
                       Operand state) {
  return scan(attributes, delta, u, inputs, gate, output, state, {-1, -2});
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

// The bounds are the largest errors that docs/numerics.md has, rounded up. That
// of the decay is derived: A log2 e is rounded, to 7.3e-8, and the product with
// delta, to 6e-8, and both count |delta A| times in the result.

static constexpr double kLeastNormal = 0x1p-126;

static std::vector<Function> makeGeneral() {
  auto element = [](const char *name, const std::string &body,
                    double (*exact)(double), double maxUlp) {
    Function result;
    result.name = name;
    result.route = "general";
    result.module = elementwise(body);
    result.exact = exact;
    result.maxUlp = maxUlp;
    return result;
  };
  std::vector<Function> all = {
      element("exp", "%r = math.exp %v : f32", exactExp, 1.02),
      element("exp2", "%r = math.exp2 %v : f32", exactExp2, 2.04),
      element("log1p", "%r = math.log1p %v : f32", exactLog1p, 2.45),
      element("sigmoid", R"(
      %one = arith.constant 1.0 : f32
      %minus = arith.negf %v : f32
      %e = math.exp %minus : f32
      %d = arith.addf %e, %one : f32
      %r = arith.divf %one, %d : f32)",
              exactSigmoid, 2.49),
      element("softplus", "", exactSoftplus, 3.77),
      element("silu", "", exactSilu, 3.51),
      element("erf", "%r = math.erf %v : f32", exactErf, 1.39),
      element("gelu_with_tanh", "", exactGeluWithTanh, 0),
  };
  all[1].smallest = kLeastNormal;
  all[1].everyNaN = false;
  all[3].smallest = 2.94e-39; // at -88.723, where e^-x is infinite
  all[4].module = model("softplus");
  all[4].smallest = kLeastNormal;
  all[5].module = model("silu");
  all[5].smallest = 3.68e-37; // at -88.376, where the fast e^-x is infinite
  all[7].module = model("gelu", " {with_tanh}");
  // y and its exponential round in proportion to |y|, which is about x^2.
  all[7].relative = 2.3e-7;
  all[7].growth = 1.15e-6;
  all[7].smallest = 4.2e-38; // where the fast e^-2y is infinite
  return all;
}

static std::vector<Function> makeKernels() {
  Operand in{Operand::Input}, out{Operand::Output};
  Operand zero{Operand::Constant}, one{Operand::Constant, 1};
  std::vector<Function> all(3);
  for (Function &function : all)
    function.route = "kernel";

  // A state of 0 takes delta u B = softplus in.
  Function &softplus = all[0];
  softplus.name = "softplus";
  softplus.module = scan("{delta_softplus}", in, one, one, zero, zero, out);
  softplus.exact = exactSoftplus;
  softplus.smallest = kLeastNormal;
  softplus.maxUlp = 3.77;

  // The output is (D u + 0) silu(z).
  Function &silu = all[1];
  silu.name = "silu";
  silu.module = scan("", zero, one, zero, in, out, zero);
  silu.exact = exactSilu;
  silu.maxUlp = 3.51;
  silu.smallest = 3.68e-37; // at -88.376, where the fast e^-x is infinite

  // A state of 1 decays, nothing comes in. Rates of a fresh model, others, and
  // two whose product with log2 e is rounded down and up as far as can be.
  Function &decay = all[2];
  decay.name = "decay";
  decay.factors = {-1,     -2,     -3,         -5,         -8,      -11,
                   -13,    -16,    -0.0123,    -0.37,      -0.7183, -3.333,
                   -6.789, -23.45, -0.6933077, -0.69328117};
  Operand state{Operand::Output, 1};
  decay.module = scan("", in, zero, zero, zero, zero, state, decay.factors);
  decay.exact = exactExp;
  decay.smallest = kLeastNormal;
  decay.relative = 1.8e-7;
  decay.growth = 1.33e-7;
  decay.infinities = false; // u is 0, and so is no product with it
  return all;
}

const std::vector<Function> &marimba::numerics::functions() {
  static const std::vector<Function> all = [] {
    std::vector<Function> list = makeGeneral();
    for (Function &kernel : makeKernels())
      list.push_back(std::move(kernel));
    return list;
  }();
  return all;
}
