//===- CollectInputs.cpp - What projections multiply ------------*- C++ -*-===//
//
// Part of Marimba. ImportOptions::collectInputs.
//
//===----------------------------------------------------------------------===//

#include "importer/ModuleBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::marimba {

RankedTensorType ModuleBuilder::inputsType() {
  int64_t columns = 0;
  for (const ProjectionInput &input : inputs)
    columns = std::max(columns, input.begin + input.size);
  // Not known in the first run.
  if (inputs.empty())
    columns = INT32_MAX;
  return dynamic({1, ShapedType::kDynamic, ShapedType::kDynamic, columns});
}

/// `value` [B,T,K] into `destination`, with zeros for tokens that fill up rows.
/// It is never written there to begin with: other ops read it, and the analysis
/// of what may share memory would not know that it stays.
static Value copyValid(OpBuilder &b, Location loc, Value value, Value valid,
                       Value destination) {
  MLIRContext *context = b.getContext();
  AffineMap all = b.getMultiDimIdentityMap(3);
  AffineMap rows = AffineMap::get(3, 0, b.getAffineDimExpr(0), context);
  SmallVector<AffineMap> maps{all, rows, all};
  SmallVector<utils::IteratorType> iterators(3, utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             b, loc, TypeRange{destination.getType()}, ValueRange{value, valid},
             ValueRange{destination}, maps, iterators,
             [&](OpBuilder &nested, Location at, ValueRange args) {
               Value time = linalg::IndexOp::create(nested, at, 1);
               Value count = arith::IndexCastOp::create(
                   nested, at, nested.getIndexType(), args[1]);
               Value real = arith::CmpIOp::create(
                   nested, at, arith::CmpIPredicate::slt, time, count);
               Value zero = arith::ConstantOp::create(
                   nested, at, nested.getF32FloatAttr(0));
               Value kept =
                   arith::SelectOp::create(nested, at, real, args[0], zero);
               linalg::YieldOp::create(nested, at, kept);
             })
      .getResult(0);
}

void ModuleBuilder::collect(StringRef weight, Value value, Value valid,
                            std::vector<CollectedInput> &found, Value &hidden,
                            Value column) {
  for (CollectedInput &one : found)
    if (one.value == value)
      return one.weights.push_back(weight.str());
  int64_t begin = found.empty() ? 0 : found.back().begin + found.back().size;
  auto type = cast<RankedTensorType>(value.getType());
  found.push_back({value, {weight.str()}, begin, type.getDimSize(2)});
  Location loc = name(weight + ".input");
  Value first = arith::ConstantIndexOp::create(b, loc, begin);
  SmallVector<OpFoldResult> offsets(4, b.getIndexAttr(0));
  offsets[3] = arith::AddIOp::create(b, loc, column, first).getResult();
  SmallVector<OpFoldResult> strides(4, b.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes{b.getIndexAttr(1)};
  llvm::append_range(sizes, tensor::getMixedSizes(b, loc, value));
  Value place = tensor::ExtractSliceOp::create(b, loc, type, hidden, offsets,
                                               sizes, strides);
  hidden = tensor::InsertSliceOp::create(b, loc,
                                         copyValid(b, loc, value, valid, place),
                                         hidden, offsets, sizes, strides);
}

int64_t ModuleBuilder::placeInputs(const LayerPlan &layer,
                                   func::FuncOp function, int64_t column) {
  if (column == 0) // of the model's first layer: what an earlier run found goes
    inputs.clear();
  int64_t end = column;
  for (const CollectedInput &one : collectedInputs[function]) {
    for (const std::string &name : one.weights) {
      const auto *weight =
          llvm::find_if(layer.weights, [&](const LayerWeight &weight) {
            return weight.name == name;
          });
      inputs.push_back(
          {weight->weight.sources.front(), column + one.begin, one.size});
    }
    end = std::max(end, column + one.begin + one.size);
  }
  return end;
}

} // namespace mlir::marimba
