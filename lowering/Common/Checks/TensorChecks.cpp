//===- TensorChecks.cpp - Slices, casts and indices of tensors --*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/Common/Checks/CheckBuilder.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// Every static size of `to` is that of `from` when the code runs.
void checkCast(CheckBuilder &checks, Value from, Value to) {
  auto type = cast<RankedTensorType>(to.getType());
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (!type.isDynamicDim(dim))
      checks.requireEqual(checks.size("the source", from, dim),
                          {checks.builder().getIndexAttr(type.getDimSize(dim)),
                           "the result's"});
}

void checkIndices(CheckBuilder &checks, Value tensor, ValueRange indices) {
  for (auto [dim, index] : llvm::enumerate(indices))
    checks.requireIndex(("index #" + Twine(dim)).str(), index,
                        checks.size("the tensor", tensor, dim));
}

/// Offsets, sizes and strides stay in `tensor`.
void checkSlice(CheckBuilder &checks, OffsetSizeAndStrideOpInterface op,
                Value tensor) {
  OpBuilder &b = checks.builder();
  SmallVector<OpFoldResult> offsets = op.getMixedOffsets(),
                            sizes = op.getMixedSizes(),
                            strides = op.getMixedStrides();
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  for (size_t dim = 0; dim < sizes.size(); ++dim) {
    Size whole = checks.size("the tensor", tensor, dim);
    OpFoldResult offset = offsets[dim], size = sizes[dim],
                 stride = strides[dim];
    Value empty = checks.equal(size, zero);
    Value inside = checks.both(
        checks.both(checks.inRange(offset, zero, whole.value),
                    checks.inRange(size, one, checks.add(whole.value, one))),
        // A large stride times a size would wrap around.
        checks.either(
            checks.equal(size, one),
            checks.inRange(stride, one, checks.add(whole.value, one))));
    Value last = checks.add(offset, checks.mul(checks.sub(size, one), stride));
    inside = checks.both(inside, checks.less(last, whole.value));
    Value nothing = checks.both(
        empty, checks.inRange(offset, zero, checks.add(whole.value, one)));
    checks.require(checks.either(nothing, inside),
                   "offset {0}, size {1} and stride {2} leave the tensor: " +
                       whole.name + " is {3}",
                   {offset, size, stride, whole.value});
  }
}

/// The sizes of what is inserted are those that the op says.
template <typename OpTy> void checkInserted(CheckBuilder &checks, OpTy op) {
  checkSlice(checks, cast<OffsetSizeAndStrideOpInterface>(op.getOperation()),
             op.getDest());
  llvm::SmallBitVector dropped = op.getDroppedDims();
  int64_t sourceDim = 0;
  for (auto [dim, size] : llvm::enumerate(op.getMixedSizes()))
    if (!dropped[dim])
      checks.requireEqual(
          checks.size("the source", op.getSource(), sourceDim++),
          {size, ("size #" + Twine(dim)).str()});
}

/// Each dimension of the collapsed tensor is the product of a group of those of
/// the expanded one.
void checkReassociation(CheckBuilder &checks,
                        ArrayRef<ReassociationIndices> groups,
                        ArrayRef<Size> expanded, ArrayRef<Size> collapsed) {
  for (auto [group, size] : llvm::zip(groups, collapsed)) {
    SmallVector<OpFoldResult> factors;
    for (int64_t dim : group)
      factors.push_back(expanded[dim].value);
    if (llvm::all_of(factors,
                     [](OpFoldResult factor) {
                       return getConstantIntValue(factor).has_value();
                     }) &&
        getConstantIntValue(size.value))
      continue;
    auto [product, good] = checks.product(factors);
    checks.require(checks.both(good, checks.equal(product, size.value)),
                   "the product of dimensions " + Twine(group.front()) +
                       " to " + Twine(group.back()) +
                       " is {0}, expected {1}: " + size.name,
                   {product, size.value});
  }
}

void checkExpand(CheckBuilder &checks, tensor::ExpandShapeOp op) {
  SmallVector<Size> expanded, collapsed;
  for (OpFoldResult size : getMixedValues(
           op.getStaticOutputShape(), op.getOutputShape(), checks.builder()))
    expanded.push_back({size, ""});
  for (int64_t dim = 0; dim < op.getSrcType().getRank(); ++dim)
    collapsed.push_back(checks.size("the source", op.getSrc(), dim));
  // Of a scalar: every size is 1, as its type says.
  checkReassociation(checks, op.getReassociationIndices(), expanded, collapsed);
}

void checkCollapse(CheckBuilder &checks, tensor::CollapseShapeOp op) {
  SmallVector<Size> expanded, collapsed;
  for (int64_t dim = 0; dim < op.getSrcType().getRank(); ++dim)
    expanded.push_back(checks.size("the source", op.getSrc(), dim));
  RankedTensorType type = op.getResultType();
  SmallVector<ReassociationIndices> groups;
  for (auto [dim, group] : llvm::enumerate(op.getReassociationIndices())) {
    if (type.isDynamicDim(dim))
      continue;
    groups.push_back(group);
    collapsed.push_back({checks.builder().getIndexAttr(type.getDimSize(dim)),
                         "the result's size"});
  }
  checkReassociation(checks, groups, expanded, collapsed);
  if (type.getRank() == 0) // dimensions that are gone are of size 1
    for (Size &size : expanded)
      checks.requireEqual(size, {checks.builder().getIndexAttr(1), "a scalar"});
}

void checkPad(CheckBuilder &checks, tensor::PadOp op) {
  OpBuilder &b = checks.builder();
  RankedTensorType type = op.getResultType();
  SmallVector<OpFoldResult> low = op.getMixedLowPad(),
                            high = op.getMixedHighPad();
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    OpFoldResult zero = b.getIndexAttr(0);
    checks.require(checks.both(checks.atMost(zero, low[dim]),
                               checks.atMost(zero, high[dim])),
                   "pads dimension " + Twine(dim) +
                       " by {0} and {1}, expected at least 0",
                   {low[dim], high[dim]});
    if (type.isDynamicDim(dim))
      continue;
    Value sum = checks.add(
        checks.add(checks.sizeOf(op.getSource(), dim), low[dim]), high[dim]);
    checks.require(checks.equal(sum, b.getIndexAttr(type.getDimSize(dim))),
                   "dimension " + Twine(dim) +
                       " is {0} with its pads, expected " +
                       Twine(type.getDimSize(dim)) + ": the result's",
                   {sum});
  }
}

void checkSizes(CheckBuilder &checks, ValueRange sizes) {
  for (Value size : sizes) {
    if (size.getDefiningOp<tensor::DimOp>())
      continue;
    checks.require(checks.atMost(checks.builder().getIndexAttr(0), size),
                   "a size is {0}, expected at least 0", {size});
  }
}

} // namespace

void mlir::marimba::checkTensorOp(CheckBuilder &checks) {
  llvm::TypeSwitch<Operation *>(checks.operation())
      .Case([&](tensor::CastOp op) {
        checkCast(checks, op.getSource(), op.getResult());
      })
      .Case([&](tensor::BitcastOp op) {
        checkCast(checks, op.getSource(), op.getResult());
      })
      .Case([&](tensor::DimOp op) {
        if (auto type = dyn_cast<RankedTensorType>(op.getSource().getType()))
          checks.requireIndex("the dimension", op.getIndex(),
                              {checks.builder().getIndexAttr(type.getRank()),
                               "the tensor's rank"});
      })
      .Case([&](tensor::ExtractOp op) {
        checkIndices(checks, op.getTensor(), op.getIndices());
      })
      .Case([&](tensor::InsertOp op) {
        checkIndices(checks, op.getDest(), op.getIndices());
      })
      .Case([&](tensor::ExtractSliceOp op) {
        checkSlice(checks, op, op.getSource());
      })
      .Case<tensor::InsertSliceOp, tensor::ParallelInsertSliceOp>(
          [&](auto op) { checkInserted(checks, op); })
      .Case([&](tensor::ExpandShapeOp op) { checkExpand(checks, op); })
      .Case([&](tensor::CollapseShapeOp op) { checkCollapse(checks, op); })
      .Case([&](tensor::PadOp op) { checkPad(checks, op); })
      .Case<tensor::EmptyOp>(
          [&](auto op) { checkSizes(checks, op.getDynamicSizes()); })
      .Case<tensor::GenerateOp>(
          [&](auto op) { checkSizes(checks, op.getDynamicExtents()); })
      .Case<tensor::SplatOp>(
          [&](auto op) { checkSizes(checks, op.getDynamicSizes()); })
      .Case([&](bufferization::MaterializeInDestinationOp op) {
        auto type = dyn_cast<RankedTensorType>(op.getSource().getType());
        if (!type || !isa<RankedTensorType>(op.getDest().getType()))
          return;
        for (int64_t dim = 0; dim < type.getRank(); ++dim)
          checks.requireEqual(
              checks.size("the source", op.getSource(), dim),
              checks.size("the destination", op.getDest(), dim));
      });
}
