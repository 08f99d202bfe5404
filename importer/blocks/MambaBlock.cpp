//===- MambaBlock.cpp - The selective state-space mixer ---------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "importer/blocks/Blocks.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::marimba {

/// value[:, :, begin : begin + size].
static Value sliceChannels(LayerScope &scope, StringRef part, Value value,
                           int64_t begin, int64_t size) {
  OpBuilder &b = scope.builder;
  Location loc = scope.loc(part);
  SmallVector<OpFoldResult> offsets{b.getIndexAttr(0), b.getIndexAttr(0),
                                    b.getIndexAttr(begin)};
  SmallVector<OpFoldResult> strides(3, b.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(b, loc, scope.activation(size), value,
                                        offsets, scope.shape(size), strides);
}

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

/// destination[i, j] = body(f32(input[j, i])).
static Value
emitTransposed(OpBuilder &b, Location loc, Value input, Value destination,
               function_ref<Value(OpBuilder &, Location, Value)> body) {
  MLIRContext *context = b.getContext();
  AffineExpr i, j;
  bindDims(context, i, j);
  SmallVector<AffineMap> maps{AffineMap::get(2, 0, {j, i}, context),
                              AffineMap::get(2, 0, {i, j}, context)};
  SmallVector<utils::IteratorType> iterators(2, utils::IteratorType::parallel);
  auto generic = linalg::GenericOp::create(
      b, loc, TypeRange{destination.getType()}, ValueRange{input},
      ValueRange{destination}, maps, iterators,
      [&](OpBuilder &nested, Location nestedLoc, ValueRange args) {
        Value value = args[0];
        if (!value.getType().isF32())
          value = arith::ExtFOp::create(nested, nestedLoc, nested.getF32Type(),
                                        value);
        linalg::YieldOp::create(nested, nestedLoc,
                                body(nested, nestedLoc, value));
      });
  return generic.getResult(0);
}

SmallVector<Value> emitMambaPreparation(OpBuilder &b, Location loc,
                                        ValueRange inputs, ValueRange outputs,
                                        bool holdsA) {
  Value a = emitTransposed(
      b, NameLoc::get(b.getStringAttr("A")), inputs[0], outputs[0],
      [&](OpBuilder &nested, Location nestedLoc, Value value) -> Value {
        if (holdsA)
          return value;
        Value exp = math::ExpOp::create(nested, nestedLoc, value);
        return arith::NegFOp::create(nested, nestedLoc, exp);
      });
  SmallVector<ReassociationIndices> groups{{0, 1}, {2}};
  Value flat = tensor::CollapseShapeOp::create(b, loc, inputs[1], groups);
  Value conv =
      emitTransposed(b, NameLoc::get(b.getStringAttr("conv")), flat, outputs[1],
                     [](OpBuilder &, Location, Value value) { return value; });
  return {a, conv};
}

} // namespace mlir::marimba
