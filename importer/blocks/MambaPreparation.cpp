//===- MambaPreparation.cpp - What mixers derive from weights ---*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/Blocks.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::marimba {

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

/// -exp(value), or the value itself where it is A already.
static Value emitA(OpBuilder &b, Location loc, Value value, bool holdsA) {
  if (holdsA)
    return value;
  return arith::NegFOp::create(b, loc, math::ExpOp::create(b, loc, value));
}

/// conv1d [D,1,W] as [W,D].
static Value emitConv(OpBuilder &b, Location loc, Value input,
                      Value destination) {
  SmallVector<ReassociationIndices> groups{{0, 1}, {2}};
  Value flat = tensor::CollapseShapeOp::create(b, loc, input, groups);
  return emitTransposed(
      b, NameLoc::get(b.getStringAttr("conv")), flat, destination,
      [](OpBuilder &, Location, Value value) { return value; });
}

SmallVector<Value> emitConvPreparation(OpBuilder &b, Location loc,
                                       ValueRange inputs, ValueRange outputs) {
  return {emitConv(b, loc, inputs[0], outputs[0])};
}

SmallVector<Value> emitMambaPreparation(OpBuilder &b, Location loc,
                                        ValueRange inputs, ValueRange outputs,
                                        bool holdsA) {
  Value a = emitTransposed(
      b, NameLoc::get(b.getStringAttr("A")), inputs[0], outputs[0],
      [&](OpBuilder &nested, Location nestedLoc, Value value) -> Value {
        return emitA(nested, nestedLoc, value, holdsA);
      });
  return {a, emitConv(b, loc, inputs[1], outputs[1])};
}

/// destination[i] = body(f32(inputs[0][i]), ..., i).
static Value
emitVector(OpBuilder &b, StringRef name, ValueRange inputs, Value destination,
           function_ref<Value(OpBuilder &, Location, ValueRange)> body) {
  Location loc = NameLoc::get(b.getStringAttr(name));
  SmallVector<AffineMap> maps(inputs.size() + 1, b.getMultiDimIdentityMap(1));
  SmallVector<utils::IteratorType> iterators{utils::IteratorType::parallel};
  return linalg::GenericOp::create(
             b, loc, TypeRange{destination.getType()}, inputs,
             ValueRange{destination}, maps, iterators,
             [&](OpBuilder &nested, Location at, ValueRange args) {
               SmallVector<Value> wide;
               for (Value arg : args.drop_back())
                 wide.push_back(arg.getType().isF32()
                                    ? arg
                                    : arith::ExtFOp::create(
                                          nested, at, nested.getF32Type(), arg)
                                          .getResult());
               linalg::YieldOp::create(nested, at, body(nested, at, wide));
             })
      .getResult(0);
}

/// A of each head.
static Value emitVectorA(OpBuilder &b, Location loc, Value input,
                         Value destination, bool holdsA) {
  // A loop that only copies folds away, and its destination with it.
  if (holdsA && input.getType() == destination.getType())
    return bufferization::MaterializeInDestinationOp::create(b, loc, input,
                                                             destination)
        ->getResult(0);
  return emitVector(b, "A", input, destination,
                    [&](OpBuilder &nested, Location at, ValueRange args) {
                      return emitA(nested, at, args[0], holdsA);
                    });
}

SmallVector<Value> emitMamba2Preparation(OpBuilder &b, Location loc,
                                         const Mamba2Sizes &sizes,
                                         ValueRange inputs, ValueRange outputs,
                                         bool holdsA) {
  SmallVector<Value> results{
      emitVectorA(b, loc, inputs[0], outputs[0], holdsA)};
  results.push_back(emitConv(b, loc, inputs[1], outputs[1]));
  if (!sizes.hasMultipliers())
    return results;
  // One factor a row of in_proj: those of its five parts, one after another.
  results.push_back(emitVector(
      b, "multipliers", {}, outputs[2],
      [&](OpBuilder &nested, Location at, ValueRange) {
        Value row = linalg::IndexOp::create(nested, at, 0);
        auto number = [&](double value) -> Value {
          return arith::ConstantOp::create(
              nested, at, nested.getF32FloatAttr(float(value)));
        };
        Value factor = number(sizes.multipliers.back());
        int64_t end = sizes.projected() - sizes.heads;
        for (int64_t part = 3; part >= 0; --part) {
          Value bound = arith::ConstantIndexOp::create(nested, at, end);
          Value before = arith::CmpIOp::create(
              nested, at, arith::CmpIPredicate::ult, row, bound);
          factor = arith::SelectOp::create(
              nested, at, before, number(sizes.multipliers[part]), factor);
          end -= part >= 2 ? sizes.groups * sizes.state : sizes.inner();
        }
        return factor;
      }));
  return results;
}

SmallVector<Value> emitGatedDeltaPreparation(OpBuilder &b, Location loc,
                                             ValueRange inputs,
                                             ValueRange outputs, bool holdsA) {
  Value a = inputs[0];
  if (cast<RankedTensorType>(a.getType()).getRank() == 4) // [1,1,hv,1]
    a = tensor::CollapseShapeOp::create(
        b, loc, a, SmallVector<ReassociationIndices>{{0, 1, 2, 3}});
  Value decay = emitVectorA(b, loc, a, outputs[0], holdsA);
  ValueRange parts = inputs.drop_front();
  if (parts.size() == 1)
    return {decay, emitConv(b, loc, parts[0], outputs[1])};
  Value conv = outputs[1];
  int64_t begin = 0;
  SmallVector<OpFoldResult> strides(2, b.getIndexAttr(1));
  for (Value part : parts) {
    ArrayRef<int64_t> shape = cast<RankedTensorType>(part.getType()).getShape();
    SmallVector<OpFoldResult> offsets{b.getIndexAttr(0), b.getIndexAttr(begin)};
    SmallVector<OpFoldResult> sizes{b.getIndexAttr(shape[2]),
                                    b.getIndexAttr(shape[0])};
    Value slice =
        tensor::ExtractSliceOp::create(b, loc, conv, offsets, sizes, strides);
    conv = tensor::InsertSliceOp::create(b, loc, emitConv(b, loc, part, slice),
                                         conv, offsets, sizes, strides);
    begin += shape[0];
  }
  return {decay, conv};
}

} // namespace mlir::marimba
