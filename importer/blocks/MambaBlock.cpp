//===- MambaBlock.cpp - The selective state-space mixer ---------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "importer/blocks/Blocks.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace mlir::marimba {

Value emitMambaMixer(LayerScope &scope, const MambaSizes &s, Value h) {
  OpBuilder &b = scope.builder;

  Value xz = emitLinear(scope, h, "in_proj");
  Value xin = sliceChannels(scope, "x", xz, 0, s.inner);
  Value z = sliceChannels(scope, "z", xz, s.inner, s.inner);

  Location convLoc = scope.loc("conv1d");
  Value convOut = scope.empty(convLoc, s.inner);
  Value &convState = scope.state("conv");
  auto conv = CausalConv1dOp::create(
      b, convLoc, TypeRange{convOut.getType(), convState.getType()}, xin,
      scope.weight("conv"), scope.weight("conv1d.bias"), scope.valid,
      ValueRange{convOut, convState}, /*silu=*/UnitAttr());
  convState = conv->getResult(1);
  Value u = SiluOp::create(b, scope.loc("u"), conv->getResult(0));

  Value projected = emitLinear(scope, u, "x_proj");
  Value dt = sliceChannels(scope, "dt", projected, 0, s.rank);
  Value inputMap = sliceChannels(scope, "B", projected, s.rank, s.state);
  Value outputMap =
      sliceChannels(scope, "C", projected, s.rank + s.state, s.state);
  if (s.innerNorms) {
    dt = emitNorm(scope, dt, "dt_layernorm", s.normEpsilon);
    inputMap = emitNorm(scope, inputMap, "b_layernorm", s.normEpsilon);
    outputMap = emitNorm(scope, outputMap, "c_layernorm", s.normEpsilon);
  }
  Value delta = SoftplusOp::create(b, scope.loc("delta"),
                                   emitLinear(scope, dt, "dt_proj"));

  // Written apart, as the papers have it: --fuse-discretize-scan puts the
  // three together.
  Type factors = scope.activation({s.state, s.inner});
  auto discrete = DiscretizeOp::create(
      b, scope.loc("discretize"), TypeRange{factors, factors},
      DiscretizationRuleAttr::get(b.getContext(), DiscretizationRule::Euler),
      delta, scope.weight("A"), inputMap, u);
  Location scanLoc = scope.loc("scan");
  Value scanOut = scope.empty(scanLoc, {s.state, s.inner});
  Value &ssmState = scope.state("ssm");
  auto scan = ScanOp::create(b, scanLoc, TypeRange{factors, ssmState.getType()},
                             discrete.getDecay(), discrete.getInput(),
                             scope.valid, ValueRange{scanOut, ssmState},
                             /*complex=*/false);
  ssmState = scan->getResult(1);
  Value y =
      ReadoutOp::create(b, scope.loc("readout"), scope.activation(s.inner),
                        scan->getResult(0), outputMap, scope.weight("D"), u);

  Value gate = SiluOp::create(b, scope.loc("gate"), z);
  Value gated = arith::MulFOp::create(b, scope.loc("gated"), y, gate);
  return emitLinear(scope, gated, "out_proj");
}

} // namespace mlir::marimba
